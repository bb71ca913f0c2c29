package wire

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// Access returns where the login comes from, and what the token for a repository says that it grants. It sends nothing:
// there is a token only after a call with the same scopes.
func (c *Client) Access(ctx context.Context, repository string, scopes []string) (registry.Access, error) {
	host := c.apiHost()
	found, from, err := lookup(ctx, host, c.options.Credentials)
	c.secrets.addLogin(found.Username, found.Password)
	if err != nil {
		return registry.Access{}, c.HideIn(err)
	}
	out := registry.Access{Asked: !c.Anonymous()}
	if found != auth.EmptyCredential {
		out.Source = c.Hide(from.of(host))
	}
	if c.login.modest.Load() { // the token server does not know the action delete, so its absence says nothing
		return out, nil
	}
	scoped := auth.WithScopesForHost(ctx, host, c.login.scopesOf(Call{Method: http.MethodGet, Scopes: scopes})...)
	token, err := c.auth.Cache.GetToken(scoped, host, auth.SchemeBearer, strings.Join(auth.GetAllScopesForHost(scoped, host), " "))
	if err == nil {
		out.Actions, out.Known = granted(token, repository)
	}
	return out, nil
}

// granted reads the access claim of a token that is a JWT, without verifying it: it only tells a person what to expect.
// known is false when the token does not say what it grants.
func granted(token, repository string) (actions []string, known bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return nil, false
	}
	var claims struct {
		Access *[]struct {
			Type, Name string
			Actions    []string
		} `json:"access"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Access == nil {
		return nil, false
	}
	for _, a := range *claims.Access {
		if a.Type == "repository" && a.Name == repository {
			actions = append(actions, a.Actions...)
		}
	}
	return actions, true
}

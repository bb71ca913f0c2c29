package ghcr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// apiVersion is the version of the API whose answers this package reads
// (https://docs.github.com/rest/about-the-rest-api/api-versions).
const apiVersion = "2022-11-28"

// api is a GitHub's Packages API, as one token reaches it.
type api struct {
	registry *wire.Client // knows the login
	host     string       // of the registry
	client   *wire.Client
	prefix   string // of all paths
	pace     *pace

	login sync.Mutex // one looks for the token
	token string

	mu     sync.Mutex
	scopes []string          // of a classic token, as the latest answer has them; nil is not known
	owners map[string]string // "orgs" or "users", by the owner
}

func newAPI(client *wire.Client, host string, base *url.URL, o registry.Options) (*api, error) {
	o = o.WithDefaults()
	a := &api{registry: client, host: host, prefix: strings.TrimSuffix(base.EscapedPath(), "/"), pace: newPace(o.Now), owners: map[string]string{}}
	var err error
	a.client, err = wire.NewAPI(base.Host, o, wire.API{Authorize: a.authorize, Explain: explainBody, Limited: a.limited, OwnPace: true})
	return a, err
}

// authorize adds the token, which call has looked for.
func (a *api) authorize(req *http.Request, _ []byte) error {
	a.login.Lock()
	defer a.login.Unlock()
	req.Header.Set("Authorization", "Bearer "+a.token)
	return nil
}

// findToken looks for the docker login once. A fine-grained token is refused up front: the endpoints of packages name
// tokens of apps and classic ones alone (https://docs.github.com/rest/packages/packages).
func (a *api) findToken(ctx context.Context) error {
	a.login.Lock()
	defer a.login.Unlock()
	if a.token != "" {
		return nil
	}
	found, err := a.registry.Login(ctx, a.host)
	switch {
	case err != nil:
		return err
	case found.Password == "":
		return &problem{fmt.Errorf("GitHub's Packages API needs a login, and none is known for %s", a.host), registry.ErrUnauthorized, hintLogin}
	case strings.HasPrefix(string(found.Password), "github_pat_"):
		return &problem{
			fmt.Errorf("the login for %s is a fine-grained personal access token, and GitHub's Packages API does not take one", a.host), registry.ErrForbidden,
			"log in with GITHUB_TOKEN in a workflow, or with a classic personal access token that has the scopes read:packages and delete:packages",
		}
	}
	a.token = string(found.Password)
	return nil
}

// call sends a call of the API at the rate that GitHub allows. reserve is how many requests have to be left in the hour's
// quota.
func (a *api) call(ctx context.Context, k wire.Call, reserve int) (wire.Reply, error) {
	if err := a.findToken(ctx); err != nil {
		return wire.Reply{}, err
	}
	k.Accept = []string{"application/vnd.github+json"}
	k.Header = http.Header{"X-Github-Api-Version": {apiVersion}}
	leave := func() {}
	k.Look = func(ctx context.Context, _ bool) (err error) {
		leave()
		leave, err = a.pace.enter(ctx, k.Method, reserve)
		return err
	}
	r, err := a.client.Do(ctx, k)
	leave()
	if err == nil {
		a.heed(r.Header)
		a.pace.works()
	}
	return r, a.pace.tell(err)
}

// heed takes over what each answer says of the token.
func (a *api) heed(h http.Header) {
	a.pace.heed(h)
	var scopes []string
	for s := range strings.SplitSeq(h.Get("X-OAuth-Scopes"), ",") {
		if s = strings.TrimSpace(s); s != "" {
			scopes = append(scopes, s)
		}
	}
	if len(scopes) == 0 { // tokens of apps have none
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scopes = scopes
}

// scopesOf returns the scopes of a classic token, as far as GitHub has named any. Other tokens have none.
func (a *api) scopesOf() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.scopes
}

// limited reports whether an answer is about a limit. It sees every answer that is not a success.
func (a *api) limited(status int, h http.Header, body []byte) (time.Duration, bool) {
	a.heed(h)
	_, message := explainBody(h, body)
	return 0, a.pace.limits(status, h, message)
}

// explainBody reads an error of the API. "Package not found." is GitHub's word for what is not there and for what the
// token may not see; who asks has to tell them apart.
func explainBody(_ http.Header, body []byte) (code, message string) {
	var parsed struct {
		Message string `json:"message"`
		Status  string `json:"status"`
	}
	if json.Unmarshal(body, &parsed) != nil {
		return "", ""
	}
	if parsed.Message == "Package not found." || parsed.Message == "Not Found" {
		code = "NOT_FOUND"
	}
	return code, parsed.Message
}

// isNotFound reports whether GitHub itself says that it does not have something, or does not show it.
func isNotFound(err error) bool { return errors.Is(err, registry.ErrNotFound) }

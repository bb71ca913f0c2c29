package registrytest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Auth is how the registry asks who is there.
type Auth string

const (
	// NoAuth lets everybody in.
	NoAuth Auth = ""
	// BasicAuth wants Username and Password on each request, as distribution with htpasswd does.
	BasicAuth Auth = "basic"
	// TokenAuth wants a bearer token from /token, which is served by the same host
	// (https://distribution.github.io/distribution/spec/auth/token/).
	TokenAuth Auth = "token"
)

// TokenRequest is what a client asked the token server for.
type TokenRequest struct {
	User    string // "" when it came without credentials
	Scopes  []string
	Granted bool // false: wrong credentials
}

// token is what a bearer may do.
type token struct {
	actions map[string][]string // by "repository:path" or "registry:catalog"
	uses    int
}

// TokenRequests returns what the token server was asked for, in order.
func (reg *Registry) TokenRequests() []TokenRequest {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	return slices.Clone(reg.asked)
}

// ExpireTokens makes every token that was handed out invalid.
func (reg *Registry) ExpireTokens() {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	clear(reg.tokens)
}

// authorize lets a request pass or answers 401 with a challenge.
func (reg *Registry) authorize(w http.ResponseWriter, r *http.Request) bool {
	challenge := ""
	switch reg.opts.Auth {
	case BasicAuth:
		if user, password, ok := r.BasicAuth(); !ok || user != reg.opts.Username || password != reg.opts.Password {
			challenge = `Basic realm="registrytest"`
		}
	case TokenAuth:
		challenge = reg.challenge(r)
	}
	if challenge == "" {
		return true
	}
	w.Header().Set("WWW-Authenticate", challenge)
	reg.fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	return false
}

// challenge returns "" for a request whose token is good for what it does. The scope that it names otherwise is exactly
// that of the request: delete alone for a DELETE (handlers.appendAccessRecords).
func (reg *Registry) challenge(r *http.Request) string {
	resource, actions := wanted(r)
	text := fmt.Sprintf(`Bearer realm="http://%s/token",service="registrytest"`, r.Host)
	if resource != "" {
		text += fmt.Sprintf(`,scope="%s:%s"`, resource, strings.Join(actions, ","))
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return text
	}
	reg.mu.Lock()
	defer reg.mu.Unlock()
	t := reg.tokens[bearer]
	if t == nil || reg.opts.TokenUses > 0 && t.uses >= reg.opts.TokenUses {
		return text + `,error="invalid_token"`
	}
	t.uses++
	for _, a := range actions {
		if !slices.Contains(t.actions[resource], a) {
			return text + `,error="insufficient_scope"`
		}
	}
	return ""
}

// wanted is the resource that a request works on and what it does there.
func wanted(r *http.Request) (resource string, actions []string) {
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	if path == "_catalog" {
		return "registry:catalog", []string{"*"}
	}
	name, _ := split(path)
	if name == "" {
		return "", nil
	}
	switch r.Method {
	case http.MethodDelete:
		actions = []string{"delete"}
	case http.MethodGet, http.MethodHead:
		actions = []string{"pull"}
	default:
		actions = []string{"pull", "push"}
	}
	return "repository:" + name, actions
}

// serveToken hands out a token for the scopes that are asked for, less what Options.Deny takes away.
func (reg *Registry) serveToken(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	asked := TokenRequest{User: user}
	for _, s := range r.URL.Query()["scope"] {
		asked.Scopes = append(asked.Scopes, strings.Fields(s)...)
	}
	asked.Granted = reg.opts.Username == "" || user == reg.opts.Username && password == reg.opts.Password
	reg.mu.Lock()
	defer reg.mu.Unlock()
	reg.asked = append(reg.asked, asked)
	if !asked.Granted {
		w.Header().Set("WWW-Authenticate", `Basic realm="registrytest"`)
		reg.fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		return
	}
	t := &token{actions: map[string][]string{}}
	for _, s := range asked.Scopes {
		i := strings.LastIndex(s, ":")
		for a := range strings.SplitSeq(s[i+1:], ",") {
			if i > 0 && !slices.Contains(reg.opts.Deny, a) {
				t.actions[s[:i]] = append(t.actions[s[:i]], a)
			}
		}
	}
	name := fmt.Sprintf("token-%d", len(reg.asked))
	if reg.opts.JWT {
		name = t.jwt(name)
	}
	reg.tokens[name] = t
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": name, "expires_in": 300})
}

// jwt returns a JSON web token with the access claim of distribution's tokens
// (https://distribution.github.io/distribution/spec/auth/jwt/). Nobody verifies its signature.
func (t *token) jwt(id string) string {
	type access struct {
		Type    string   `json:"type"`
		Name    string   `json:"name"`
		Actions []string `json:"actions"`
	}
	claims := struct {
		ID     string   `json:"jti"`
		Access []access `json:"access"`
	}{ID: id, Access: []access{}}
	for _, resource := range slices.Sorted(maps.Keys(t.actions)) {
		kind, name, _ := strings.Cut(resource, ":")
		claims.Access = append(claims.Access, access{kind, name, t.actions[resource]})
	}
	payload, _ := json.Marshal(claims) // texts always encode
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + part(payload) + "." + part([]byte("signature of "+id))
}

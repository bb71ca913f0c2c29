package vendors

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
)

// acrNobody is the user that a refresh token is stored with as the password of docker's login
// (https://learn.microsoft.com/azure/container-registry/container-registry-authentication).
const acrNobody = "00000000-0000-0000-0000-000000000000"

// acrActions are the actions of a repository.
var acrActions = []string{"pull", "push", "delete", "metadata_read", "metadata_write"}

// Login is a user and password that is taken as it is: a service principal.
func (f *ACR) Login() (user, password string) {
	return "11111111-2222-3333-4444-555555555555", "principal-" + f.opts.Name
}

// AADToken is an access token of the directory, which the service exchanges for a refresh token.
func (f *ACR) AADToken() string { return "aad-" + f.opts.Name }

// ARMToken is an access token of Azure's management API.
func (f *ACR) ARMToken() string { return "arm-" + f.opts.Name }

// RefreshToken issues a refresh token. A client has it as the identity token of docker's login.
func (f *ACR) RefreshToken() string {
	claims := map[string]any{"grant_type": "refresh_token"}
	if f.opts.ABAC {
		claims["aad_identity"] = f.opts.Name
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	token := f.jwt(claims)
	f.refresh[token] = true
	return token
}

// ExpireTokens ends all access tokens that were issued so far.
func (f *ACR) ExpireTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token, t := range f.access {
		t.ends = f.opts.Now()
		f.access[token] = t
	}
}

// ExpireRefreshTokens ends all refresh tokens that were issued so far.
func (f *ACR) ExpireRefreshTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token := range f.refresh {
		f.refresh[token] = false
	}
}

// jwt returns a token with claims, whose signature nobody can check. It wants the lock.
func (f *ACR) jwt(claims map[string]any) string {
	f.issued++
	claims["jti"] = fmt.Sprint(f.issued)
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	return text + "." + digest.FromString(text).Encoded()
}

// serveExchange hands out a refresh token for a token of the directory.
func (f *ACR) serveExchange(w http.ResponseWriter, r *http.Request) {
	token := r.PostFormValue("access_token")
	switch {
	case r.PostFormValue("grant_type") != "access_token" || token == "":
		answerOCI(w, http.StatusBadRequest, "UNSUPPORTED", "grant_type must be access_token")
	case r.PostFormValue("service") != r.Host:
		answerOCI(w, http.StatusBadRequest, "UNAUTHORIZED", "service is not this registry")
	case token == f.ARMToken() && f.opts.NoARMTokens:
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "arm aad token disallowed")
	case token != f.AADToken() && token != f.ARMToken():
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.")
	default:
		answerJSON(w, http.StatusOK, map[string]string{"refresh_token": f.RefreshToken()})
	}
}

// serveToken hands out an access token, for a refresh token by POST or for a login by GET.
func (f *ACR) serveToken(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	user, password, ok := r.BasicAuth()
	good := ok && f.loginGood(user, password)
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "refresh_token" {
			answerOCI(w, http.StatusBadRequest, "UNSUPPORTED", "grant_type must be refresh_token")
			return
		}
		values = r.PostForm
		f.mu.Lock()
		good = f.refresh[values.Get("refresh_token")]
		f.mu.Unlock()
	}
	if !good || values.Get("service") != r.Host {
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.")
		return
	}
	granted := map[string][]string{}
	for _, scope := range strings.Fields(strings.Join(values["scope"], " ")) {
		name, actions, ok := parseACRScope(scope)
		if !ok || f.opts.ABAC && name == "*" { // the status is unverified
			answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "requested scope is not supported: "+scope)
			return
		}
		granted[name] = append(granted[name], f.granted(actions)...)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ends := f.opts.Now().Add(f.opts.TokenLife)
	token := f.jwt(map[string]any{"exp": ends.Unix(), "iat": f.opts.Now().Unix(), "grant_type": "access_token"})
	f.access[token] = acrToken{granted, ends}
	answerJSON(w, http.StatusOK, map[string]string{"access_token": token})
}

// granted is what the caller's role has of the actions. "*" asks for all of them.
func (f *ACR) granted(actions []string) []string {
	if slices.Contains(actions, "*") {
		actions = acrActions
	}
	return slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return slices.Contains(f.opts.Lacks, a) })
}

func parseACRScope(scope string) (name string, actions []string, ok bool) {
	rest, ok := strings.CutPrefix(scope, "repository:")
	i := strings.LastIndex(rest, ":")
	if !ok || i <= 0 {
		return "", nil, false
	}
	return rest[:i], strings.Split(rest[i+1:], ","), true
}

// loginGood returns whether a user and password are a login: a service principal, or a refresh token of nobody.
func (f *ACR) loginGood(user, password string) bool {
	principal, secret := f.Login()
	f.mu.Lock()
	defer f.mu.Unlock()
	return user == principal && password == secret || user == acrNobody && f.refresh[password]
}

// allowed returns nil when the request's login or token is good for an action, and the words for the challenge otherwise.
func (f *ACR) allowed(r *http.Request, name, action string) (reason string, ok bool) {
	if user, password, basic := r.BasicAuth(); basic {
		// A refresh token as a password is good for the token service alone (unverified).
		if user == acrNobody || !f.loginGood(user, password) {
			return "", false
		}
		return "insufficient_scope", name == "" || len(f.granted([]string{action})) > 0
	}
	bearer, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		return "", false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t, known := f.access[bearer]
	if !known || !f.opts.Now().Before(t.ends) {
		return "invalid_token", false
	}
	return "insufficient_scope", name == "" || slices.Contains(t.actions[name], action) || slices.Contains(t.actions["*"], action)
}

package vendors

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// HubAll is the secret of the access token that a fake without other tokens knows.
const HubAll = "dckr_pat_all"

// HubAccess is what an access token may do.
type HubAccess string

const (
	// HubRead reads.
	HubRead HubAccess = "read"
	// HubWrite reads and pushes.
	HubWrite HubAccess = "write"
)

// HubToken is an access token, whose secret starts with "dckr_pat_" (of an account) or "dckr_oat_" (of an organization),
// or else an account's password.
type HubToken struct {
	User   string // the account, or the organization
	Secret string
	// Access is what the token may do; "" is all, deletion included.
	Access HubAccess
	// Namespaces are those whose private repositories the account reaches; nil is all.
	Namespaces []string
	// Member are the namespaces where the account may read and push, and is neither owner nor administrator.
	Member []string
}

// HubLogin is a secret that was sent in the body of a request of the API.
type HubLogin struct{ Path, User, Secret string }

func (t HubToken) isToken() bool { return strings.HasPrefix(t.Secret, "dckr_") }

// may reports whether the token has an action of the registry in a repository.
func (t HubToken) may(path, action string) bool {
	namespace, _, _ := strings.Cut(path, "/")
	if t.Namespaces != nil && !slices.Contains(t.Namespaces, namespace) {
		return false
	}
	switch action {
	case "pull":
		return true
	case "push":
		return t.Access != HubRead
	case "delete":
		return t.Access == "" && !slices.Contains(t.Member, namespace)
	}
	return false
}

// hubJWT is a login of the API.
type hubJWT struct {
	tok     HubToken
	old     bool // from /v2/users/login
	expires time.Time
}

// hubBearer is a token of the registry.
type hubBearer struct {
	user    string
	grants  map[string][]string
	expires time.Time
}

const (
	hubJWTLife    = 10 * time.Minute // unverified
	hubBearerLife = 5 * time.Minute
)

// ExpireBearers makes the tokens invalid that the token server and the API have handed out.
func (f *DockerHub) ExpireBearers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.bearers)
	clear(f.jwts)
}

// Logins returns the secrets that the API was sent in the body of a request, in order.
func (f *DockerHub) Logins() []HubLogin {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.logins)
}

func (f *DockerHub) token(user, secret string) (HubToken, bool) {
	for _, t := range f.opts.Tokens {
		if t.User == user && t.Secret == secret {
			return t, true
		}
	}
	return HubToken{}, false
}

// serveLogin answers POST /v2/auth/token and the deprecated POST /v2/users/login, whose JWT cannot delete a tag when it
// was made from an access token (https://github.com/docker/hub-feedback/issues/2251).
func (f *DockerHub) serveLogin(w http.ResponseWriter, r *http.Request) {
	old := strings.HasPrefix(r.URL.Path, "/v2/users/")
	var body struct{ Identifier, Secret, Username, Password string }
	switch err := json.NewDecoder(r.Body).Decode(&body); {
	case r.Method != http.MethodPost:
		answerHub(w, http.StatusMethodNotAllowed, fmt.Sprintf("Method %q not allowed.", r.Method))
		return
	case err != nil:
		answerHub(w, http.StatusBadRequest, "invalid request body")
		return
	}
	user, secret := body.Identifier, body.Secret
	if old {
		user, secret = body.Username, body.Password
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins = append(f.logins, HubLogin{r.URL.Path, user, secret})
	tok, ok := f.token(user, secret)
	if !ok {
		answerHub(w, http.StatusUnauthorized, "Incorrect authentication credentials")
		return
	}
	expires := f.opts.Now().Add(hubJWTLife)
	claims := fmt.Sprintf(`{"username":%q,"exp":%d,"jti":"%d"}`, user, expires.Unix(), len(f.jwts)+1)
	encode := base64.RawURLEncoding.EncodeToString
	jwt := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode([]byte(claims)) + ".c2lnbmF0dXJl"
	f.jwts[jwt] = &hubJWT{tok: tok, old: old, expires: expires}
	answerJSON(w, http.StatusOK, map[string]string{map[bool]string{true: "token", false: "access_token"}[old]: jwt})
}

// jwt returns the login of a request of the API; nil is nobody.
func (f *DockerHub) jwt(r *http.Request) (login *hubJWT, ok bool) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return nil, true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, scheme := range []string{"Bearer ", "JWT "} {
		if secret, found := strings.CutPrefix(header, scheme); found {
			if login := f.jwts[secret]; login != nil && f.opts.Now().Before(login.expires) {
				return login, true
			}
		}
	}
	return nil, false
}

// serveToken answers as auth.docker.io. It grants of a scope what the login has, which may be nothing. Refresh tokens are
// not a part of the fake.
func (f *DockerHub) serveToken(w http.ResponseWriter, r *http.Request) {
	user, secret, login := r.BasicAuth()
	asked := r.URL.Query()["scope"]
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost: // as OAuth 2 has it (https://distribution.github.io/distribution/spec/auth/oauth/)
		user, secret, login = r.PostFormValue("username"), r.PostFormValue("password"), true
		asked = r.PostForm["scope"]
		if r.PostFormValue("grant_type") != "password" {
			answerJSON(w, http.StatusBadRequest, map[string]string{"details": "unsupported grant type"})
			return
		}
	default:
		answerOCI(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		return
	}
	tok, ok := f.token(user, secret)
	if login && !ok {
		answerJSON(w, http.StatusUnauthorized, map[string]string{"details": "incorrect username or password"})
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.opts.Now()
	b := &hubBearer{user: user, grants: map[string][]string{}, expires: now.Add(hubBearerLife)}
	for _, scopes := range asked {
		for scope := range strings.FieldsSeq(scopes) {
			name, actions, ok := parseScope(scope)
			if !ok {
				continue // registry:catalog:* among them, which nobody is granted
			}
			for _, action := range actions {
				if login && tok.may(name, action) || f.opts.Public && action == "pull" {
					b.grants[name] = append(b.grants[name], action)
				}
			}
		}
	}
	bearer := fmt.Sprintf("hub-bearer-%d", len(f.bearers)+1)
	f.bearers[bearer] = b
	answerJSON(w, http.StatusOK, map[string]any{
		"token": bearer, "access_token": bearer, "expires_in": int(hubBearerLife.Seconds()), "issued_at": now.UTC().Format(time.RFC3339Nano),
	})
}

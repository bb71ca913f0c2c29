package vendors

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// Login is an account of a self-hosted registry.
type Login struct {
	User, Password string
	// Actions are what a token may say: "pull", "push", "delete", "*".
	Actions []string
	// Under is the repository where they hold, and what is below it; "" is every repository.
	Under string
}

// may reports whether the login has a right in a repository.
func (l Login) may(path, action string) bool {
	here := l.Under == "" || path == l.Under || strings.HasPrefix(path, l.Under+"/")
	return here && slices.Contains(l.Actions, action)
}

// desk is a token server (https://distribution.github.io/distribution/spec/auth/token/). Its tokens are JWTs in shape,
// as those of the services are, and the fake keeps a list of them.
type desk struct {
	logins []Login // none: no login is needed
	// anonymous are the actions of a request without a login.
	anonymous []string
	life      time.Duration
	now       func() time.Time
	// meta is what a service adds to the claim of a repository; nil adds nothing.
	meta func(path string) any

	mu     sync.Mutex
	issued map[string]pass
	asked  []registrytest.TokenRequest
}

// pass is what a token is good for.
type pass struct {
	login   Login
	expires time.Time
	actions map[string][]string // by repository
}

// claim is one entry of a token's access.
type claim struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
	Meta    any      `json:"meta,omitempty"`
}

// open reports whether the registry needs no login.
func (d *desk) open() bool { return len(d.logins) == 0 }

func (d *desk) requests() []registrytest.TokenRequest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

func (d *desk) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.issued)
}

// identify finds the login of a request by its basic authentication. Without one it is the anonymous login, whose User
// is "".
func (d *desk) identify(r *http.Request) (l Login, ok bool) {
	user, password, given := r.BasicAuth()
	if !given {
		return Login{Actions: d.anonymous}, true
	}
	i := slices.IndexFunc(d.logins, func(l Login) bool { return l.User == user && l.Password == password })
	if i < 0 {
		return Login{}, false
	}
	return d.logins[i], true
}

// scopesOf are the scopes of a token request, in all the forms that clients send.
func scopesOf(r *http.Request) (scopes []string) {
	for _, s := range r.URL.Query()["scope"] {
		scopes = append(scopes, strings.Fields(s)...)
	}
	return scopes
}

// note remembers a token request.
func (d *desk) note(r *http.Request, granted bool) {
	user, _, _ := r.BasicAuth()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, registrytest.TokenRequest{User: user, Scopes: scopesOf(r), Granted: granted})
}

// allowed cuts scopes down to what a login may do. A scope of which nothing is left has no entry.
func (d *desk) allowed(l Login, scopes []string) (claims []claim) {
	for _, s := range scopes {
		rest, ok := strings.CutPrefix(s, "repository:")
		i := strings.LastIndex(rest, ":")
		if !ok || i <= 0 {
			continue
		}
		c := claim{Type: "repository", Name: rest[:i]}
		for a := range strings.SplitSeq(rest[i+1:], ",") {
			if l.may(c.Name, a) {
				c.Actions = append(c.Actions, a)
			}
		}
		if d.meta != nil {
			c.Meta = d.meta(c.Name)
		}
		if len(c.Actions) > 0 {
			claims = append(claims, c)
		}
	}
	return claims
}

// issue makes a token. Its signature is that of a key of the fake: no client can check it.
func (d *desk) issue(service string, l Login, claims []claim) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	p := pass{login: l, expires: now.Add(d.life), actions: map[string][]string{}}
	for _, c := range claims {
		p.actions[c.Name] = append(p.actions[c.Name], c.Actions...)
	}
	body := map[string]any{
		"iss": service, "aud": service, "sub": l.User, "jti": len(d.issued) + len(d.asked)<<16,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": p.expires.Unix(), "access": claims,
	}
	text := encoded(map[string]string{"typ": "JWT", "alg": "HS256"}) + "." + encoded(body)
	mac := hmac.New(sha256.New, []byte("a key of the fake"))
	mac.Write([]byte(text))
	token := text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	if d.issued == nil {
		d.issued = map[string]pass{}
	}
	d.issued[token] = p
	return token
}

func encoded(v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fakes' own values always encode
	}
	return base64.RawURLEncoding.EncodeToString(body)
}

// bearer finds what the token of a request is good for. Its problem is "" for a request without a token, and
// "invalid_token" for one whose token is unknown or has expired (RFC 6750, section 3.1).
func (d *desk) bearer(r *http.Request) (p pass, problem string, ok bool) {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !given {
		return pass{}, "", false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p, known := d.issued[token]
	if !known || !d.now().Before(p.expires) {
		return pass{}, "invalid_token", false
	}
	return p, "", true
}

// check returns "" and true for a request whose token allows all the actions in a repository. Otherwise it returns the
// problem that the challenge names. A path of "" wants a token and no right.
func (d *desk) check(r *http.Request, path string, actions []string) (problem string, ok bool) {
	if d.open() {
		return "", true
	}
	p, problem, ok := d.bearer(r)
	if !ok {
		return problem, false
	}
	for _, a := range actions {
		if path != "" && !slices.Contains(p.actions[path], a) && !slices.Contains(p.actions[path], "*") {
			return "insufficient_scope", false
		}
	}
	return "", true
}

package vendors

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ghcrBearerLife is how long a token of the registry is good (unverified).
const ghcrBearerLife = 5 * time.Minute

// serveRegistry answers the token endpoint and the distribution API, which neither deletes nor knows referrers. The
// challenge of a server's registry is unverified.
func (f *GHCR) serveRegistry(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.URL.Path == "/token" {
		f.serveToken(w, r)
		return
	}
	name, rest := splitPath(r.URL.Path)
	action := "pull"
	if name == "" {
		name = "user/image" // what the challenge of /v2/ names
	} else if r.Method != http.MethodGet && r.Method != http.MethodHead {
		action = "push"
	}
	if !f.granted(r, name, action, rest == "") {
		scope := map[string]string{"pull": "pull", "push": "pull,push"}[action]
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="%s",scope="repository:%s:%s"`,
			origin(r), f.hosts.registry, name, scope))
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		return
	}
	switch {
	case r.Method == http.MethodDelete:
		f.addRefusal(refusalOf(name, rest, http.StatusMethodNotAllowed, "UNSUPPORTED"))
		answerOCI(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
	case rest == "_catalog": // unverified
		answerOCI(w, http.StatusNotFound, "UNSUPPORTED", "The operation is unsupported.")
	case strings.HasPrefix(rest, "referrers/"): // https://github.com/NVIDIA/aicr/issues/1957
		answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	case strings.HasPrefix(rest, "manifests/") && action == "pull" && f.tooManyManifests():
		w.Header().Set("Retry-After", "1")
		answerOCI(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many requests")
	case strings.HasPrefix(rest, "blobs/sha256:") && r.Method == http.MethodGet:
		f.blobs().redirect(w, r, next)
	default:
		next.ServeHTTP(w, r)
	}
}

// granted reports whether the request's bearer grants an action. The version check needs no more than a valid one.
func (f *GHCR) granted(r *http.Request, name, action string, check bool) bool {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.bearers[secret]
	if !ok || b == nil || !f.opts.Now().Before(b.expires) {
		return false
	}
	if _, valid := f.login(b.secret); b.secret != "" && !valid {
		return false
	}
	return check || slices.Contains(b.grants[name], action)
}

// serveToken hands out a bearer. It does not look at the user's name. It refuses a wrong password, and a scope of which
// the token may have nothing, with 403 (unverified). Without a login, only public packages can be pulled.
func (f *GHCR) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		answerOCI(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		return
	}
	_, secret, login := r.BasicAuth()
	f.mu.Lock()
	defer f.mu.Unlock()
	tok, valid := f.login(secret)
	if login && (!valid || tok.fineGrained()) {
		answerOCI(w, http.StatusForbidden, "DENIED", "denied")
		return
	}
	b := &ghcrBearer{secret: tok.Secret, grants: map[string][]string{}, expires: f.opts.Now().Add(ghcrBearerLife)}
	for _, scopes := range r.URL.Query()["scope"] {
		for scope := range strings.FieldsSeq(scopes) {
			name, actions, ok := parseScope(scope)
			if !ok {
				answerOCI(w, http.StatusBadRequest, "NAME_INVALID", "invalid scope")
				return
			}
			for _, action := range actions {
				if f.grants(tok, login, name, action) {
					b.grants[name] = append(b.grants[name], action)
				}
			}
			if len(b.grants[name]) == 0 && name != "user/image" {
				status := map[bool]int{true: http.StatusForbidden, false: http.StatusUnauthorized}[login]
				answerOCI(w, status, "DENIED", "requested access to the resource is denied")
				return
			}
		}
	}
	bearer := fmt.Sprintf("ghcr-bearer-%d", len(f.bearers)+1)
	f.bearers[bearer] = b
	answerJSON(w, http.StatusOK, map[string]string{"token": bearer})
}

// grants reports whether a token of the registry for this login has an action. The registry knows no deletion.
func (f *GHCR) grants(tok GHCRToken, login bool, name, action string) bool {
	switch action {
	case "pull":
		return f.opts.Public || login && tok.may("read:packages") && tok.reaches(name)
	case "push":
		return login && tok.may("write:packages") && tok.reaches(name)
	}
	return false
}

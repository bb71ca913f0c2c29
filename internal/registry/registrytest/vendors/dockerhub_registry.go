package vendors

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// serveRegistry answers the distribution API. It has no referrers (https://github.com/docker/roadmap/issues/724).
func (f *DockerHub) serveRegistry(w http.ResponseWriter, r *http.Request, next http.Handler) {
	name, rest := splitPath(r.URL.Path)
	if !f.admit(w, r, name, rest) {
		return
	}
	ref, isManifest := strings.CutPrefix(rest, "manifests/")
	if isManifest {
		f.finish(name, ref)
	}
	switch {
	case rest == "":
		next.ServeHTTP(w, r)
	case strings.HasPrefix(rest, "referrers/"):
		answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	case r.Method == http.MethodDelete && isManifest:
		f.deleteManifest(w, name, ref)
	case r.Method == http.MethodDelete:
		answerOCI(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
	case r.Method == http.MethodPut && isManifest && f.immutable(name, ref):
		answerOCI(w, http.StatusForbidden, "DENIED", "the tag is immutable") // unverified
	case r.Method == http.MethodGet && isManifest && !f.pull(w, r):
		answerOCI(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "You have reached your pull rate limit.")
	case r.Method == http.MethodGet && strings.HasPrefix(rest, "blobs/sha256:"):
		f.blobs.redirect(w, r, next)
	default:
		next.ServeHTTP(w, r)
	}
}

// admit lets a request pass whose bearer grants what it does, or answers 401 with the challenge. A deletion asks for the
// scope "delete".
func (f *DockerHub) admit(w http.ResponseWriter, r *http.Request, name, rest string) bool {
	scope, action := "", "pull"
	switch {
	case rest == "_catalog":
		scope = "registry:catalog:*"
	case name == "":
		action = ""
	case r.Method == http.MethodDelete:
		scope, action = "repository:"+name+":delete", "delete"
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		scope = "repository:" + name + ":pull"
	default:
		scope, action = "repository:"+name+":pull,push", "push"
	}
	b := f.bearer(r)
	if b != nil && (action == "" || slices.Contains(b.grants[name], action)) {
		return true
	}
	challenge := fmt.Sprintf(`Bearer realm="https://%s/token",service="registry.docker.io"`, hubAuth)
	if isLoopback(r.Host) {
		challenge = strings.Replace(challenge, "https://"+hubAuth, origin(r), 1)
	}
	if scope != "" {
		challenge += fmt.Sprintf(`,scope="%s"`, scope)
	}
	if b != nil {
		challenge += `,error="insufficient_scope"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	if r.Method == http.MethodDelete {
		f.addRefusal(refusalOf(name, rest, http.StatusUnauthorized, "UNAUTHORIZED"))
	}
	answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	return false
}

func (f *DockerHub) bearer(r *http.Request) *hubBearer {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.bearers[secret]; ok && b != nil && f.opts.Now().Before(b.expires) {
		return b
	}
	return nil
}

// immutable reports whether a tag that is there can be neither deleted nor overwritten.
func (f *DockerHub) immutable(path, tag string) bool {
	_, there := f.Tags(path)[tag]
	return there && slices.Contains(f.opts.Immutable, tag)
}

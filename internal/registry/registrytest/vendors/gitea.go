package vendors

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// GiteaOptions say how Gitea is set up. With the zero value no login is needed.
type GiteaOptions struct {
	// Logins are users with an access token as their password. "pull" is its scope read:package, "push" and "delete" are
	// both write:package. Without any, no login is needed.
	Logins []Login
	// Private refuses a token to requests without a login.
	Private bool
	// TwoChallenges adds a challenge for basic authentication in a header of its own, as Gitea 1.27 does.
	TwoChallenges bool
	// TokenLife is how long a token is good for; 0 is a day.
	TokenLife time.Duration
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// Gitea is a fake of the container registry of Gitea and Forgejo. The first part of a repository's path is its owner.
// Its challenge, its answer to a missing right, its links and that the last tag takes the manifest along were seen at a
// real Gitea 1.26.
type Gitea struct {
	*selfHosted
	opts GiteaOptions
}

// NewGitea starts a fake that stops when the test ends.
func NewGitea(t testing.TB, o GiteaOptions) *Gitea {
	t.Helper()
	f := &Gitea{opts: o, selfHosted: &selfHosted{Routes: newRoutes(t, "gitea.example")}}
	d := &desk{logins: o.Logins, life: cmp.Or(o.TokenLife, 24*time.Hour), anonymous: []string{"pull"}}
	f.start(t, registrytest.Options{Now: o.Now}, d, f.front)
	return f
}

// Images returns what the service has in a repository now, tagged or not, by digest. A manifest that lost its last tag
// to another one is not there any more.
func (f *Gitea) Images(path string) []Stored {
	f.settle(path)
	return f.selfHosted.Images(path)
}

func (f *Gitea) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	path, kind, ref := route(r.URL.Path)
	f.settle(path)
	switch {
	case r.URL.Path == "/v2/token":
		f.serveToken(w, r)
	case strings.HasPrefix(r.URL.Path, giteaAPI):
		f.serveAPI(w, r)
	case !f.admit(w, r, path, ref):
	case kind == "tags":
		f.answerTags(w, r, path, tagPages{alwaysEnd: true})
	case kind == "manifests" && r.Method == http.MethodDelete:
		if f.delete(w, path, ref) {
			w.WriteHeader(http.StatusAccepted)
		}
	default:
		next.ServeHTTP(w, r)
	}
}

// serveToken is Gitea's token server. A token says who somebody is, whatever scope was asked for.
func (f *Gitea) serveToken(w http.ResponseWriter, r *http.Request) {
	login, known := f.identify(r)
	ok := known && (login.User != "" || !f.opts.Private)
	f.note(r, ok)
	if !ok {
		f.unauthorized(w, r)
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"token": f.issue("gitea", login, nil)})
}

// unauthorized is the answer to a request without a good login. Its challenge names the scope "*", whatever the request does.
func (f *Gitea) unauthorized(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("WWW-Authenticate", `Bearer realm="`+origin(r)+`/v2/token",service="container_registry",scope="*"`)
	if f.opts.TwoChallenges {
		w.Header().Add("WWW-Authenticate", `Basic realm="Gitea Container Registry"`)
	}
	answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized")
}

// admit lets a request to /v2/ pass, or answers 401: with the challenge to a request without a good token, and in plain
// text to a login that lacks the right.
func (f *Gitea) admit(w http.ResponseWriter, r *http.Request, path, ref string) bool {
	if f.open() {
		return true
	}
	p, _, known := f.bearer(r)
	login := p.login
	if !known && strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") {
		login, known = f.identify(r)
	}
	allowed := known
	for _, a := range actionsOf(r.Method) {
		allowed = allowed && (path == "" || login.may(path, a))
	}
	if allowed {
		return true
	}
	code := "UNAUTHORIZED"
	if known {
		code = giteaNoAccess
	}
	if r.Method == http.MethodDelete {
		f.addRefusal(f.refusal(path, ref, http.StatusUnauthorized, code))
	}
	if known {
		w.Header().Set("WWW-Authenticate", `Basic realm="Gitea Package API"`)
		http.Error(w, giteaNoAccess, http.StatusUnauthorized)
	} else {
		f.unauthorized(w, r)
	}
	return false
}

// giteaNoAccess is all that a login is told that lacks a right.
const giteaNoAccess = "reqPackageAccess"

// delete deletes a digest with all its tags, or a tag: its last one takes the manifest along. It answers with a refusal
// and returns false when there is no such thing. Nothing protects the child of an index or the subject of a referrer.
func (f *Gitea) delete(w http.ResponseWriter, path, ref string) bool {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	d := oci.Digest(ref)
	isDigest := strings.Contains(ref, ":")
	if !isDigest {
		d = f.Tags(path)[ref]
	}
	if _, ok := f.Manifest(path, d); !ok {
		f.refuse(w, f.refusal(path, ref, http.StatusNotFound, "MANIFEST_UNKNOWN"), "manifest unknown")
		return false
	}
	if isDigest || len(f.tagsOf(path, d)) == 1 {
		f.drop(path, d)
	} else {
		f.dropTag(path, ref)
	}
	return true
}

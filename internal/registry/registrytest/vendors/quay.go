package vendors

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// QuayOptions say how Quay is set up. With the zero value no login is needed.
type QuayOptions struct {
	// Logins are users and robots ("acme+prune"). The actions of Quay are "pull", "push" and "*"; a login that may push may
	// delete. Without any, no login is needed.
	Logins []Login
	// Public allows everyone to pull and list, also without a token.
	Public bool
	// APITokens are the OAuth tokens that the API under /api/v1 takes. A robot's login is not good there.
	APITokens []string
	// Immutable are tags that can't be deleted.
	Immutable []string
	// TokenLife is how long a token is good for; 0 is an hour.
	TokenLife time.Duration
	// HiddenLife is how long a manifest that was pushed by digest is there although nothing leads to it; 0 is an hour
	// (unverified).
	HiddenLife time.Duration
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// Quay is a fake of Quay. A deletion hides what it deletes, and a time machine keeps it. What the fake does comes from
// Quay's sources (https://github.com/quay/quay, endpoints/v2 and endpoints/api).
type Quay struct {
	*selfHosted
	opts QuayOptions

	mu      sync.Mutex
	expired map[string][]quayTag // by repository: the tags that were deleted
}

// NewQuay starts a fake that stops when the test ends.
func NewQuay(t testing.TB, o QuayOptions) *Quay {
	t.Helper()
	f := &Quay{opts: o, expired: map[string][]quayTag{}, selfHosted: &selfHosted{Routes: newRoutes(t, "quay.io")}}
	d := &desk{logins: o.Logins, life: cmp.Or(o.TokenLife, time.Hour)}
	if o.Public {
		d.anonymous = []string{"pull"}
	}
	f.start(t, registrytest.Options{Now: o.Now}, d, f.front)
	return f
}

// Images returns what a client can reach in a repository now, by digest. The time machine has more.
func (f *Quay) Images(path string) []Stored {
	alive := f.alive(path)
	return slices.DeleteFunc(f.selfHosted.Images(path), func(s Stored) bool { return alive[s.Digest] == nil })
}

func (f *Quay) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	path, kind, ref := route(r.URL.Path)
	switch {
	case r.URL.Path == "/v2/auth":
		f.serveToken(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/v1/repository/"):
		f.serveAPI(w, r)
	case !f.admit(w, r, path, ref):
	case kind == "tags":
		f.answerTags(w, r, path, tagPages{most: 100, absolute: true})
	case kind == "referrers":
		answerReferrersAPI(w, r, f.alive(path), oci.Digest(ref))
	case kind == "manifests" && r.Method == http.MethodDelete:
		f.delete(w, path, ref)
	case kind == "manifests" && r.Method != http.MethodPut && f.hidden(w, path, ref):
	default:
		next.ServeHTTP(w, r)
	}
}

// quayActions are what a request needs. Quay has no action for deletion.
func quayActions(method string) []string {
	if method == http.MethodGet || method == http.MethodHead {
		return []string{"pull"}
	}
	return []string{"pull", "push"}
}

// admit lets a request to /v2/ pass or answers 401. The challenge names the scope of what the request does, and never
// why a token is not good enough.
func (f *Quay) admit(w http.ResponseWriter, r *http.Request, path, ref string) bool {
	actions := quayActions(r.Method)
	_, ok := f.check(r, path, actions)
	sent := r.Header.Get("Authorization") != ""
	if ok || f.opts.Public && !sent && path != "" && len(actions) == 1 {
		return true
	}
	challenge := fmt.Sprintf(`Bearer realm="%s/v2/auth",service="%s"`, origin(r), r.Host)
	if path != "" {
		challenge += fmt.Sprintf(`,scope="repository:%s:%s"`, path, strings.Join(actions, ","))
	}
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("WWW-Authenticate", challenge)
	if r.Method == http.MethodDelete {
		f.addRefusal(f.refusal(path, ref, http.StatusUnauthorized, "UNAUTHORIZED"))
	}
	answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "access to the requested resource is not authorized")
	return false
}

// quayScope is all that the token server takes: a scope with the action delete, or for another thing than a repository,
// is refused as a whole.
var quayScope = regexp.MustCompile(`^repository:((?:[.a-zA-Z0-9_-]+/)*[.a-zA-Z0-9_-]+):(?:push|pull|\*)(?:,(?:push|pull|\*))*$`)

// serveToken is Quay's token server.
func (f *Quay) serveToken(w http.ResponseWriter, r *http.Request) {
	login, known := f.identify(r)
	scopes := r.URL.Query()["scope"] // each is one scope: Quay does not part them at spaces
	bad := slices.IndexFunc(scopes, func(s string) bool { return s != "" && !quayScope.MatchString(s) })
	switch {
	case !known:
		f.note(r, false)
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "Specified credentials are invalid")
	case login.User == "" && (len(scopes) == 0 || slices.Contains(scopes, "")):
		f.note(r, false)
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "access to the requested resource is not authorized")
	case bad >= 0:
		f.note(r, false)
		answerOCI(w, http.StatusBadRequest, "INVALID_REQUEST", "Unable to decode repository and actions: "+scopes[bad])
	default:
		f.note(r, true)
		answerJSON(w, http.StatusOK, map[string]string{"token": f.issue("quay", login, f.allowed(login, scopes))})
	}
}

// alive are the manifests that a client can reach: those with a tag, what they list and what is attached to them, and
// those that were pushed by digest a short time ago.
func (f *Quay) alive(path string) map[oci.Digest]*holding {
	all, alive := f.holdings(path), map[oci.Digest]*holding{}
	var add func(d oci.Digest)
	add = func(d oci.Digest) {
		h := all[d]
		if h == nil || alive[d] != nil {
			return
		}
		alive[d] = h
		for _, c := range h.children {
			add(c)
		}
		for _, r := range referrersOf(all, d) { // that a referrer lives as long as its subject is unverified
			add(r)
		}
	}
	deleted := f.deletedDigests(path)
	for d, h := range all {
		young := f.now().Sub(h.pushed) < cmp.Or(f.opts.HiddenLife, time.Hour)
		if len(h.tags) > 0 || young && !deleted[d] && !slices.Contains(f.Overtaken(path), d) {
			add(d)
		}
	}
	return alive
}

// hidden answers 404 for what only the time machine has, and returns false for the rest.
func (f *Quay) hidden(w http.ResponseWriter, path, ref string) bool {
	if strings.Contains(ref, ":") {
		if f.alive(path)[oci.Digest(ref)] != nil {
			return false
		}
		answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
		return true
	}
	_, there := f.Tags(path)[ref]
	if there || !f.hasExpired(path, ref) {
		return false
	}
	answerOCI(w, http.StatusNotFound, "TAG_EXPIRED", "Tag "+ref+" was deleted or has expired. To pull, revive via time machine")
	return true
}

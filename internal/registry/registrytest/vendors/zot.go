package vendors

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// ZotOptions say how zot is set up. The zero value is the minimal build without a login.
type ZotOptions struct {
	// Logins are the users of the htpasswd file with what the access control allows them: "pull", "push", "delete".
	// Without any, no login is needed.
	Logins []Login
	// Search is the build with the search extension.
	Search bool
	// DetectCollision refuses to delete a digest with several tags (the access control action detectManifestCollision).
	DetectCollision bool
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// Zot is a fake of zot 2.1. That it refuses what an index lists with 405 DENIED was seen at a real one.
type Zot struct {
	*selfHosted
	opts ZotOptions
}

// NewZot starts a fake that stops when the test ends.
func NewZot(t testing.TB, o ZotOptions) *Zot {
	t.Helper()
	f := &Zot{opts: o, selfHosted: &selfHosted{Routes: newRoutes(t, "zot.example")}}
	f.start(t, registrytest.Options{Now: o.Now}, &desk{logins: o.Logins}, f.front)
	return f
}

// Images returns what the service has in a repository now, tagged or not, by digest. A manifest that lost its last tag
// to another one is not there any more.
func (f *Zot) Images(path string) []Stored {
	f.settle(path)
	return f.selfHosted.Images(path)
}

func (f *Zot) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	path, kind, ref := route(r.URL.Path)
	f.settle(path)
	switch {
	case !f.admit(w, r, path, ref):
	case r.URL.Path == "/v2/_oci/ext/discover" && f.opts.Search:
		answerJSON(w, http.StatusOK, map[string]any{"extensions": []map[string]any{{
			"name": "_zot", "url": "https://github.com/project-zot/zot", "description": "zot registry extensions",
			"endpoints": []string{zotSearch},
		}}})
	case r.URL.Path == zotSearch && f.opts.Search:
		f.search(w, r)
	case kind == "referrers":
		answerReferrersAPI(w, r, f.holdings(path), oci.Digest(ref))
	case kind == "manifests" && r.Method == http.MethodDelete:
		f.delete(w, path, ref)
	default:
		z := zotHeader{w}
		next.ServeHTTP(z, r)
		z.leaveOut() // of an answer without a body
	}
}

// zotHeader leaves out of an answer what zot does not send
// (https://github.com/project-zot/zot/blob/main/pkg/api/routes.go, GetManifest).
type zotHeader struct{ http.ResponseWriter }

func (z zotHeader) leaveOut() {
	z.Header().Del("Etag")
	z.Header().Del("Docker-Distribution-Api-Version")
}

// WriteHeader sends the header without what zot does not send.
func (z zotHeader) WriteHeader(status int) {
	z.leaveOut()
	z.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body, after the header.
func (z zotHeader) Write(body []byte) (int, error) {
	z.leaveOut()
	return z.ResponseWriter.Write(body)
}

// admit lets a request pass, or answers 401 to a request without a good login and 403 to a user without the right.
func (f *Zot) admit(w http.ResponseWriter, r *http.Request, path, ref string) bool {
	login, known := f.identify(r)
	allowed := known && login.User != ""
	for _, a := range actionsOf(r.Method) {
		allowed = allowed && (path == "" || login.may(path, a))
	}
	if f.open() || allowed {
		return true
	}
	status, code, message := http.StatusForbidden, "DENIED", "requested access to the resource is denied"
	if !known || login.User == "" {
		status, code, message = http.StatusUnauthorized, "UNAUTHORIZED", "authentication required"
		w.Header().Set("WWW-Authenticate", `Basic realm="Authorization Required"`)
	}
	if r.Method == http.MethodDelete {
		f.addRefusal(f.refusal(path, ref, status, code))
	}
	answerOCI(w, status, code, message)
	return false
}

// delete deletes a digest with all its tags, or only a tag. The children of an index go with it unless they have a tag
// or another index lists them.
func (f *Zot) delete(w http.ResponseWriter, path, ref string) {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	if !slices.Contains(f.Repositories(), path) {
		f.refuse(w, f.refusal(path, ref, http.StatusBadRequest, "NAME_UNKNOWN"), "repository name not known to registry")
		return
	}
	all, d := f.holdings(path), oci.Digest(ref)
	isDigest := strings.Contains(ref, ":")
	if !isDigest {
		d = f.Tags(path)[ref]
	}
	h := all[d]
	switch {
	case h == nil:
		f.refuse(w, f.refusal(path, ref, http.StatusNotFound, "MANIFEST_UNKNOWN"), "manifest unknown")
		return
	case isDigest && len(listedBy(all, d)) > 0:
		f.refuse(w, f.refusal(path, ref, http.StatusMethodNotAllowed, "DENIED"), "requested access to the resource is denied")
		return
	case isDigest && f.opts.DetectCollision && len(h.tags) > 1: // the code is unverified
		f.refuse(w, f.refusal(path, ref, http.StatusConflict, "MANIFEST_INVALID"), "manifest invalid")
		return
	case isDigest:
		f.drop(path, d)
		f.prune(path, h)
	default:
		f.dropTag(path, ref)
	}
	w.WriteHeader(http.StatusAccepted)
}

// prune deletes the children that only a deleted index listed.
func (f *Zot) prune(path string, index *holding) {
	all := f.holdings(path)
	for _, c := range index.children {
		if h := all[c]; h != nil && len(h.tags) == 0 && len(listedBy(all, c)) == 0 {
			f.drop(path, c)
			f.prune(path, h)
		}
	}
}

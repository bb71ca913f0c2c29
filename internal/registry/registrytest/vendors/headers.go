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

// HeadersOptions say how a registry that is told by its headers is set up.
type HeadersOptions struct {
	// Logins are the users with what they may do: "pull", "push", "delete". Without any, no login is needed.
	Logins []Login
	// LeavesTags is Nexus from 3.89 on, which deletes a digest and leaves its tags
	// (https://github.com/sonatype/nexus-public/issues/925).
	LeavesTags bool
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// Headers is a stand-in for Nexus or Artifactory: the distribution API, the headers by which the product is told, and
// its challenge. It has no other API.
type Headers struct {
	*selfHosted
	opts    HeadersOptions
	headers http.Header
	realm   string
}

// NewNexus starts a stand-in for Nexus Repository, at the port of a docker repository. Its REST API is at another port,
// which nothing here tells.
func NewNexus(t testing.TB, o HeadersOptions) *Headers {
	t.Helper()
	return newHeaders(t, o, `BASIC realm="Sonatype Nexus Repository Manager"`, http.Header{"Server": {"Nexus/3.89.1-02 (COMMUNITY)"}})
}

// NewArtifactory starts a stand-in for Artifactory. The names of its headers are from memory, unverified.
func NewArtifactory(t testing.TB, o HeadersOptions) *Headers {
	t.Helper()
	return newHeaders(t, o, `Basic realm="Artifactory Realm"`, http.Header{
		"X-Jfrog-Version": {"Artifactory/7.117.5 81705900"}, "X-Artifactory-Id": {"0a1b2c3d4e5f"},
	})
}

func newHeaders(t testing.TB, o HeadersOptions, realm string, headers http.Header) *Headers {
	t.Helper()
	f := &Headers{opts: o, headers: headers, realm: realm, selfHosted: &selfHosted{Routes: newRoutes(t, "registry.example")}}
	f.start(t, registrytest.Options{Now: o.Now}, &desk{logins: o.Logins}, f.front)
	return f
}

func (f *Headers) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	for name, values := range f.headers {
		w.Header()[name] = slices.Clone(values)
	}
	path, kind, ref := route(r.URL.Path)
	switch {
	case !f.admit(w, r, path, ref):
	case kind == "manifests" && r.Method == http.MethodDelete && strings.Contains(ref, ":"):
		f.delete(w, path, oci.Digest(ref))
	default:
		next.ServeHTTP(w, r)
	}
}

// admit lets a request pass, or answers 401 to a request without a good login and 403 to a user without the right.
func (f *Headers) admit(w http.ResponseWriter, r *http.Request, path, ref string) bool {
	login, known := f.identify(r)
	allowed := known && login.User != ""
	for _, a := range actionsOf(r.Method) {
		allowed = allowed && (path == "" || login.may(path, a))
	}
	if f.open() || allowed {
		return true
	}
	status, code := http.StatusForbidden, "DENIED"
	if !known || login.User == "" {
		status, code = http.StatusUnauthorized, "UNAUTHORIZED"
		w.Header().Set("WWW-Authenticate", f.realm)
	}
	if r.Method == http.MethodDelete {
		f.addRefusal(f.refusal(path, ref, status, code))
	}
	answerOCI(w, status, code, "access to the requested resource is not authorized")
	return false
}

// delete deletes a digest, with its tags or without them. Nothing protects the child of an index.
func (f *Headers) delete(w http.ResponseWriter, path string, d oci.Digest) {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	if _, ok := f.Manifest(path, d); !ok {
		f.refuse(w, f.refusal(path, d.String(), http.StatusNotFound, "MANIFEST_UNKNOWN"), "manifest unknown")
		return
	}
	if f.opts.LeavesTags {
		f.Unlink(path, d)
		f.addDeletion(Deletion{Path: path, Digest: d})
	} else {
		f.drop(path, d)
	}
	w.WriteHeader(http.StatusAccepted)
}

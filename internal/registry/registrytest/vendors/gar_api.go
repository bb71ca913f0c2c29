package vendors

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// garName is a name of the API in parts: projects/P/locations/L/repositories/R/packages/IMG/versions/D.
type garName struct {
	repository string // "projects/P/locations/L/repositories/R"
	parent     string // the same with the package, as the client wrote it
	path       string // the repository's name below /v2/
	rest       string // what follows the package, such as "versions/sha256:…"
}

// parseName parts the escaped path of a request or a name in a body. The slashes in a package are escaped as %2F.
func (f *GAR) parseName(name string) (n garName, ok bool) {
	p := strings.SplitN(strings.Trim(name, "/"), "/", 9)
	if len(p) < 7 || p[0] != "projects" || p[2] != "locations" || p[4] != "repositories" {
		return n, false
	}
	n.repository = strings.Join(p[:6], "/")
	if p[6] == "dockerImages" {
		n.rest = p[6]
		n.path = p[1] + "/" + p[5]
		return n, len(p) == 7 && f.inLocation(p[3], p[5])
	}
	if len(p) < 9 || p[6] != "packages" {
		return n, false
	}
	image, err := url.PathUnescape(p[7])
	n.parent, n.rest = strings.Join(p[:8], "/"), p[8]
	n.path = p[1] + "/" + p[5] + "/" + image
	if f.opts.GCR {
		n.path = p[1] + "/" + image
	}
	return n, err == nil && f.inLocation(p[3], p[5])
}

// inLocation returns whether the fake has the location, and the repository that stands for gcr.io.
func (f *GAR) inLocation(location, repository string) bool {
	if f.opts.GCR {
		return location == "us" && repository == "gcr.io"
	}
	return location == f.opts.Location
}

func garFail(w http.ResponseWriter, status int, code, message string) {
	answerJSON(w, status, map[string]any{"error": map[string]any{"code": status, "message": message, "status": code}})
}

// serveAPI answers the calls of the API. It takes an access token alone, and neither a token of the registry nor a key.
func (f *GAR) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.EscapedPath(), "/v1/")
	refuse := func(status int, code, message string) {
		if r.Method == http.MethodDelete || strings.HasSuffix(name, ":batchDelete") {
			n, _ := f.parseName(name)
			f.addRefusal(refusalOf(n.path, n.rest, status, code))
		}
		garFail(w, status, code, message)
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || !f.good(token) || !strings.HasPrefix(token, "ya29.") {
		refuse(http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.proceed()
	if f.quota == 0 {
		w.Header().Set("Retry-After", "30") // unverified
		refuse(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Requests' and limit 'Requests per project per minute'.")
		return
	}
	f.quota--
	if strings.Contains(name, "/operations/") && r.Method == http.MethodGet {
		f.getOperation(w, name)
		return
	}
	n, ok := f.parseName(name)
	if !ok {
		refuse(http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.")
		return
	}
	f.call(w, r, n, refuse)
}

// call wants the lock.
func (f *GAR) call(w http.ResponseWriter, r *http.Request, n garName, refuse refusal) {
	kind, id, _ := strings.Cut(n.rest, "/")
	write := r.Method != http.MethodGet
	switch {
	case write && f.opts.ReadWrite:
		refuse(http.StatusForbidden, "PERMISSION_DENIED",
			"Permission 'artifactregistry.versions.delete' denied on resource '//artifactregistry.googleapis.com/"+n.repository+"' (or it may not exist).")
	case !write && kind == "dockerImages":
		f.listDockerImages(w, r, n)
	case !hasRepository(f.Registry, n.path):
		refuse(http.StatusNotFound, "NOT_FOUND", "Package \""+n.parent+"\" not found")
	case !write && n.rest == "versions":
		f.listVersions(w, r, n)
	case r.Method == http.MethodDelete && kind == "versions" && id != "":
		f.deleteVersion(w, r, n, oci.Digest(id), refuse)
	case r.Method == http.MethodPost && n.rest == "versions:batchDelete":
		f.batchDelete(w, r, n, refuse)
	case r.Method == http.MethodDelete && kind == "tags" && id != "":
		f.deleteTag(w, n, id, refuse)
	default:
		refuse(http.StatusNotFound, "NOT_FOUND", "Method not found.")
	}
}

func (f *GAR) deleteTag(w http.ResponseWriter, n garName, tag string, refuse refusal) {
	d, ok := f.Tags(n.path)[tag]
	switch {
	case !ok:
		garFail(w, http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.")
	case f.opts.ImmutableTags:
		refuse(http.StatusBadRequest, "FAILED_PRECONDITION", garImmutable)
	default:
		f.Untag(n.path, tag)
		f.addDeletion(Deletion{Path: n.path, Digest: d, Tags: []string{tag}, TagOnly: true})
		answerJSON(w, http.StatusOK, map[string]any{})
	}
}

// batchDelete starts one operation for several versions of one package. The tags of a version go with it (unverified).
func (f *GAR) batchDelete(w http.ResponseWriter, r *http.Request, n garName, refuse refusal) {
	var asked struct {
		Names        []string
		ValidateOnly bool
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || len(asked.Names) == 0 {
		refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received.")
		return
	}
	op := &garOperation{path: n.path, force: true, left: f.opts.SlowOperations}
	for _, name := range asked.Names {
		v, ok := f.parseName(name)
		d, isVersion := strings.CutPrefix(v.rest, "versions/")
		if !ok || !isVersion || v.path != n.path {
			refuse(http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf("Invalid version name %q", name))
			return
		}
		op.digests = append(op.digests, oci.Digest(d))
	}
	if asked.ValidateOnly {
		op.digests = nil
	}
	f.start(w, n, op)
}

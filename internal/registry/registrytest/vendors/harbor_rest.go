package vendors

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// serveREST answers the API under /api/v2.0. It takes basic authentication only, and no token of the token server.
func (f *Harbor) serveREST(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v2.0/"), "/")
	if len(parts) == 1 && parts[0] == "systeminfo" && r.Method == http.MethodGet {
		answerJSON(w, http.StatusOK, map[string]any{"auth_mode": "db_auth", "harbor_version": "v2.14.0-a1b2c3d4"})
		return
	}
	// The slashes of a repository's name are encoded twice, so that one decoding leaves it one part of the path.
	if len(parts) < 5 || parts[0] != "projects" || parts[2] != "repositories" || parts[4] != "artifacts" {
		answerOCI(w, http.StatusNotFound, "NOT_FOUND", "path "+r.URL.Path+" was not found")
		return
	}
	name, err := url.PathUnescape(parts[3])
	if err != nil {
		answerOCI(w, http.StatusBadRequest, "BAD_REQUEST", err.Error())
		return
	}
	path, rest := parts[1]+"/"+name, parts[5:]
	switch what := fmt.Sprint(r.Method, len(rest)); {
	case what == "GET0":
		if f.permit(w, r, path, "list", "") {
			f.listArtifacts(w, r, path)
		}
	case what == "DELETE1":
		if d := f.reference(path, rest[0]); f.permit(w, r, path, "delete", rest[0]) && f.deleteArtifact(w, path, d) {
			w.WriteHeader(http.StatusOK)
		}
	case what == "DELETE3" && rest[1] == "tags":
		if d := f.reference(path, rest[0]); f.permit(w, r, path, "delete-tag", rest[2]) && f.deleteTag(w, path, d, rest[2]) {
			w.WriteHeader(http.StatusOK)
		}
	default:
		answerOCI(w, http.StatusNotFound, "NOT_FOUND", "path "+r.URL.Path+" was not found")
	}
}

// reference is the digest that a digest or tag stands for.
func (f *Harbor) reference(path, ref string) oci.Digest {
	if strings.Contains(ref, ":") {
		return oci.Digest(ref)
	}
	return f.Tags(path)[ref]
}

// permit lets a request of the REST API pass or answers with a refusal.
func (f *Harbor) permit(w http.ResponseWriter, r *http.Request, path, action, what string) bool {
	login, known := f.identify(r)
	var status int
	var code, message string
	switch {
	case f.open() || known && login.may(path, action) || action == "list" && f.opts.Public:
		if !f.opts.ReadOnly || r.Method == http.MethodGet {
			return true
		}
		status, code, message = http.StatusForbidden, "DENIED", harborReadOnly
	case !known || login.User == "":
		status, code, message = http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized"
	default:
		status, code, message = http.StatusForbidden, "FORBIDDEN", "forbidden"
	}
	if r.Method == http.MethodDelete {
		f.addRefusal(f.refusal(path, what, status, code))
	}
	answerOCI(w, status, code, message)
	return false
}

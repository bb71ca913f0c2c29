package vendors

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// giteaAPI is where the API has packages.
const giteaAPI = "/api/v1/packages/"

// giteaVersion is a version of a package: a tag, or a manifest without one, whose version is its digest.
type giteaVersion struct {
	ID        int       `json:"id"`
	Type      string    `json:"type"`
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	CreatedAt time.Time `json:"created_at"`
}

// serveAPI answers the API for packages. It takes basic authentication with an access token.
func (f *Gitea) serveAPI(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), giteaAPI), "/")
	for i := range parts {
		text, err := url.PathUnescape(parts[i])
		if err != nil {
			f.failAPI(w, http.StatusBadRequest, err.Error())
			return
		}
		parts[i] = text
	}
	path := parts[0]
	if len(parts) > 2 {
		path += "/" + parts[2]
	}
	switch what := fmt.Sprint(r.Method, len(parts)); {
	case len(parts) > 1 && parts[1] != "container":
		f.failAPI(w, http.StatusNotFound, "not found")
	case what == "GET1":
		if f.permit(w, r, path, "pull", "") {
			f.listVersions(w, r, parts[0])
		}
	case what == "DELETE4":
		if f.permit(w, r, path, "delete", parts[3]) {
			f.deleteVersion(w, path, parts[3])
		}
	case what == "GET5" && parts[4] == "files":
		if f.permit(w, r, path, "pull", "") {
			f.listFiles(w, path, parts[3])
		}
	default:
		f.failAPI(w, http.StatusNotFound, "not found")
	}
}

func (f *Gitea) failAPI(w http.ResponseWriter, status int, message string) {
	answerJSON(w, status, map[string]string{"message": message, "url": "https://gitea.example/api/swagger"})
}

// permit lets a request of the API pass, or answers 401 to a request without a good login and 403 to a login without the right.
func (f *Gitea) permit(w http.ResponseWriter, r *http.Request, path, action, what string) bool {
	login, known := f.identify(r)
	if f.open() || known && login.may(path, action) && (login.User != "" || !f.opts.Private) {
		return true
	}
	status, message := http.StatusForbidden, "token does not have at least one of required scope(s)"
	if !known || login.User == "" {
		status, message = http.StatusUnauthorized, "token is required"
	}
	if r.Method == http.MethodDelete {
		f.addRefusal(f.refusal(path, what, status, message))
	}
	f.failAPI(w, status, message)
	return false
}

// versions are those of all packages of an owner, the newest first.
func (f *Gitea) versions(owner string) (versions []giteaVersion) {
	for _, path := range f.Repositories() {
		name, ok := strings.CutPrefix(path, owner+"/")
		if !ok {
			continue
		}
		f.settle(path)
		times := f.TagTimes(path)
		for d, h := range f.holdings(path) {
			if len(h.tags) == 0 {
				versions = append(versions, giteaVersion{Type: "container", Name: name, Version: d.String(), CreatedAt: h.pushed.UTC().Truncate(time.Second)})
			}
			for _, tag := range h.tags {
				at := times[tag].Created
				if !times[tag].Switched.IsZero() { // a tag that moves is a new version
					at = times[tag].Switched
				}
				versions = append(versions, giteaVersion{Type: "container", Name: name, Version: tag, CreatedAt: at.UTC().Truncate(time.Second)})
			}
		}
	}
	slices.SortFunc(versions, func(a, b giteaVersion) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	for i := range versions {
		versions[i].ID = len(versions) - i
	}
	return versions
}

// listVersions answers the list of an owner's versions, at most 50 a page. q is a part of the name.
func (f *Gitea) listVersions(w http.ResponseWriter, r *http.Request, owner string) {
	q := r.URL.Query()
	number := func(key string, unset int) int {
		if n, err := strconv.Atoi(q.Get(key)); err == nil && n > 0 {
			return n
		}
		return unset
	}
	page, limit := number("page", 1), min(number("limit", 30), 50)
	versions := slices.DeleteFunc(f.versions(owner), func(v giteaVersion) bool {
		return q.Get("type") != "" && q.Get("type") != v.Type || !strings.Contains(v.Name, q.Get("q"))
	})
	from := min((page-1)*limit, len(versions))
	to := min(from+limit, len(versions))
	w.Header().Set("X-Total-Count", strconv.Itoa(len(versions)))
	if to < len(versions) {
		q.Set("page", strconv.Itoa(page+1))
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, origin(r), r.URL.EscapedPath(), q.Encode()))
	}
	answerJSON(w, http.StatusOK, append([]giteaVersion{}, versions[from:to]...))
}

// resolve finds the manifest of a version.
func (f *Gitea) resolve(path, version string) (d oci.Digest, h *holding) {
	f.settle(path)
	all := f.holdings(path)
	d, ok := f.Tags(path)[version]
	if !ok {
		d = oci.Digest(version)
		if h := all[d]; h != nil && len(h.tags) > 0 {
			return d, nil // its versions are its tags
		}
	}
	return d, all[d]
}

// listFiles answers the files of a version. The digest of a tag is the sha256 of its manifest.json.
func (f *Gitea) listFiles(w http.ResponseWriter, path, version string) {
	d, h := f.resolve(path, version)
	if h == nil {
		f.failAPI(w, http.StatusNotFound, "package does not exist")
		return
	}
	answerJSON(w, http.StatusOK, []map[string]any{{"id": 1, "name": "manifest.json", "size": h.length, "sha256": d.Encoded()}})
}

// deleteVersion deletes a version.
func (f *Gitea) deleteVersion(w http.ResponseWriter, path, version string) {
	if _, h := f.resolve(path, version); h == nil {
		f.addRefusal(f.refusal(path, version, http.StatusNotFound, "package does not exist"))
		f.failAPI(w, http.StatusNotFound, "package does not exist")
		return
	}
	if f.delete(w, path, version) {
		w.WriteHeader(http.StatusNoContent)
	}
}

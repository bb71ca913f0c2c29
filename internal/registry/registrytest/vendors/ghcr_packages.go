package vendors

import (
	"net/http"
	"slices"
	"strings"
)

// getPackage answers with a package.
func (f *GHCR) getPackage(c *ghcrCall) {
	if f.readable(c, "get a package") {
		answerJSON(c.w, http.StatusOK, f.packageOf(c, c.below[1]))
	}
}

// listPackages lists an owner's packages. An installation token cannot list them.
func (f *GHCR) listPackages(c *ghcrCall) {
	if c.tok.installation() {
		f.refuse(c.w, c.r, http.StatusForbidden, notAccessible(c.tok), ghcrPackagesPage)
		return
	}
	if !f.readable(c, "list packages") {
		return
	}
	if c.r.URL.Query().Get("package_type") != "container" {
		f.refuse(c.w, c.r, http.StatusBadRequest, "Invalid argument.", ghcrPackagesPage)
		return
	}
	out := []any{}
	for _, path := range f.Repositories() {
		name, ok := strings.CutPrefix(path, c.owner+"/")
		if ok && len(f.Manifests(path)) > 0 && c.tok.reaches(path) {
			out = append(out, f.packageOf(c, name))
		}
	}
	answerJSON(c.w, http.StatusOK, out)
}

// packageOf is a package in JSON (unverified beyond the documented keys).
func (f *GHCR) packageOf(c *ghcrCall, name string) any {
	visibility := "private"
	if f.opts.Public {
		visibility = "public"
	}
	return map[string]any{
		"id": ownerID(c.owner + "/" + name), "name": name, "package_type": "container", "owner": f.account(c.owner),
		"version_count": len(f.Versions(c.owner + "/" + name)), "visibility": visibility,
	}
}

// deletePackage deletes a package with all its versions. The rule of the last version does not hold for it.
func (f *GHCR) deletePackage(c *ghcrCall) {
	if !f.deletable(c) {
		return
	}
	if !f.tryDeletePackage(c.path()) {
		f.refuse(c.w, c.r, http.StatusBadRequest, "Publicly visible packages with a version with more than 5000 downloads cannot be deleted. "+
			"Contact GitHub support for further assistance.", ghcrPackagesPage)
		return
	}
	c.w.WriteHeader(http.StatusNoContent)
}

func (f *GHCR) tryDeletePackage(path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	all, popular := f.versions(path), f.pkg(path).popular
	if f.opts.Public && slices.ContainsFunc(all, func(v GHCRVersion) bool { return popular[v.Digest] }) {
		return false
	}
	for _, v := range all {
		f.drop(path, v)
	}
	return true
}

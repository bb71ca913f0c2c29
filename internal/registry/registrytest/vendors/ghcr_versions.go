package vendors

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ghcrPageSize and ghcrMaxPage are the versions of a page without per_page and the most that per_page gives.
const (
	ghcrPageSize = 30
	ghcrMaxPage  = 100
)

// ghcrGone is the answer for a package or version that does not exist, or that the token may not know of.
const ghcrGone = "Package not found."

// listVersions answers a page of a package's versions, newest first. It has no media type, size or children.
func (f *GHCR) listVersions(c *ghcrCall) {
	if !f.readable(c, "get a package's versions") {
		return
	}
	q := c.r.URL.Query()
	state := q.Get("state")
	size, okSize := number(q.Get("per_page"), ghcrPageSize)
	page, okPage := number(q.Get("page"), 1)
	if !okSize || !okPage || state != "" && state != "active" && state != "deleted" {
		f.refuse(c.w, c.r, http.StatusBadRequest, "Invalid argument.", ghcrPackagesPage)
		return
	}
	size = min(size, ghcrMaxPage)
	all := f.listed(c.path(), state == "deleted")
	last := max(1, (len(all)+size-1)/size)
	f.linkPages(c, page, last)
	out := []any{} // encoded as [], not null
	for _, v := range all[min(len(all), (page-1)*size):min(len(all), page*size)] {
		out = append(out, f.version(c, v))
	}
	answerJSON(c.w, http.StatusOK, out)
}

// number reads a positive number of a query.
func number(text string, missing int) (n int, ok bool) {
	if text == "" {
		return missing, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0
}

// listed returns the versions that a list shows, among them those that were deleted a few lists ago.
func (f *GHCR) listed(path string, deleted bool) []GHCRVersion {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pkg(path)
	if deleted {
		return slices.Clone(p.deleted)
	}
	all := f.versions(path)
	p.stale = slices.DeleteFunc(p.stale, func(s *ghcrStale) bool {
		if s.reads == 0 {
			return true
		}
		s.reads--
		all = append(all, s.version)
		return false
	})
	slices.SortFunc(all, newestFirst)
	return all
}

// linkPages sets the links to the other pages.
func (f *GHCR) linkPages(c *ghcrCall, page, last int) {
	base := origin(c.r) + c.r.URL.EscapedPath()
	if f.opts.OrganizationLinks && !f.isUser(c.owner) {
		base = origin(c.r) + f.hosts.prefix + f.byID(c.owner) + escaped(c.below)
	}
	q := c.r.URL.Query()
	link := func(page int, rel string) string {
		base := base
		if f.opts.ForeignLinks != "" && rel == "next" {
			base = "https://" + f.opts.ForeignLinks + c.r.URL.EscapedPath()
		}
		q.Set("page", strconv.Itoa(page))
		return fmt.Sprintf(`<%s?%s>; rel="%s"`, base, q.Encode(), rel)
	}
	var links []string
	if page > 1 {
		links = append(links, link(page-1, "prev"))
	}
	if page < last {
		links = append(links, link(page+1, "next"), link(last, "last"))
	}
	if page > 1 {
		links = append(links, link(1, "first"))
	}
	if len(links) > 0 {
		c.w.Header().Set("Link", strings.Join(links, ", "))
	}
}

// version is a version in JSON.
func (f *GHCR) version(c *ghcrCall, v GHCRVersion) any {
	kind := "orgs"
	if f.isUser(c.owner) {
		kind = "users"
	}
	name, tags := url.PathEscape(c.below[1]), v.Tags
	if tags == nil {
		tags = []string{}
	}
	web := "https://" + f.hosts.web + "/" + kind + "/" + c.owner + "/packages/container"
	return map[string]any{
		"id": v.ID, "name": v.Digest.String(),
		"url":              fmt.Sprintf("%s%s/%s/%s/packages/container/%s/versions/%d", origin(c.r), f.hosts.prefix, kind, c.owner, name, v.ID),
		"package_html_url": web + "/package/" + name,
		"created_at":       v.Created.UTC().Format(time.RFC3339),
		"updated_at":       v.Updated.UTC().Format(time.RFC3339),
		"html_url":         fmt.Sprintf("%s/%s/%d", web, name, v.ID),
		"metadata":         map[string]any{"package_type": "container", "container": map[string]any{"tags": tags}},
	}
}

// find returns the version of a number. The caller holds f.mu.
func (f *GHCR) find(path, number string) (v GHCRVersion, ok bool) {
	id, err := strconv.ParseInt(number, 10, 64)
	for _, v := range f.versions(path) {
		if err == nil && v.ID == id {
			return v, true
		}
	}
	return GHCRVersion{}, false
}

func (f *GHCR) getVersion(c *ghcrCall) {
	if !f.readable(c, "get a package version") {
		return
	}
	f.mu.Lock()
	v, ok := f.find(c.path(), c.below[3])
	f.mu.Unlock()
	if ok {
		answerJSON(c.w, http.StatusOK, f.version(c, v))
	} else {
		f.gone(c)
	}
}

// deletable refuses a token that may not delete. A classic token without the scope is answered as if there were no such
// version (unverified for the scope; see [GHCRHidden]).
func (f *GHCR) deletable(c *ghcrCall) bool {
	switch {
	case c.tok.Denial == GHCRForbidden:
		f.refuse(c.w, c.r, http.StatusForbidden, notAccessible(c.tok), ghcrPackagesPage)
	case c.tok.Denial != "", !c.tok.may("delete:packages"), !c.tok.reaches(c.path()):
		f.gone(c)
	default:
		return f.readable(c, "delete a package version")
	}
	return false
}

// deleteVersion deletes a manifest with its tags. It deletes neither children nor referrers, and it does not look
// whether an index lists the manifest. The refusals with 400 are undocumented
// (https://github.com/actions/delete-package-versions/issues/231,
// https://github.com/chizkiyahu/delete-untagged-ghcr-action/issues/40).
func (f *GHCR) deleteVersion(c *ghcrCall) {
	if !f.deletable(c) {
		return
	}
	status, message := f.tryDelete(c.path(), c.below[3])
	if status != http.StatusNoContent {
		f.refuse(c.w, c.r, status, message, ghcrPackagesPage)
		return
	}
	c.w.WriteHeader(status)
}

// tryDelete deletes a version if the service lets it go.
func (f *GHCR) tryDelete(path, number string) (status int, message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.versions(path)
	i := slices.IndexFunc(all, func(v GHCRVersion) bool { return strconv.FormatInt(v.ID, 10) == number })
	if i < 0 {
		return http.StatusNotFound, ghcrGone
	}
	v := all[i]
	if message := f.held(path, v, all); message != "" {
		return http.StatusBadRequest, message
	}
	f.drop(path, v)
	return http.StatusNoContent, ""
}

// held returns why a version of all cannot be deleted, "" if it can. The caller holds f.mu.
func (f *GHCR) held(path string, v GHCRVersion, all []GHCRVersion) string {
	tagged := 0
	for _, other := range all {
		if len(other.Tags) > 0 {
			tagged++
		}
	}
	switch {
	case len(v.Tags) > 0 && tagged == 1: // untagged versions do not count
		return "You cannot delete the last tagged version of a package. You must delete the package instead."
	case len(all) == 1:
		return "You cannot delete the last version of a package. You must delete the package instead."
	case f.opts.Public && f.pkg(path).popular[v.Digest]:
		return "Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub support for further assistance."
	}
	return ""
}

// drop deletes a version and enters it into the books. The caller holds f.mu.
func (f *GHCR) drop(path string, v GHCRVersion) {
	f.Remove(path, v.Digest)
	p := f.pkg(path)
	delete(p.versions, v.Digest)
	p.deleted = append(p.deleted, v)
	if f.opts.StaleReads > 0 {
		p.stale = append(p.stale, &ghcrStale{v, f.opts.StaleReads})
	}
	f.addDeletion(Deletion{Path: path, Digest: v.Digest, Tags: v.Tags})
}

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

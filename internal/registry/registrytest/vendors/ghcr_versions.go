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

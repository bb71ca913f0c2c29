package vendors

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// tagPages is how a service pages its lists of tags.
type tagPages struct {
	most      int  // in a page, and without n; 0 is no limit
	absolute  bool // the link has scheme and host
	alwaysEnd bool // a page with a tag on it always links to the next, also the last one
}

// answerTags answers tags/list.
func (s *selfHosted) answerTags(w http.ResponseWriter, r *http.Request, path string, p tagPages) {
	if !slices.Contains(s.Repositories(), path) {
		answerOCI(w, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
		return
	}
	n, last := p.most, r.URL.Query().Get("last")
	if asked, err := strconv.Atoi(r.URL.Query().Get("n")); err == nil && asked > 0 && (n == 0 || asked < n) {
		n = asked
	}
	rest := []string{}
	for _, tag := range slices.Sorted(maps.Keys(s.Tags(path))) {
		if last == "" || tag > last {
			rest = append(rest, tag)
		}
	}
	page := rest
	if n > 0 {
		page = rest[:min(n, len(rest))]
	}
	if len(page) > 0 && (p.alwaysEnd || len(page) < len(rest)) {
		q := url.Values{"last": {page[len(page)-1]}}
		if n > 0 {
			q.Set("n", strconv.Itoa(n))
		}
		base := ""
		if p.absolute {
			base = origin(r)
		}
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, base, r.URL.Path, q.Encode()))
	}
	answerJSONAs(w, http.StatusOK, "application/json", map[string]any{"name": path, "tags": page})
}

// settle drops the manifests that a tag was moved away from and that have no other tag.
func (s *selfHosted) settle(path string) {
	for _, d := range s.Overtaken(path) {
		if len(s.tagsOf(path, d)) == 0 {
			s.Remove(path, d)
		}
	}
}

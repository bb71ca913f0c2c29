package registrytest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

// listTags answers tags/list. 2.8 sends everything at once, in no order, whatever n and last say; 3.1 sorts by byte
// and pages when n is given. An exact last page links to an empty one.
func (reg *Registry) listTags(w http.ResponseWriter, r *http.Request, name string) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	repo, ok := reg.repos[name]
	if !ok || !repo.tagged {
		reg.fail(w, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
		return
	}
	tags := slices.Sorted(maps.Keys(repo.tags)) // nil, and so null in JSON, when there are none
	if reg.opts.Version == V2 {
		scramble(tags)
	} else {
		n, ok := reg.limit(w, r)
		if !ok {
			return
		}
		tags = page(w, r, tags, n, true, strings.Compare)
	}
	reg.list(w, r, struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}{name, tags})
}

// limit reads n, at most MaxTags: a greater one is clamped, not refused. -1 is no limit.
func (reg *Registry) limit(w http.ResponseWriter, r *http.Request) (n int, ok bool) {
	text := r.URL.Query().Get("n")
	if text == "" {
		if reg.opts.AlwaysPage {
			return reg.opts.MaxTags, true
		}
		return -1, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		reg.failPage(w)
		return 0, false
	}
	return min(n, reg.opts.MaxTags), true
}

// maxCatalog and defaultCatalog are distribution's catalog.maxentries and the entries sent without n.
const (
	maxCatalog     = 1000
	defaultCatalog = 100
)

// catalog answers _catalog: pages of 100 unless n says otherwise, and 400 for more than 1000, in both lines. Unlike in
// tags/list, an exact last page links to nothing.
func (reg *Registry) catalog(w http.ResponseWriter, r *http.Request) {
	n := defaultCatalog
	if text := r.URL.Query().Get("n"); text != "" {
		asked, err := strconv.Atoi(text)
		switch bad := err != nil || asked < 0; {
		case bad && reg.opts.Version == V2: // as if it were not there
		case bad, asked > maxCatalog:
			reg.failPage(w)
			return
		default:
			n = asked
		}
	}
	byPart := func(a, b string) int { // a repository comes right before those below it
		return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
	}
	names := slices.SortedFunc(slices.Values(reg.Repositories()), byPart)
	reg.list(w, r, struct {
		Repositories []string `json:"repositories"`
	}{page(w, r, names, n, false, byPart)})
}

func (reg *Registry) failPage(w http.ResponseWriter) {
	reg.fail(w, http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
}

// page cuts out at most n sorted entries after the request's last one, and links to the next page when there is more,
// or, with linkFull, when the page is full.
func page(w http.ResponseWriter, r *http.Request, sorted []string, n int, linkFull bool, order func(a, b string) int) []string {
	last := r.URL.Query().Get("last")
	rest := []string{} // encoded as [], not null
	for _, s := range sorted {
		if last == "" || order(s, last) > 0 {
			rest = append(rest, s)
		}
	}
	if n < 0 || len(rest) < n || len(rest) == n && !linkFull {
		return rest
	}
	rest = rest[:n]
	if n > 0 {
		next := url.Values{"n": {strconv.Itoa(n)}, "last": {rest[n-1]}}
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.Path, next.Encode()))
	}
	return rest
}

func (reg *Registry) list(w http.ResponseWriter, r *http.Request, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings always encode
	}
	reply(w, r, reg.jsonType(), append(body, '\n'))
}

// scramble puts tags in an order that is neither lexical nor by time, and the same in every run. A real 2.8 lists in the
// order of its directory.
func scramble(tags []string) {
	slices.SortFunc(tags, func(a, b string) int { return cmp.Compare(digest.FromString(a), digest.FromString(b)) })
}

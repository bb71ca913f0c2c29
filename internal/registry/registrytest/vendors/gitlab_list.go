package vendors

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// gitlabTag is a tag in GitLab's listing.
type gitlabTag struct {
	Name         string     `json:"name"`
	Digest       oci.Digest `json:"digest"`
	ConfigDigest oci.Digest `json:"config_digest,omitempty"`
	MediaType    string     `json:"media_type"`
	SizeBytes    int64      `json:"size_bytes"`
	CreatedAt    string     `json:"created_at"`
	UpdatedAt    string     `json:"updated_at,omitempty"`
	PublishedAt  string     `json:"published_at,omitempty"`
}

// gitlabTime is ISO 8601 with milliseconds, always in UTC and never with a Z.
const gitlabTime = "2006-01-02T15:04:05.000-07:00"

func gitlabStamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(gitlabTime)
}

// serveV1 answers the registry's own API. Who is there is asked before whether there is a database.
func (f *GitLab) serveV1(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(r.URL.Path, "/gitlab/v1/")
	path, isList := strings.CutPrefix(rest, "repositories/")
	path, slash := strings.CutSuffix(path, "/")
	path, tags := strings.CutSuffix(path, "/tags/list")
	switch isList = isList && tags; {
	case isList && !slash:
		http.Redirect(w, r, r.URL.Path+"/"+query(r), http.StatusMovedPermanently)
	case !isList && rest != "":
		http.Error(w, "404 page not found", http.StatusNotFound)
	case !f.admit(w, r, path, ""):
	case f.opts.NoDatabase:
		w.Header().Set("Gitlab-Container-Registry-Version", gitlabVersion)
		w.WriteHeader(http.StatusNotFound)
	case !isList:
		w.Header().Set("Gitlab-Container-Registry-Version", gitlabVersion)
		answerJSON(w, http.StatusOK, struct{}{})
	default:
		f.list(w, r, path)
	}
}

func query(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return "?" + r.URL.RawQuery
}

// gitlabPage is what a client asked of the listing.
type gitlabPage struct {
	n                        int
	last, before, name, sort string
}

var gitlabTagName = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// ask reads the query. code is "" when it is good. Unknown parameters are ignored.
func (f *GitLab) ask(q url.Values) (p gitlabPage, code string) {
	p = gitlabPage{n: 100, last: q.Get("last"), before: q.Get("before"), name: q.Get("name"), sort: "name"}
	if text := q.Get("n"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return p, "INVALID_QUERY_PARAMETER_TYPE"
		}
		if p.n = n; n < 1 || n > 1000 {
			return p, "INVALID_QUERY_PARAMETER_VALUE"
		}
	}
	if !f.opts.NoPublished && q.Get("sort") != "" {
		p.sort = q.Get("sort")
	}
	bad := p.last != "" && p.before != "" ||
		!slices.Contains([]string{"name", "-name", "published_at", "-published_at"}, p.sort)
	for _, marker := range []string{p.last, p.before} {
		if marker == "" {
			continue
		}
		if strings.HasSuffix(p.sort, "published_at") {
			text, err := base64.StdEncoding.DecodeString(marker)
			bad = bad || err != nil || !strings.Contains(string(text), "|")
		} else {
			bad = bad || !gitlabTagName.MatchString(marker)
		}
	}
	if bad {
		return p, "INVALID_QUERY_PARAMETER_VALUE"
	}
	return p, ""
}

// list answers /gitlab/v1/repositories/<path>/tags/list/.
func (f *GitLab) list(w http.ResponseWriter, r *http.Request, path string) {
	p, code := f.ask(r.URL.Query())
	if code != "" {
		answerOCI(w, http.StatusBadRequest, code, "the value of a query parameter is invalid")
		return
	}
	if !slices.Contains(f.Repositories(), path) {
		answerOCI(w, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
		return
	}
	tags := f.listed(path, p.name)
	slices.SortFunc(tags, p.order)
	from, to := p.window(tags)
	page := tags[from:to]
	var links []string
	link := func(rel, key string, at gitlabTag) {
		q := url.Values{"n": {strconv.Itoa(p.n)}, key: {p.marker(at)}}
		if p.sort != "name" {
			q.Set("sort", p.sort)
		}
		if p.name != "" {
			q.Set("name", p.name)
		}
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel="%s"`, origin(r), r.URL.Path, q.Encode(), rel))
	}
	if from > 0 && len(page) > 0 {
		link("previous", "before", page[0])
	}
	if to < len(tags) && len(page) > 0 {
		link("next", "last", page[len(page)-1])
	}
	if links != nil {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
	answerJSON(w, http.StatusOK, page)
}

// listed are the tags of a repository in no order. A ghost has no row in the database.
func (f *GitLab) listed(path, name string) []gitlabTag {
	tags := []gitlabTag{}
	all, times := f.holdings(path), f.TagTimes(path)
	for tag, d := range maps.All(f.Tags(path)) {
		h := all[d]
		if h == nil || !strings.Contains(tag, name) {
			continue
		}
		t := gitlabTag{
			Name: tag, Digest: d, ConfigDigest: h.config, MediaType: h.mediaType,
			SizeBytes: h.size - h.length, // config and layers, or the children's manifests (unverified)
			CreatedAt: gitlabStamp(times[tag].Created), UpdatedAt: gitlabStamp(times[tag].Switched),
		}
		if t.PublishedAt = max(t.CreatedAt, t.UpdatedAt); f.opts.NoPublished {
			t.PublishedAt = ""
		}
		tags = append(tags, t)
	}
	return tags
}

// marker is where a page ends or begins.
func (p gitlabPage) marker(t gitlabTag) string {
	if strings.HasSuffix(p.sort, "published_at") {
		return base64.StdEncoding.EncodeToString([]byte(t.PublishedAt + "|" + t.Name))
	}
	return t.Name
}

// order compares two tags as the client wants them sorted.
func (p gitlabPage) order(a, b gitlabTag) int {
	c := strings.Compare(a.Name, b.Name)
	if strings.HasSuffix(p.sort, "published_at") {
		c = strings.Compare(a.PublishedAt+"|"+a.Name, b.PublishedAt+"|"+b.Name)
	}
	if strings.HasPrefix(p.sort, "-") {
		return -c
	}
	return c
}

// window is the page in the sorted tags.
func (p gitlabPage) window(tags []gitlabTag) (from, to int) {
	at := func(marker string) gitlabTag {
		text, _ := base64.StdEncoding.DecodeString(marker) // checked by ask
		published, name, ok := strings.Cut(string(text), "|")
		if !strings.HasSuffix(p.sort, "published_at") || !ok {
			return gitlabTag{Name: marker}
		}
		return gitlabTag{Name: name, PublishedAt: published}
	}
	switch {
	case p.before != "":
		to, _ = slices.BinarySearchFunc(tags, at(p.before), p.order)
		return max(0, to-p.n), to
	case p.last != "":
		i, found := slices.BinarySearchFunc(tags, at(p.last), p.order)
		if from = i; found {
			from++
		}
	}
	return from, min(from+p.n, len(tags))
}

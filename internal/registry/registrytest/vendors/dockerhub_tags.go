package vendors

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// hubTag is a tag in the API. The keys from TagStatus on are not in the documents' schema, and an old tag lacks them.
type hubTag struct {
	Creator     int       `json:"creator"`
	ID          int64     `json:"id"`
	Images      []hubPart `json:"images"`
	LastUpdated string    `json:"last_updated"`
	LastUpdater int       `json:"last_updater"`
	Updater     string    `json:"last_updater_username"`
	Name        string    `json:"name"`
	Repository  int64     `json:"repository"`
	FullSize    int64     `json:"full_size"`
	V2          bool      `json:"v2"`
	LastPulled  *string   `json:"tag_last_pulled"`
	LastPushed  string    `json:"tag_last_pushed"`
	TagStatus   string    `json:"tag_status,omitempty"`
	MediaType   string    `json:"media_type,omitempty"`
	ContentType string    `json:"content_type,omitempty"`
	Digest      string    `json:"digest,omitempty"`
}

// hubPart is one platform of a tag.
type hubPart struct {
	Architecture string  `json:"architecture"`
	Features     string  `json:"features"`
	Variant      *string `json:"variant"`
	Digest       string  `json:"digest"`
	OS           string  `json:"os"`
	OSFeatures   string  `json:"os_features"`
	OSVersion    *string `json:"os_version"`
	Size         int64   `json:"size"`
	Status       string  `json:"status"`
	LastPulled   *string `json:"last_pulled"`
	LastPushed   string  `json:"last_pushed"`
}

const (
	hubPageSize = 10
	hubMaxPage  = 100 // unverified
)

// serveAPI answers as hub.docker.com. It lists tags, of public repositories to everybody, and never untagged manifests.
func (f *DockerHub) serveAPI(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/auth/token" || strings.TrimSuffix(r.URL.Path, "/") == "/v2/users/login" {
		f.serveLogin(w, r)
		return
	}
	repo, rest, old, ok := hubPath(r.URL.Path)
	login, valid := f.jwt(r)
	user := ""
	if login != nil {
		user = login.tok.User
	}
	readable := f.opts.Public || login != nil && login.tok.may(repo, "pull")
	switch {
	case !f.enter(w, user):
		f.refuse(w, r, http.StatusTooManyRequests, "Rate limit exceeded")
	case !ok:
		f.refuse(w, r, http.StatusNotFound, "object not found")
	case !valid:
		f.refuse(w, r, http.StatusUnauthorized, "Error decoding token.")
	case r.Method == http.MethodDelete && !old:
		f.refuse(w, r, http.StatusMethodNotAllowed, `Method "DELETE" not allowed.`)
	case r.Method == http.MethodDelete:
		f.deleteTag(w, r, login, repo, rest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		f.refuse(w, r, http.StatusMethodNotAllowed, fmt.Sprintf("Method %q not allowed.", r.Method))
	case !readable || len(f.Manifests(repo)) == 0:
		f.refuse(w, r, http.StatusNotFound, "object not found")
	case strings.Trim(rest, "/") == "":
		f.listTags(w, r, repo)
	default:
		f.getTag(w, r, repo, strings.Trim(rest, "/"))
	}
}

// hubPath parts the path of a request for tags: /v2/namespaces/NS/repositories/R/tags[/TAG], or in the old form
// /v2/repositories/NS/R/tags/[TAG/]. The rest has the slash in front of the tag and the one after it.
func hubPath(path string) (repo, rest string, old, ok bool) {
	s := strings.SplitN(strings.TrimPrefix(path, "/v2/"), "/", 6)
	if old = s[0] == "repositories"; old && len(s) >= 4 {
		s = slices.Insert(s, 2, "repositories") // where the long form has it
	}
	if len(s) < 5 || s[2] != "repositories" || s[4] != "tags" {
		return "", "", false, false
	}
	for _, more := range s[5:] {
		rest += "/" + more
	}
	return s[1] + "/" + s[3], rest, old, true
}

// listTags answers a page of the tags, the one that was pushed last first (unverified).
func (f *DockerHub) listTags(w http.ResponseWriter, r *http.Request, repo string) {
	q := r.URL.Query()
	size, okSize := number(q.Get("page_size"), hubPageSize)
	page, okPage := number(q.Get("page"), 1)
	all := f.listed(repo)
	size = min(size, hubMaxPage)
	if !okSize || !okPage || page > 1 && (page-1)*size >= len(all) { // unverified
		f.refuse(w, r, http.StatusNotFound, "object not found")
		return
	}
	link := func(page int) any {
		if page < 1 || (page-1)*size >= len(all) {
			return nil
		}
		return fmt.Sprintf("%s%s?page=%d&page_size=%d", origin(r), r.URL.EscapedPath(), page, size)
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"count": len(all), "next": link(page + 1), "previous": link(page - 1), "results": all[(page-1)*size : min(len(all), page*size)],
	})
}

// listed returns the tags that a list shows, among them those that were deleted a few lists ago
// (https://github.com/docker/hub-feedback/issues/2361).
func (f *DockerHub) listed(repo string) []hubTag {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []hubTag{} // encoded as [], not null
	tags := f.Tags(repo)
	for tag, d := range tags {
		out = append(out, f.describe(repo, tag, d))
	}
	f.stale = slices.DeleteFunc(f.stale, func(s *hubStale) bool {
		if _, again := tags[s.tag.Name]; s.path != repo || again {
			return again && s.path == repo
		}
		if s.reads == 0 {
			return true
		}
		s.reads--
		out = append(out, s.tag)
		return false
	})
	slices.SortFunc(out, func(a, b hubTag) int {
		return cmp.Or(cmp.Compare(b.LastPushed, a.LastPushed), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func (f *DockerHub) getTag(w http.ResponseWriter, r *http.Request, repo, tag string) {
	if d, ok := f.Tags(repo)[tag]; ok {
		answerJSON(w, http.StatusOK, f.describe(repo, tag, d))
		return
	}
	f.refuse(w, r, http.StatusNotFound, "object not found")
}

// describe returns a tag as the API shows it.
func (f *DockerHub) describe(repo, tag string, d oci.Digest) hubTag {
	at, _ := f.TagPushed(repo, tag)
	pushed := hubTime(at)
	c := f.content(repo, d)
	out := hubTag{
		Creator: 1, ID: int64(crc32.ChecksumIEEE([]byte(repo + ":" + tag))), LastUpdated: pushed, LastUpdater: 1, Updater: "acme",
		Name: tag, Repository: int64(crc32.ChecksumIEEE([]byte(repo))), V2: true, LastPushed: pushed, Images: f.parts(repo, d),
	}
	for _, p := range out.Images {
		out.FullSize = max(out.FullSize, p.Size) // unverified for several platforms
	}
	if slices.Contains(f.opts.OldTags, tag) {
		return out
	}
	out.TagStatus, out.Digest, out.MediaType, out.ContentType = "active", d.String(), cmp.Or(c.Config.MediaType, c.MediaType), "image"
	if strings.Contains(out.MediaType, "helm") {
		out.ContentType = "helm" // unverified
	}
	return out
}

// parts returns the platforms of an image or index. The platform of an image is in its config; here it is always
// linux/amd64.
func (f *DockerHub) parts(repo string, d oci.Digest) []hubPart {
	c := f.content(repo, d)
	part := func(d oci.Digest) hubPart {
		m, _ := f.Manifest(repo, d)
		return hubPart{
			Architecture: "amd64", OS: "linux", Digest: d.String(), Size: f.content(repo, d).size(), Status: "active", LastPushed: hubTime(m.Pushed),
		}
	}
	if c.MediaType != fixture.OCIIndex && c.MediaType != fixture.DockerList {
		return []hubPart{part(d)}
	}
	out := []hubPart{}
	for _, m := range c.Manifests {
		p := part(m.Digest)
		p.OS, p.Architecture = m.Platform.OS, m.Platform.Architecture
		if m.Platform.Variant != "" {
			p.Variant = &m.Platform.Variant
		}
		out = append(out, p)
	}
	return out
}

// hubTime is a time in the API, in microseconds.
func hubTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// refuse answers with an error of the API. A DELETE enters the books, with the message as its code.
func (f *DockerHub) refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	if r.Method == http.MethodDelete {
		repo, rest, _, _ := hubPath(r.URL.Path)
		tag := strings.Trim(rest, "/")
		f.addRefusal(Refusal{Path: repo, What: cmp.Or(tag, r.URL.Path), Digest: f.Tags(repo)[tag], Status: status, Code: message})
	}
	answerHub(w, status, message)
}

// answerHub answers with an error of Docker Hub's API.
func answerHub(w http.ResponseWriter, status int, message string) {
	answerJSON(w, status, map[string]any{"message": message, "detail": message, "errinfo": map[string]string{}})
}

package vendors

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// selfHosted is what the fakes of registries that people run themselves share: the registry, the way to it, the books
// and the token server.
type selfHosted struct {
	*registrytest.Registry
	*Routes
	Books
	*desk
	now func() time.Time
	// deleting is held from the look at what a deletion depends on to its end.
	deleting sync.Mutex
}

// start starts the registry with a front. The front is called once the fake is complete.
func (s *selfHosted) start(t testing.TB, o registrytest.Options, d *desk, front func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	s.now, s.desk = o.Now, d
	d.now = o.Now
	o.Front = func(next http.Handler) http.Handler {
		return s.remembering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { front(w, r, next) }))
	}
	s.Registry = registrytest.New(t, o)
	s.to(s.Registry.Host())
}

// Host is the fake's host and port on loopback. The registry and its other APIs are both served there.
func (s *selfHosted) Host() string { return s.Registry.Host() }

// TokenRequests returns what the service's token server was asked for, in order.
func (s *selfHosted) TokenRequests() []registrytest.TokenRequest { return s.requests() }

// ExpireTokens makes every token that was handed out invalid.
func (s *selfHosted) ExpireTokens() { s.expire() }

// refuse answers with an error of the distribution API and writes the deletion that was asked for into the books.
func (s *selfHosted) refuse(w http.ResponseWriter, r Refusal, message string) {
	s.addRefusal(r)
	answerOCI(w, r.Status, r.Code, message)
}

// refusal is a deletion that is not done. what is a digest or a tag.
func (s *selfHosted) refusal(path, what string, status int, code string) Refusal {
	d := s.Tags(path)[what]
	if _, ok := s.Manifest(path, oci.Digest(what)); ok {
		d = oci.Digest(what)
	}
	return Refusal{Path: path, What: what, Digest: d, Status: status, Code: code}
}

// drop deletes a manifest with its tags and writes that into the books.
func (s *selfHosted) drop(path string, d oci.Digest) {
	tags := s.tagsOf(path, d)
	s.Remove(path, d)
	s.addDeletion(Deletion{Path: path, Digest: d, Tags: tags})
}

// dropTag removes a tag, leaves its manifest and writes that into the books.
func (s *selfHosted) dropTag(path, tag string) {
	d := s.Tags(path)[tag]
	s.Untag(path, tag)
	s.addDeletion(Deletion{Path: path, Digest: d, Tags: []string{tag}, TagOnly: true})
}

// route parts a path of the distribution API into a repository and what is asked of it, such as "manifests" and "v1".
func route(urlPath string) (path, kind, ref string) {
	rest := strings.TrimPrefix(urlPath, "/v2/")
	for _, word := range []string{"/blobs/uploads/", "/blobs/", "/manifests/", "/tags/", "/referrers/"} {
		if i := strings.LastIndex(rest, word); i > 0 {
			return rest[:i], strings.Trim(word, "/"), rest[i+len(word):]
		}
	}
	return "", "", ""
}

// actionsOf is what a request does in the words of a token's scope. A registry of distribution's family wants the
// action delete, and no other, for DELETE.
func actionsOf(method string) []string {
	switch method {
	case http.MethodDelete:
		return []string{"delete"}
	case http.MethodGet, http.MethodHead:
		return []string{"pull"}
	}
	return []string{"pull", "push"}
}

// Stored is a manifest that a service has.
type Stored struct {
	Digest oci.Digest
	Tags   []string // sorted
	// Pushed is when the manifest was pushed for the first time.
	Pushed time.Time
}

// Images returns what the service has in a repository now, tagged or not, by digest.
func (s *selfHosted) Images(path string) (stored []Stored) {
	for _, h := range s.holdings(path) {
		stored = append(stored, Stored{h.digest, h.tags, h.pushed})
	}
	slices.SortFunc(stored, func(a, b Stored) int { return cmp.Compare(a.Digest, b.Digest) })
	return stored
}

// answerJSONAs answers with a body in JSON that has a media type of its own.
func answerJSONAs(w http.ResponseWriter, status int, mediaType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fakes' own values always encode
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

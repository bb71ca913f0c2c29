// Package registrytest is a small in-memory registry for fast tests. It answers as the CNCF distribution registry does,
// with the quirks of 2.8 or of 3.1 that matter to a client that deletes, and it can be told to misbehave. [Conformance]
// holds it to the tables that the real registries are held to.
package registrytest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// Version is the release line whose behaviour the registry shows.
type Version string

const (
	// V2 answers as docker-registry 2.8.2: no order and no pages in tags/list, no deletion of a tag.
	V2 Version = "2.8"
	// V3 answers as distribution 3.1.2: lexical order, pages by n and last, deletion of a tag.
	V3 Version = "3.1"
)

// Options say how the registry is set up. The zero value is a writable 3.1 without authentication that allows deletion.
type Options struct {
	Version Version // "" is V3
	// MaxTags bounds a page of tags/list for a request with n, as tags.maxtags does on 3.x; 0 is 1000, its default.
	MaxTags int
	// AlwaysPage sends pages of MaxTags also to a client that did not ask for n, as registries other than distribution do.
	AlwaysPage bool
	// DisableDelete answers 405 UNSUPPORTED to deletions (storage.delete.enabled, false by default in distribution).
	DisableDelete bool
	// ReadOnly answers 405 in plain text to every write (storage.maintenance.readonly).
	ReadOnly bool

	Auth     Auth   // "" is NoAuth
	Username string // with TokenAuth, "" hands tokens to anybody
	Password string
	// Deny lists actions that the token server leaves out of what it grants, such as "delete".
	Deny []string
	// JWT makes tokens say in an access claim what they grant, as those of distribution's own kind do.
	JWT bool
	// TokenUses is how many requests a token is good for; 0 is no limit.
	TokenUses int

	// Front answers in front of the registry, with its own door and its other interfaces, and hands to next what the
	// registry is to answer without asking who is there; nil is none. Faults and the log are in front of it.
	Front func(next http.Handler) http.Handler
	// Now is when a manifest is pushed; nil is [time.Now].
	Now func() time.Time
}

// Registry is a registry under test, served over HTTP on loopback until the test ends.
type Registry struct {
	opts   Options
	server *httptest.Server

	mu      sync.Mutex
	repos   map[string]*repository
	blobs   map[oci.Digest][]byte
	uploads int
	tokens  map[string]*token
	asked   []TokenRequest
	log     []Request
	faults  []*Fault
}

// repository is one repository's links into the blobs.
type repository struct {
	manifests map[oci.Digest]string // media type by digest
	pushed    map[oci.Digest]time.Time
	layers    map[oci.Digest]bool
	tags      map[string]oci.Digest
	tagPushed map[string]time.Time // when each tag was last pushed
	tagTimes  map[string]TagTimes
	overtaken map[oci.Digest]bool // a tag was moved away from it
	now       func() time.Time
	tagged    bool // a tag was pushed at some time: only then is there a list of tags to be empty
}

// New starts a registry that is stopped when the test ends.
func New(t testing.TB, opts Options) *Registry {
	t.Helper()
	if opts.Version == "" {
		opts.Version = V3
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.MaxTags == 0 {
		opts.MaxTags = 1000
	}
	reg := &Registry{
		opts:   opts,
		repos:  map[string]*repository{},
		blobs:  map[oci.Digest][]byte{},
		tokens: map[string]*token{},
	}
	reg.server = httptest.NewServer(http.HandlerFunc(reg.serve))
	t.Cleanup(func() {
		reg.server.CloseClientConnections() // a handler that a Fault holds ends with its connection
		reg.server.Close()
	})
	return reg
}

// URL is the registry's address, such as "http://127.0.0.1:41234".
func (reg *Registry) URL() string { return reg.server.URL }

// Host is the registry's address as it stands in an image reference, such as "127.0.0.1:41234".
func (reg *Registry) Host() string { return strings.TrimPrefix(reg.server.URL, "http://") }

// Pusher returns a pusher that fails the test on an error. It reaches the registry behind its door: without
// authentication, faults, maintenance mode and log, so that what a test prepares does not show in what it observes.
func (reg *Registry) Pusher(t testing.TB, path string) fixture.Tester {
	t.Helper()
	p := fixture.New(reg.URL(), path)
	p.Client = &http.Client{Transport: backDoor{reg}}
	return fixture.ForTest(t, p)
}

// backDoor answers requests from the registry's memory, without a connection.
type backDoor struct{ reg *Registry }

func (b backDoor) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	rec := httptest.NewRecorder()
	b.reg.handle(rec, r, true)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// Repositories returns the paths of all repositories, sorted.
func (reg *Registry) Repositories() []string {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	return slices.Sorted(maps.Keys(reg.repos))
}

// Tags returns the tags of a repository and what they point at.
func (reg *Registry) Tags(path string) map[string]oci.Digest {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if repo, ok := reg.repos[path]; ok {
		return maps.Clone(repo.tags)
	}
	return nil
}

// Manifests returns the digests of all manifests of a repository, tagged or not, sorted.
func (reg *Registry) Manifests(path string) []oci.Digest {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if repo, ok := reg.repos[path]; ok {
		return slices.Sorted(maps.Keys(repo.manifests))
	}
	return nil
}

// Manifest is a manifest that the registry has.
type Manifest struct {
	MediaType string
	Body      []byte
	// Pushed is when it was pushed for the first time.
	Pushed time.Time
}

// Manifest returns a manifest of a repository.
func (reg *Registry) Manifest(path string, d oci.Digest) (m Manifest, ok bool) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	repo, ok := reg.repos[path]
	if ok {
		m.MediaType, ok = repo.manifests[d]
	}
	if ok {
		m.Body, m.Pushed = reg.blobs[d], repo.pushed[d]
	}
	return m, ok
}

// Untag removes a tag and leaves its manifest.
func (reg *Registry) Untag(path, tag string) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	delete(reg.repository(path).tags, tag)
}

// SetTag points a tag at a digest, as somebody else's push would. A digest that has no manifest makes the tag a ghost:
// listed, and 404 when asked for.
func (reg *Registry) SetTag(path, tag string, d oci.Digest) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	reg.repository(path).tag(tag, d)
}

// Remove deletes a manifest and its tags, as somebody else's deletion would.
func (reg *Registry) Remove(path string, d oci.Digest) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	repo := reg.repository(path)
	delete(repo.manifests, d)
	repo.untag(d)
}

// Unlink deletes a manifest and leaves its tags behind as ghosts. On a real 3.x that happens when a client hangs up
// in the middle of a deletion.
func (reg *Registry) Unlink(path string, d oci.Digest) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	delete(reg.repository(path).manifests, d)
}

// repository returns a repository, which springs into being when it is first named by a write.
func (reg *Registry) repository(path string) *repository {
	repo, ok := reg.repos[path]
	if !ok {
		repo = &repository{
			manifests: map[oci.Digest]string{},
			pushed:    map[oci.Digest]time.Time{},
			layers:    map[oci.Digest]bool{},
			tags:      map[string]oci.Digest{},
			tagPushed: map[string]time.Time{},
			tagTimes:  map[string]TagTimes{},
			overtaken: map[oci.Digest]bool{},
			now:       reg.opts.Now,
		}
		reg.repos[path] = repo
	}
	return repo
}

func (r *repository) tag(tag string, d oci.Digest) {
	r.noteTag(tag, d)
	r.tags[tag], r.tagPushed[tag], r.tagged = d, r.now(), true
}

func (r *repository) untag(d oci.Digest) {
	maps.DeleteFunc(r.tags, func(_ string, at oci.Digest) bool { return at == d })
}

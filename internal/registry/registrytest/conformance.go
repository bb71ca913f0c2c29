package registrytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// Server is a registry under the conformance tables.
type Server struct {
	Version   Version // the family whose expectations it has to meet
	URL, Host string
	// Kind is the kind that it is opened as, "" is distribution.
	Kind               string
	Username, Password string
	// Open opens it as the program does.
	Open func(o registry.Options) (registry.Registry, error)
	// Ghost makes a tag that is listed and points at nothing; nil where nothing reaches the storage.
	Ghost func(t *testing.T, path, tag string)
	// Stored lists the manifests that the storage has of a repository, tagged or not; nil where nothing reaches the storage.
	Stored func(t *testing.T, path string) []oci.Digest
	// Methods are the ways of deleting that it allows, the one that the others are held to first; nil is those of its family.
	Methods []prune.Method
	// Frees says that blobs go together with the last manifest of the repository that needs them.
	Frees bool
}

// Setup says how a server is set up. The zero value is a writable one without authentication that allows deletion.
type Setup struct {
	DisableDelete bool
	ReadOnly      bool
	// MaxTags is tags.maxtags of 3.x, the most tags that a page holds; 0 is its default of 1000. 2.8 knows no pages.
	MaxTags int
	// Username and Password are wanted by basic authentication; an empty Username lets everybody in.
	Username, Password string
}

// Absent is a digest that no registry has.
var Absent = digest.FromString("nothing")

// part is what the tables ask of a server that is set up in one way.
type part struct {
	name   string
	setup  Setup
	rows   []row
	claims []claim // run once, reading
	ways   []claim // run in each way of deleting
}

var parts = []part{
	{"defaults", Setup{}, slices.Concat(listing, reading, deleting, writing, placeholders), snapshots, slices.Concat(executions, large, refusedMethods)},
	{"catalog", Setup{}, catalog, nil, nil}, // a server of its own, because it looks at all repositories
	{"two tags a page", Setup{MaxTags: 2}, small, nil, nil},
	{"three tags a page", Setup{MaxTags: 3}, nil, pages, nil},
	{"deletion disabled", Setup{DisableDelete: true}, undeletable, nil, whereNothingIsDeleted},
	{"read-only", Setup{ReadOnly: true}, readOnly, nil, whereNothingIsWritten},
	{"accounts", Setup{Username: "ci", Password: "s3cret"}, closed, nil, behindLogin},
}

// Conformance holds a registry to the tables: what it answers on the wire, and what the product reads, plans and deletes
// there, in every way of deleting that it allows. Each way is held to what deletion by digest leaves behind. open starts
// a server that stops when the test ends. What differences name is left out.
func Conformance(t *testing.T, open func(t *testing.T, s Setup) Server, differences ...Difference) {
	t.Helper()
	out := leftOut(t, differences)
	for i, p := range parts {
		if out[p.name] {
			continue
		}
		s := open(t, p.setup)
		for n, row := range p.rows {
			if out[row.name] || !s.takes(row.name) {
				continue
			}
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				path := fmt.Sprintf("team/row%d-%d", i, n)
				push, _ := s.Pusher(t, path)
				row.run(Wire{t, s, path, push})
			})
		}
		for n, c := range p.claims {
			if out[c.name] || !s.takes(c.name) {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(NewStand(t, s, fmt.Sprintf("team/claim%d-%d", i, n), nil))
			})
		}
		for n, c := range p.ways {
			if out[c.name] {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.eachMethod(t, s, fmt.Sprintf("team/way%d-%d", i, n))
			})
		}
	}
}

// row is a fact about what a registry answers, stated for both families.
type row struct {
	name string
	run  func(w Wire)
}

// claim is something that the product does alike on every registry.
type claim struct {
	name string
	run  func(s Stand)
}

// eachMethod runs a claim in a repository of its own for each way of deleting.
func (c claim) eachMethod(t *testing.T, s Server, path string) {
	var byDigest inventory
	for _, method := range s.methods() {
		t.Run(string(method), func(t *testing.T) {
			claimed := NewStand(t, s, path+"/"+string(method), nil)
			claimed.Method = method
			c.run(claimed)
			left := claimed.Inventory()
			if method == prune.ByDigest {
				byDigest = left
			} else if byDigest.manifests != nil {
				left.equals(t, byDigest)
			}
		})
	}
}

// takes reports whether a row can be run: a ghost is made in the storage, and nothing reaches that of some registries.
func (s Server) takes(row string) bool { return s.Ghost != nil || !strings.HasPrefix(row, "a ghost") }

// Pusher returns a pusher for a repository of the server, and the log of what it pushes.
func (s Server) Pusher(t *testing.T, path string) (fixture.Tester, *PushLog) {
	t.Helper()
	p := fixture.New(s.URL, path)
	p.Username, p.Password = s.Username, s.Password
	log := &PushLog{next: p.Client.Transport}
	p.Client = &http.Client{Transport: log}
	return fixture.ForTest(t, p), log
}

// PushLog writes down the digests of the manifests that are pushed.
type PushLog struct {
	next http.RoundTripper

	mu     sync.Mutex
	pushed map[oci.Digest]bool
}

// Has reports whether a manifest was pushed.
func (l *PushLog) Has(d oci.Digest) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pushed[d]
}

// RoundTrip sends a request and notes a manifest that was pushed by it.
func (l *PushLog) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.pushed == nil {
			l.pushed = map[oci.Digest]bool{}
		}
		l.pushed[oci.Digest(resp.Header.Get("Docker-Content-Digest"))] = true
	}
	return resp, err
}

// Double returns how Conformance starts the double of a release line. open opens it as the program does.
func Double(v Version, open func(host string, o registry.Options) (registry.Registry, error)) func(*testing.T, Setup) Server {
	return func(t *testing.T, s Setup) Server {
		t.Helper()
		o := Options{
			Version: v, DisableDelete: s.DisableDelete, ReadOnly: s.ReadOnly, MaxTags: s.MaxTags,
			Username: s.Username, Password: s.Password,
		}
		if s.Username != "" {
			o.Auth = BasicAuth
		}
		reg := New(t, o)
		return Server{
			Version: v, URL: reg.URL(), Host: reg.Host(), Username: s.Username, Password: s.Password,
			Open:   func(o registry.Options) (registry.Registry, error) { return open(reg.Host(), o) },
			Ghost:  func(_ *testing.T, path, tag string) { reg.SetTag(path, tag, Absent) },
			Stored: func(_ *testing.T, path string) []oci.Digest { return reg.Manifests(path) },
		}
	}
}

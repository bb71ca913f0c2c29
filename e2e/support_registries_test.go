package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	port "github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// What the conformance tables and the tests here share.
type (
	server  = registrytest.Server
	stand   = registrytest.Stand
	wire    = registrytest.Wire
	pushLog = registrytest.PushLog
)

// absent is a digest that no registry has.
var absent = registrytest.Absent

// own is the connections of the tests.
var own = registrytest.Connections

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// ago is so many days before now.
func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

// by picks the expectation of the registry's family.
func by[T any](w wire, v2, v3 T) T { return registrytest.By(w, v2, v3) }

func equal[T comparable](w wire, what string, got, want T) {
	w.T.Helper()
	registrytest.Equal(w, what, got, want)
}

// registry is a way to start servers.
type registry struct {
	name    string
	start   func(t *testing.T, o registrytest.Setup) server
	differs []registrytest.Difference // from what its family does
	// tables says that the conformance tables are all that runs there: the other tests take minutes on each registry.
	tables bool
}

var all = []registry{
	{"double 2.8", registrytest.Double(registrytest.V2, kinds.Open), nil, false},
	{"double 3.1", registrytest.Double(registrytest.V3, kinds.Open), nil, false},
	{"distribution 3.1.2 in memory", genuine(registrytest.V3, registries.Distribution3InMemory), nil, false},
	{"distribution 3.1.2 in a folder", genuine(registrytest.V3, registries.Distribution3), nil, false},
	{"distribution 3.0.0", genuine(registrytest.V3, registries.Distribution300), []registrytest.Difference{
		{Reason: "tags.maxtags limits no page, and the last page is not empty", Names: []string{
			"an n above the server's limit is clamped", "a listing is read to its end", "an exact page links to an empty one",
		}},
		{Reason: "a page after a last that is not a tag leaves out the next tag", Names: []string{"a last that is not a tag skips nothing"}},
		{Reason: "tags are removed although deletion is disabled; digests are not", Names: []string{"every deletion is unsupported"}},
		{Reason: "it answers 500 UNKNOWN to a reference that is no digest and no tag", Names: []string{"deleting a malformed digest"}},
	}, true},
	{"docker-registry 2.8.2", genuine(registrytest.V2, registries.DockerRegistry2), nil, false},
}

// TestConformance holds every registry to the tables.
func TestConformance(t *testing.T) {
	t.Parallel()
	on(t, all, func(t *testing.T, r registry) { registrytest.Conformance(t, r.start, r.differs...) })
}

// each runs f for every registry but those that have the tables alone.
func each(t *testing.T, f func(t *testing.T, r registry)) {
	t.Helper()
	on(t, slices.DeleteFunc(slices.Clone(all), func(r registry) bool { return r.tables }), f)
}

// on runs f as a parallel subtest for each registry. What f starts is stopped when the subtests of f have ended.
func on(t *testing.T, registries []registry, f func(t *testing.T, r registry)) {
	t.Helper()
	for _, r := range registries {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			f(t, r)
		})
	}
}

func genuine(v registrytest.Version, start registries.Start) func(*testing.T, registrytest.Setup) server {
	return func(t *testing.T, o registrytest.Setup) server {
		t.Helper()
		r := registries.ForTest(t, start, registries.Options(o))
		s := server{
			Version: v, URL: r.URL, Host: r.Host, Username: o.Username, Password: o.Password,
			Open: func(o port.Options) (port.Registry, error) { return kinds.Open(r.Host, o) },
		}
		if r.Dir != "" {
			s.Stored = func(t *testing.T, path string) []oci.Digest { return revisions(t, r.Dir, path) }
			s.Ghost = func(t *testing.T, path, tag string) {
				t.Helper()
				link := filepath.Join(r.Dir, "docker/registry/v2/repositories", path, "_manifests/tags", tag, "current/link")
				if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(link, []byte(absent), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		return s
	}
}

// revisions lists the manifests of a repository in a registry's folder, sorted.
func revisions(t *testing.T, dir, path string) []oci.Digest {
	t.Helper()
	links, err := filepath.Glob(filepath.Join(dir, "docker/registry/v2/repositories", path, "_manifests/revisions/sha256/*/link"))
	if err != nil {
		t.Fatal(err)
	}
	var out []oci.Digest
	for _, l := range links {
		text, err := os.ReadFile(l)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, oci.Digest(text))
	}
	slices.Sort(out)
	return out
}

// product is how to start a registry that is not CNCF distribution. as says what the tables have to know of it.
func product(start registries.Start, as server) func(*testing.T, registrytest.Setup) server {
	return func(t *testing.T, o registrytest.Setup) server {
		t.Helper()
		r := registries.ForTest(t, start, registries.Options(o))
		s := as
		s.URL, s.Host = r.URL, r.Host
		s.Open = func(o port.Options) (port.Registry, error) { return kinds.Open(r.Host, o) }
		return s
	}
}

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// server is a registry under the conformance tables.
type server struct {
	version            registrytest.Version // the family whose expectations it has to meet
	url, host          string
	username, password string
	// ghost makes a tag that is listed and points at nothing; nil where nothing reaches the storage.
	ghost func(t *testing.T, path, tag string)
	// stored lists the manifests that the storage has of a repository, tagged or not; nil where nothing reaches the storage.
	stored func(t *testing.T, path string) []oci.Digest
}

// pusher returns a pusher for a repository of the server, and the log of what it pushes.
func (s server) pusher(t *testing.T, path string) (fixture.Tester, *pushLog) {
	t.Helper()
	p := fixture.New(s.url, path)
	p.Username, p.Password = s.username, s.password
	log := &pushLog{next: p.Client.Transport}
	p.Client = &http.Client{Transport: log}
	return fixture.ForTest(t, p), log
}

// pushLog writes down the digests of the manifests that are pushed.
type pushLog struct {
	next http.RoundTripper

	mu     sync.Mutex
	pushed map[oci.Digest]bool
}

// has reports whether a manifest was pushed.
func (l *pushLog) has(d oci.Digest) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pushed[d]
}

func (l *pushLog) RoundTrip(r *http.Request) (*http.Response, error) {
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

// takes reports whether a row can be run: a ghost is made in the storage, and nothing reaches that of the in-memory driver.
func (s server) takes(row string) bool { return s.ghost != nil || !strings.HasPrefix(row, "a ghost") }

// registry is a way to start servers.
type registry struct {
	name  string
	start func(t *testing.T, o registries.Options) server
}

var all = []registry{
	{"double 2.8", double(registrytest.V2)},
	{"double 3.1", double(registrytest.V3)},
	{"distribution 3.1.2 in memory", genuine(registrytest.V3, registries.Distribution3InMemory)},
	{"distribution 3.1.2 in a folder", genuine(registrytest.V3, registries.Distribution3)},
	{"docker-registry 2.8.2", genuine(registrytest.V2, registries.DockerRegistry2)},
}

// each runs f as a parallel subtest for every registry. What f starts is stopped when the subtests of f have ended.
func each(t *testing.T, f func(t *testing.T, r registry)) {
	t.Helper()
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			f(t, r)
		})
	}
}

func double(v registrytest.Version) func(*testing.T, registries.Options) server {
	return func(t *testing.T, o registries.Options) server {
		t.Helper()
		opts := registrytest.Options{
			Version: v, DisableDelete: o.DisableDelete, ReadOnly: o.ReadOnly, MaxTags: o.MaxTags,
			Username: o.Username, Password: o.Password,
		}
		if o.Username != "" {
			opts.Auth = registrytest.BasicAuth
		}
		reg := registrytest.New(t, opts)
		return server{
			version: v, url: reg.URL(), host: reg.Host(), username: o.Username, password: o.Password,
			ghost:  func(_ *testing.T, path, tag string) { reg.SetTag(path, tag, absent) },
			stored: func(_ *testing.T, path string) []oci.Digest { return reg.Manifests(path) },
		}
	}
}

func genuine(v registrytest.Version, start registries.Start) func(*testing.T, registries.Options) server {
	return func(t *testing.T, o registries.Options) server {
		t.Helper()
		r := registries.ForTest(t, start, o)
		s := server{version: v, url: r.URL, host: r.Host, username: o.Username, password: o.Password}
		if r.Dir != "" {
			s.stored = func(t *testing.T, path string) []oci.Digest { return revisions(t, r.Dir, path) }
			s.ghost = func(t *testing.T, path, tag string) {
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

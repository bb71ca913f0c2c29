package e2e

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// stageKey is where a script keeps its stage.
type stageKey struct{}

// stage is the registry of one script: distribution behind a front that counts deletions and can hold or change
// answers. The front keeps its address when the registry behind it is started anew with other options.
type stage struct {
	dir        string
	plain, tls *httptest.Server
	registry   *registries.Server
	options    registries.Options
	pushers    map[string]*fixture.Pusher
	digests    map[string]oci.Digest // what was pushed, by "repository:tag"
	run        registries.Start
	storage    string // the content of the storage when a script asked for it first

	mu        sync.Mutex
	deletions int
	proxy     *httputil.ReverseProxy
	fault     *fault
}

func newStage(dir string) (*stage, error) {
	s := &stage{dir: dir, run: registries.Distribution3, pushers: map[string]*fixture.Pusher{}, digests: map[string]oci.Digest{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := s.start(registries.Options{}); err != nil {
		return nil, err
	}
	s.plain = httptest.NewServer(s)
	s.tls = httptest.NewUnstartedServer(s)
	s.tls.Config.ErrorLog = discard()
	s.tls.StartTLS()
	return s, nil
}

// start starts the registry, in place of the one before it and with its storage.
func (s *stage) start(o registries.Options) error {
	if s.registry != nil {
		if err := s.registry.Close(); err != nil {
			return err
		}
	}
	r, err := s.run(s.dir, o)
	if err != nil {
		return err
	}
	origin, err := url.Parse(r.URL)
	if err != nil {
		return err
	}
	s.registry, s.options = r, o
	for _, p := range s.pushers {
		p.Username, p.Password = o.Username, o.Password
	}
	clear(s.pushers) // they know the address of the one before
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(origin)
			r.Out.Host = r.In.Host
		},
		Transport:      own,
		ModifyResponse: s.modify,
		ErrorLog:       discard(),
	}
	return nil
}

func (s *stage) close() {
	s.plain.Close()
	s.tls.Close()
	_ = s.registry.Close() // the script is over, and has said whether it was good
}

func (s *stage) host() string    { return s.plain.Listener.Addr().String() }
func (s *stage) tlsHost() string { return s.tls.Listener.Addr().String() }

// far is the address as one that is not on loopback by its name, and still leads there.
func (s *stage) far() string {
	return strings.Replace(s.host(), "127.0.0.1", "0.0.0.0", 1)
}

func (s *stage) certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.tls.Certificate().Raw})
}

// ServeHTTP is the front.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	proxy, f, n := s.proxy, s.fault, 0
	if r.Method == http.MethodDelete {
		s.deletions++
	}
	if f != nil && f.matches(r) {
		f.seen++
		n = f.seen
	}
	s.mu.Unlock()
	if n > 0 && f.before != nil {
		f.before(n, r)
	}
	if n > 0 && f.answer != nil {
		f.answer(w, r)
		return
	}
	proxy.ServeHTTP(w, r)
}

func (s *stage) modify(resp *http.Response) error {
	s.mu.Lock()
	f := s.fault
	s.mu.Unlock()
	if f == nil || f.edit == nil || !f.matches(resp.Request) {
		return nil
	}
	return f.edit(resp)
}

// pusher returns the pusher of a repository, the same one each time.
func (s *stage) pusher(path string) *fixture.Pusher {
	p := s.pushers[path]
	if p == nil {
		p = fixture.New(s.registry.URL, path)
		p.Username, p.Password = s.options.Username, s.options.Password
		s.pushers[path] = p
	}
	return p
}

// get reads a path of the registry without the front.
func (s *stage) get(path string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.registry.URL+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", registrytest.AcceptAll)
	if s.options.Username != "" {
		req.SetBasicAuth(s.options.Username, s.options.Password)
	}
	resp, err := registrytest.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// tags returns the tags of a repository, sorted.
func (s *stage) tags(path string) ([]string, error) {
	status, body, err := s.get("/v2/" + path + "/tags/list")
	if err != nil || status != http.StatusOK {
		return nil, errors.Join(err, fmt.Errorf("list tags of %s: %d", path, status))
	}
	var list struct{ Tags []string }
	err = json.Unmarshal(body, &list)
	slices.Sort(list.Tags)
	return list.Tags, err
}

// manifests counts the manifests that the storage has of a repository, those without a tag among them.
func (s *stage) manifests(path string) (int, error) {
	links, err := filepath.Glob(filepath.Join(s.dir, "docker/registry/v2/repositories", path, "_manifests/revisions/sha256/*/link"))
	return len(links), err
}

// content is a line for each file of the storage, with the digest of what is in it.
func (s *stage) content() (string, error) {
	var out strings.Builder
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintln(&out, path, digest.FromBytes(text))
		return err
	})
	return out.String(), err
}

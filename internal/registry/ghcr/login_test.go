package ghcr_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// What is wrong with a token is said with the name that GitHub has for it, and the token itself is never said.
func TestTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tokens []vendors.GHCRToken
		login  string
		kind   error
		text   string
		hint   string
		asked  int // requests of the API
	}{
		"none":           {nil, "", registry.ErrUnauthorized, "none is known for ghcr.io", "read:packages and delete:packages", 0},
		"wrong":          {nil, "ghp_wr0ng", registry.ErrUnauthorized, "Bad credentials", "log in to the registry", 1},
		"fine-grained":   {token("github_pat_f1ne", nil), "github_pat_f1ne", registry.ErrForbidden, "fine-grained", "classic personal access token", 0},
		"without scopes": {token("ghp_n0ne", func(tok *vendors.GHCRToken) { tok.Scopes = []string{"repo"} }), "ghp_n0ne", registry.ErrForbidden, "read:packages", "it has repo", 1},
		"of another package": {
			token("ghs_0ther", func(tok *vendors.GHCRToken) { tok.Packages = []string{"acme/other"} }), "ghs_0ther", registry.ErrUnknownRepository, "Package not found.",
			"Manage Actions access", 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, vendors.GHCROptions{Tokens: tc.tokens})
			s.Options.Credentials = login(tc.login)
			b := kindtest.NewBench(t, s.Stand)
			s.builds(b, 1)
			_, err := s.read(b)
			wants(t, err, tc.kind, tc.text, tc.hint)
			if tc.login != "" && strings.Contains(fmt.Sprint(err, hintOf(err)), tc.login) {
				t.Errorf("the token is in %v", err)
			}
			if got := s.fake.Count("GET", "*/versions"); got != tc.asked {
				t.Errorf("the API was asked %d times, want %d", got, tc.asked)
			}
		})
	}
}

// Something that repeats the token in its errors does not get it printed.
func TestTokenIsHidden(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 1)
	s.fake.AddFault(registrytest.Fault{
		Method: "GET", Path: "*/versions", Times: -1, Status: http.StatusForbidden, Body: `{"message":"you sent Bearer ` + vendors.GHCRAll + `"}`,
		Header: http.Header{"X-Oauth-Scopes": {"repo"}},
	})
	_, err := s.read(b)
	if err == nil || strings.Contains(fmt.Sprint(err), vendors.GHCRAll) {
		t.Errorf("got %v", err)
	}
}

// The login goes to the registry and to the API that its name implies, and nowhere else.
func TestWhereTheLoginGoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		server string
		env    string // GITHUB_API_URL
		hosts  []string
	}{
		"github.com":                        {"", "https://api.github.com", []string{"api.github.com", "ghcr.io"}},
		"github.com without an environment": {"", "", []string{"api.github.com", "ghcr.io"}},
		"github.com and a foreign API":      {"", "https://api.evil.example.com", []string{"api.github.com", "ghcr.io"}},
		"github.com and an API over http":   {"", "http://api.github.com", []string{"api.github.com", "ghcr.io"}},
		"github.com in a server's workflow": {"", "https://github.example.com/api/v3", []string{"api.github.com", "ghcr.io"}},
		"a server":                          {"github.example.com", "https://github.example.com/api/v3", []string{"containers.github.example.com", "github.example.com"}},
		"a server in github.com's workflow": {"github.example.com", "https://api.github.com", []string{"containers.github.example.com", "github.example.com"}},
		"data residency":                    {"acme.ghe.com", "https://api.acme.ghe.com", []string{"api.acme.ghe.com", "containers.acme.ghe.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, vendors.GHCROptions{Server: tc.server})
			s.Options.Getenv = func(name string) string { return map[string]string{"GITHUB_API_URL": tc.env}[name] }
			b := kindtest.NewBench(t, s.Stand)
			s.builds(b, 3)
			b.Settled(b.Sweep(keepOne), keepOne) // reads configs, which are at a third host
			var hosts []string
			for host := range s.fake.Sent() {
				hosts = append(hosts, host)
			}
			slices.Sort(hosts)
			if !slices.Equal(hosts, tc.hosts) {
				t.Errorf("a login was sent to %v, want %v", hosts, tc.hosts)
			}
		})
	}
}

// A registry on this machine is reached by the address that the environment has, whether the kind is named or told by
// the first answer.
func TestLoopback(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ghcr", "auto"} {
		s := newStand(t, vendors.GHCROptions{})
		s.Host = s.fake.Host()
		s.Options.PlainHTTP, s.Options.Kind = true, kind
		s.Options.Getenv = func(name string) string { return map[string]string{"GITHUB_API_URL": s.fake.APIURL()}[name] }
		b := kindtest.NewBench(t, s.Stand)
		s.builds(b, 3)
		b.Settled(b.Sweep(keepOne), keepOne)
		if n := len(s.fake.Deleted()); n != 2 {
			t.Errorf("%s: deleted %d", kind, n)
		}
	}
}

// A host that says nothing of where the API is gets no login.
func TestHostThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"", "https://api.github.com", "https://user@registry.example.com", "http://registry.example.com", ":"} {
		_, err := open("registry.example.com", registry.Options{Getenv: func(string) string { return env }})
		if err == nil || !strings.Contains(hintOf(err), "containers.HOST") {
			t.Errorf("with %q: got %v, hint %q", env, err, hintOf(err))
		}
	}
	if _, err := open("registry.example.com", registry.Options{Getenv: func(string) string { return "https://registry.example.com/api/v3/" }}); err != nil {
		t.Error(err)
	}
}

// There is no catalog, and a path without a package names nothing.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	s.Path = "acme"
	b := kindtest.NewBench(t, s.Stand)
	_, err := s.list(b)
	wants(t, err, registry.ErrUnknownRepository, "acme names no package", "OWNER/PACKAGE")
	r, err := open("ghcr.io", registry.Options{Transport: s.fake.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Catalog(t.Context()); !errors.Is(err, registry.ErrNoCatalog) {
		t.Errorf("got %v", err)
	}
	if _, is := r.Repository("acme/app").(registry.TagDeleter); is {
		t.Error("it removes tags, and GitHub does not")
	}
	if err := r.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

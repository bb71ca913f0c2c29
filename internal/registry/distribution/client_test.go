package distribution_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	header := func(kv ...string) http.Header { return http.Header{kv[0]: kv[1:]} }
	for name, c := range map[string]struct {
		fault registrytest.Fault
		tries int // requests for the listing in all
		ok    bool
	}{
		"408":                    {registrytest.Fault{Status: 408, Times: 2}, 3, true},
		"425":                    {registrytest.Fault{Status: 425, Times: 2}, 3, true},
		"429":                    {registrytest.Fault{Status: 429, Times: 2}, 3, true},
		"500":                    {registrytest.Fault{Status: 500, Times: 5}, 6, true},
		"500 for too long":       {registrytest.Fault{Status: 500, Times: -1}, 6, false},
		"a broken connection":    {registrytest.Fault{Break: true, Times: 2}, 3, true},
		"501":                    {registrytest.Fault{Status: 501, Times: -1}, 1, false},
		"403":                    {registrytest.Fault{Status: 403, Times: -1}, 1, false},
		"400":                    {registrytest.Fault{Status: 400, Times: -1}, 1, false},
		"Retry-After of an hour": {registrytest.Fault{Status: 429, Times: -1, Header: header("Retry-After", "3600")}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
			c.fault.Path = "*/tags/list"
			reg.AddFault(c.fault)
			_, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
			if (err == nil) != c.ok {
				t.Errorf("got %v", err)
			}
			if n := reg.Count("", "*/tags/list"); n != c.tries {
				t.Errorf("%d tries, want %d", n, c.tries)
			}
		})
	}
}

func TestRetryOfAnAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) == 1 {
			w.Header().Set("Content-Length", "9999")
		}
		_, _ = w.Write([]byte(`{"tags":[]}`))
	}))
	t.Cleanup(s.Close)
	o := registry.Options{PlainHTTP: true, RetryBase: time.Millisecond}
	_, err := openHost(s.Listener.Addr().String(), o).Repository("team/app").Snapshot(t.Context(), registry.Query{})
	if err != nil || tries.Load() != 2 {
		t.Errorf("got %v after %d tries, want success after 2", err, tries.Load())
	}
}

func TestCancelledReadEnds(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
	ctx, cancel := context.WithCancel(t.Context())
	reg.AddFault(registrytest.Fault{Path: "*/manifests/*", Before: cancel, Until: make(chan struct{})})
	_, err := client(reg).Repository("team/app").Snapshot(ctx, registry.Query{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancel", err)
	}
}

// Distribution 3.x leaves tags without a manifest when a client hangs up during a deletion.
func TestDeleteInFlightIsNotCutShort(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	reg.AddFault(registrytest.Fault{Method: "DELETE", Until: release, Before: func() {
		cancel()
		close(release)
	}})
	existed, err := client(reg).Repository("team/app").Delete(ctx, d)
	if err != nil || !existed {
		t.Errorf("got %v, %v; want the answer of the deletion", existed, err)
	}
	if n := reg.Count("DELETE", "*"); n != 1 {
		t.Errorf("%d deletions arrived, want 1", n)
	}
	if _, err := client(reg).Repository("team/app").Delete(ctx, d); !errors.Is(err, context.Canceled) {
		t.Errorf("a deletion after the cancel: got %v", err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, v registrytest.Version) {
		reg := registrytest.New(t, registrytest.Options{Version: v})
		d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1", "b2"}})
		r := client(reg).Repository("team/app")
		if existed, err := r.Delete(t.Context(), d); err != nil || !existed {
			t.Errorf("first: %v, %v", existed, err)
		}
		if existed, err := r.Delete(t.Context(), d); err != nil || existed {
			t.Errorf("second: %v, %v; want gone and no error", existed, err)
		}
		if tags := reg.Tags("team/app"); len(tags) != 0 {
			t.Errorf("left: %v", tags)
		}
		if _, err := r.Delete(t.Context(), "b1"); err == nil {
			t.Error("a tag is deleted")
		}
	})
}

// The answer to a first try can be lost although the registry has deleted.
func TestDeleteWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
	reg.AddFault(registrytest.Fault{Method: "DELETE", Apply: true, Break: true})
	if existed, err := client(reg).Repository("team/app").Delete(t.Context(), d); err != nil || existed {
		t.Errorf("got %v, %v; want gone and no error", existed, err)
	}
}

func TestDeleteBehindAProxyThatHides(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
	reg.AddFault(registrytest.Fault{Method: "DELETE", Times: -1, Status: 404, Body: "<h1>Not Found</h1>"})
	if existed, err := client(reg).Repository("team/app").Delete(t.Context(), d); err == nil {
		t.Errorf("got %v and no error for an image that is there", existed)
	}
}

// net/http follows a 301, 302 or 303 of a DELETE with a GET, whose 200 is no deletion.
func TestDeleteIsNotRedirectedIntoARead(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
	here := "/v2/team/app/manifests/" + d.String()
	for _, status := range []int{301, 302, 303} {
		reg.AddFault(registrytest.Fault{Method: "DELETE", Status: status, Header: http.Header{"Location": {here}}})
		if existed, err := client(reg).Repository("team/app").Delete(t.Context(), d); err == nil {
			t.Errorf("%d: got %v and no error", status, existed)
		}
	}
	reg.AddFault(registrytest.Fault{Method: "DELETE", Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<h1>Log in</h1>"})
	if existed, err := client(reg).Repository("team/app").Delete(t.Context(), d); err == nil {
		t.Errorf("a login page: got %v and no error", existed)
	}
	reg.AddFault(registrytest.Fault{Method: "DELETE", Status: 308, Header: http.Header{"Location": {here}}})
	if existed, err := client(reg).Repository("team/app").Delete(t.Context(), d); err != nil || !existed {
		t.Errorf("308: got %v, %v", existed, err)
	}
}

func TestRefusedDelete(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options registrytest.Options
		kind    *registry.Kind
		text    string
	}{
		"disabled":  {registrytest.Options{DisableDelete: true}, registry.ErrDeletionDisabled, "deletion is disabled there (405 UNSUPPORTED)"},
		"read-only": {registrytest.Options{ReadOnly: true}, registry.ErrReadOnly, "the registry is in read-only mode (405)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, c.options)
			d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
			_, err := client(reg).Repository("team/app").Delete(t.Context(), d)
			var answer *registry.Error
			if !errors.As(err, &answer) || answer.Status != 405 || !errors.Is(err, c.kind) || err.Error() != c.text || answer.Hint() != c.kind.Hint() {
				t.Errorf("got %v (%+v)", err, answer)
			}
		})
	}
}

func login(user, password string) registry.Credentials {
	return registry.Credentials{Fallback: func(string) (registry.Login, bool) {
		return registry.Login{Username: user, Password: registry.Secret(password)}, true
	}}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	for _, kind := range []registrytest.Auth{registrytest.BasicAuth, registrytest.TokenAuth} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{Auth: kind, Username: "ci", Password: "s3cret-word"})
			d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}, Created: built})
			for name, c := range map[string]struct {
				credentials registry.Credentials
				ok          bool
			}{"right": {login("ci", "s3cret-word"), true}, "wrong": {login("ci", "wr0ng-word"), false}, "none": {registry.Credentials{}, false}} {
				r := openHost(reg.Host(), registry.Options{Credentials: c.credentials, RetryBase: time.Millisecond}).Repository("team/app")
				_, err := r.Snapshot(t.Context(), registry.Query{})
				if (err == nil) != c.ok || errors.Is(err, registry.ErrUnauthorized) == c.ok {
					t.Errorf("%s: got %v", name, err)
				}
				if err != nil && strings.Contains(err.Error(), "-word") {
					t.Errorf("%s: the error holds the password: %v", name, err)
				}
				if c.ok {
					if _, err := r.Delete(t.Context(), d); err != nil {
						t.Errorf("delete: %v", err)
					}
				}
			}
		})
	}
}

// One token with the scope for everything serves a whole run, and a token that runs out is replaced.
func TestTokens(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{Auth: registrytest.TokenAuth, Username: "ci", Password: "p"})
	push := reg.Pusher(t, "team/app")
	for _, tag := range []string{"b1", "b2", "b3", "b4"} {
		push.Image(fixture.Image{Tags: []string{tag}, Created: built})
	}
	r := openHost(reg.Host(), registry.Options{Credentials: login("ci", "p"), RetryBase: time.Millisecond}).Repository("team/app")
	s, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil {
		t.Fatal(err)
	}
	asked := reg.TokenRequests()
	if len(asked) != 1 || len(asked[0].Scopes) != 1 || !strings.HasPrefix(asked[0].Scopes[0], "repository:team/app:") ||
		strings.Contains(asked[0].Scopes[0], "push") || strings.Contains(asked[0].Scopes[0], "*") {
		t.Errorf("tokens asked for: %+v, want one for pull and delete", asked)
	}
	reg.ExpireTokens()
	if _, err := r.Delete(t.Context(), s.Images[0].Digest); err != nil {
		t.Errorf("delete with a token that ran out: %v", err)
	}
	if n := len(reg.TokenRequests()); n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
}

func TestTokenWithoutDelete(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{Auth: registrytest.TokenAuth, Username: "ci", Password: "p", Deny: []string{"delete"}})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}, Created: built})
	r := openHost(reg.Host(), registry.Options{Credentials: login("ci", "p"), RetryBase: time.Millisecond}).Repository("team/app")
	_, err := r.Delete(t.Context(), d)
	var answer *registry.Error
	if !errors.As(err, &answer) || !errors.Is(err, registry.ErrForbidden) || answer.Status != 401 || !strings.Contains(err.Error(), "this login may not delete") ||
		!strings.Contains(answer.Hint(), "repository:team/app:delete") {
		t.Errorf("got %v (%+v), want 401", err, answer)
	}
}

func TestCredentialsFromDockerConfig(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{Auth: registrytest.BasicAuth, Username: "ci", Password: "p"})
	reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}, Created: built})
	const auth = `{"auth":"Y2k6cA=="}` // ci:p
	for name, c := range map[string]struct {
		config string
		ok     bool
	}{
		"host":                     {`{"auths":{"HOST":` + auth + `}}`, true},
		"url as docker login uses": {`{"auths":{"http://HOST/v1/":` + auth + `}}`, true},
		"another host":             {`{"auths":{"elsewhere.example":` + auth + `}}`, false},
		"not JSON":                 {`{"auths`, false},
	} {
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(c.config, "HOST", reg.Host())), 0o600); err != nil {
			t.Fatal(err)
		}
		o := registry.Options{RetryBase: time.Millisecond, Credentials: registry.Credentials{Files: []string{"/nonexistent/config.json", file}}}
		_, err := openHost(reg.Host(), o).Repository("team/app").Snapshot(t.Context(), registry.Query{})
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSchemes(t *testing.T) {
	t.Parallel()
	answers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"name":"team/app","tags":[]}`))
	})
	secure := httptest.NewTLSServer(answers)
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(answers)
	t.Cleanup(plain.Close)
	host := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	for name, c := range map[string]struct {
		host    string
		options registry.Options
		want    string // in the error; "" for none
	}{
		"http on loopback":            {host(plain), registry.Options{}, ""},
		"https on loopback":           {host(secure), registry.Options{TLS: registry.TLS{InsecureSkipVerify: true}}, ""},
		"http asked for":              {host(plain), registry.Options{PlainHTTP: true}, ""},
		"http where https is spoken":  {host(secure), registry.Options{PlainHTTP: true}, "400"},
		"https with a strange issuer": {host(secure), registry.Options{}, "certificate"},
	} {
		c.options.RetryBase = time.Millisecond
		_, err := openHost(c.host, c.options).Repository("team/app").Snapshot(t.Context(), registry.Query{})
		if (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// Only a host that is this machine is spoken to in http without being asked to.
func TestNoHTTPElsewhere(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	transport := &http.Transport{Proxy: nil, DialContext: dialTo(reg.Host())}
	t.Cleanup(transport.CloseIdleConnections)
	o := registry.Options{RetryBase: time.Millisecond, Transport: transport}
	_, err := openHost("registry.example.com", o).Repository("team/app").Snapshot(t.Context(), registry.Query{})
	if !errors.Is(err, http.ErrSchemeMismatch) || len(reg.Requests()) != 0 {
		t.Errorf("got %v and %d requests, want a scheme mismatch and none", err, len(reg.Requests()))
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	l := registry.Login{Username: "ci", Password: "s3cret"}
	for _, s := range []string{l.Password.String(), sprint("%v", l), sprint("%+v", l), sprint("%#v", l), sprint("%s", l.Password)} {
		if strings.Contains(s, "s3cret") {
			t.Errorf("printed: %s", s)
		}
	}
}

package distribution_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// Where HEAD is refused, GET tells the same.
func TestHeadIsRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 405, 501} {
		reg := registrytest.New(t, registrytest.Options{})
		builds(t, reg, 4)
		reg.AddFault(registrytest.Fault{Method: "HEAD", Times: -1, Status: status})
		r := openHost(reg.Host(), registry.Options{Readers: 1}).Repository("team/app")
		s, err := r.Snapshot(t.Context(), registry.Query{SkipDates: true})
		if err != nil || len(s.Images) != 4 {
			t.Fatalf("%d: got %d images, %v", status, len(s.Images), err)
		}
		if later, err := r.Refresh(t.Context(), s, nil); err != nil || len(later.Images) != 4 {
			t.Errorf("%d: later %d images, %v", status, len(later.Images), err)
		}
		if missing, err := r.Missing(t.Context(), s.Images); err != nil || len(missing) != 0 {
			t.Errorf("%d: missing %v, %v", status, missing, err)
		}
		if n := reg.Count("HEAD", "*"); n != 1 {
			t.Errorf("%d: HEAD was sent %d times, want once", status, n)
		}
	}
	reg := registrytest.New(t, registrytest.Options{})
	builds(t, reg, 2)
	reg.AddFault(registrytest.Fault{Path: "*/manifests/b1", Times: -1, Status: 403, Body: `{"errors":[{"code":"DENIED","message":"not this one"}]}`})
	if _, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{SkipDates: true}); err == nil || !strings.Contains(err.Error(), "not this one") {
		t.Errorf("a refusal of both: got %v", err)
	}
}

// What is not the registry's own answer does not tell how the registry is configured.
func TestDeleteIsRefusedOnTheWay(t *testing.T) {
	t.Parallel()
	page := http.Header{"Content-Type": {"text/html"}}
	for name, f := range map[string]registrytest.Fault{
		"405 with a page":         {Status: 405, Header: page, Body: "<h1>Method Not Allowed</h1>"},
		"405 with a page, Allow":  {Status: 405, Header: http.Header{"Content-Type": {"text/html"}, "Allow": {"GET, HEAD"}}, Body: "<h1>Method Not Allowed</h1>"},
		"405 with nothing":        {Status: 405},
		"403 with a page":         {Status: 403, Header: page, Body: "<h1>Request blocked</h1>"},
		"403 with other JSON":     {Status: 403, Body: `{"message":"blocked by policy 7"}`},
		"403 with an empty list":  {Status: 403, Body: `{"errors":[]}`},
		"501 of a mirror":         {Status: 501, Header: page, Body: "<h1>Unsupported method</h1>"},
		"405 in plain text alone": {Status: 405, Header: http.Header{"Content-Type": {"text/plain"}}, Body: "no DELETE here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			builds(t, reg, 1)
			f.Method, f.Times = "DELETE", -1
			reg.AddFault(f)
			_, err := client(reg).Repository("team/app").Delete(t.Context(), reg.Tags("team/app")["b1"])
			var answer *registry.Error
			if !errors.Is(err, registry.ErrIntercepted) || errors.Is(err, registry.ErrForbidden) == errors.Is(err, registry.ErrNotAllowed) || !errors.As(err, &answer) ||
				strings.Contains(err.Error()+answer.Hint(), "storage.delete") || !strings.Contains(err.Error(), reg.Host()) || !strings.Contains(err.Error(), "on the way") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Artifactory has errors without a code.
func TestDeleteIsRefusedByTheRegistry(t *testing.T) {
	t.Parallel()
	for body, mediaType := range map[string]string{`{"errors":[{"status":403,"message":"Forbidden"}]}`: "application/json", "Forbidden": "text/plain; charset=utf-8"} {
		reg := registrytest.New(t, registrytest.Options{})
		builds(t, reg, 1)
		reg.AddFault(registrytest.Fault{Method: "DELETE", Status: 403, Body: body, Header: http.Header{"Content-Type": {mediaType}, "Docker-Distribution-Api-Version": {"registry/2.0"}}})
		_, err := client(reg).Repository("team/app").Delete(t.Context(), reg.Tags("team/app")["b1"])
		if !errors.Is(err, registry.ErrForbidden) || errors.Is(err, registry.ErrIntercepted) {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

// A login that reads and may not delete is not a missing login.
func TestLoginThatMayNotDelete(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]registrytest.Fault{
		"Gitea":    {Status: 401, Body: `{"errors":[{"code":"UNAUTHORIZED","message":""}]}`},
		"no words": {Status: 401},
	} {
		reg := registrytest.New(t, registrytest.Options{Auth: registrytest.BasicAuth, Username: "ci", Password: "p4ssword"})
		builds(t, reg, 1)
		f.Method, f.Times = "DELETE", -1
		reg.AddFault(f)
		r := openHost(reg.Host(), registry.Options{Credentials: login("ci", "p4ssword")}).Repository("team/app")
		s, err := r.Snapshot(t.Context(), registry.Query{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Delete(t.Context(), s.Images[0].Digest)
		var answer *registry.Error
		if errors.Is(err, registry.ErrUnauthorized) || !errors.Is(err, registry.ErrForbidden) || !errors.As(err, &answer) ||
			!strings.Contains(err.Error(), "this login may not delete") || !strings.Contains(answer.Hint(), "the right to delete") || strings.Contains(answer.Hint(), "docker login") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	reg := registrytest.New(t, registrytest.Options{})
	builds(t, reg, 1)
	reg.AddFault(registrytest.Fault{Method: "DELETE", Times: -1, Status: 401})
	r := client(reg).Repository("team/app")
	s, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = r.Delete(t.Context(), s.Images[0].Digest); !errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden) {
		t.Errorf("without a login: got %v", err)
	}
}

// front serves the double after whatever answer does.
func front(t *testing.T, reg *registrytest.Registry, answer func(w http.ResponseWriter, r *http.Request) bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer(w, r) {
			return
		}
		out, err := http.NewRequestWithContext(r.Context(), r.Method, reg.URL()+r.URL.RequestURI(), r.Body)
		if err != nil {
			panic(err)
		}
		out.Header, out.Host = r.Header.Clone(), r.Host
		resp, err := registrytest.Connections.RoundTrip(out)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		for k, v := range resp.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// Quay's token server, by its source, refuses a scope with an action that it does not know.
func TestTokenServerThatDoesNotKnowDelete(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(t, reg, 5)
	requests, tokens := 0, 0
	var asked []string
	host := front(t, reg, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/token":
			tokens++
			asked = append(asked, strings.Join(r.URL.Query()["scope"], " "))
			if strings.Contains(r.URL.RawQuery, "delete") {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(400)
				_, _ = w.Write([]byte(`{"errors":[{"code":"INVALID_REQUEST","message":"Unable to decode repository and actions"}]}`))
				return true
			}
			_, _ = w.Write([]byte(`{"token":"right-` + r.URL.Query().Get("scope") + `"}`))
			return true
		default:
			requests++
			scope := "repository:team/app:pull"
			if r.Method == "DELETE" {
				scope = "repository:team/app:pull,push"
			}
			if got := r.Header.Get("Authorization"); got == "Bearer right-"+scope {
				return false
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="quay",scope="`+scope+`"`)
			w.WriteHeader(401)
			return true
		}
	})
	r := openHost(host, registry.Options{Credentials: login("ci", "p4ssword"), Readers: 1, Writers: 1, RetryBase: time.Millisecond}).Repository("team/app")
	s, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil || len(s.Images) != 5 {
		t.Fatalf("got %d images, %v", len(s.Images), err)
	}
	if requests > 11+3 {
		t.Errorf("%d requests for a listing and ten reads: each was refused first", requests)
	}
	requests = 0
	for _, i := range s.Images {
		if existed, err := r.Delete(t.Context(), i.Digest); err != nil || !existed {
			t.Errorf("delete: %v, %v", existed, err)
		}
	}
	if requests > 5+2 || tokens > 3 {
		t.Errorf("%d requests for five deletions, %d tokens: %q", requests, tokens, asked)
	}
}

// 127.0.0.1 and localhost are the same machine.
func TestRealm(t *testing.T) {
	t.Parallel()
	for realm, c := range map[string]struct {
		ok bool
		is error
	}{
		"http://localhost:PORT/token": {true, nil},
		"http://127.0.0.1:PORT/token": {true, nil},
		"::/not an address":           {false, registry.ErrRealm},
		"":                            {false, registry.ErrRealm},
		"/token":                      {false, registry.ErrRealm},
		"ftp://127.0.0.1/token":       {false, registry.ErrRealm},
		"http://169.254.169.254/":     {false, registry.ErrRealm},
	} {
		t.Run(realm, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{Auth: registrytest.TokenAuth, Username: "ci", Password: "p4ssword"})
			builds(t, reg, 2)
			_, port, err := net.SplitHostPort(reg.Host())
			if err != nil {
				t.Fatal(err)
			}
			reg.AddFault(registrytest.Fault{Path: "/v2/*", Times: -1, Edit: func(r *registrytest.Response) {
				if r.Status == 401 {
					r.Header.Set("WWW-Authenticate", `Bearer realm="`+strings.ReplaceAll(realm, "PORT", port)+`",service="registrytest",scope="repository:team/app:pull"`)
				}
			}})
			_, err = openHost(reg.Host(), registry.Options{Credentials: login("ci", "p4ssword"), RetryBase: time.Millisecond}).Repository("team/app").Snapshot(t.Context(), registry.Query{})
			if (err == nil) != c.ok || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v", err)
			}
			if n := reg.Count("", "*/tags/list"); !c.ok && n != 1 {
				t.Errorf("tried %d times", n)
			}
		})
	}
}

// An answer that is malformed comes again in the same way.
func TestMalformedAnswersAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"Docker-Content-Digest sha256:abc", "Content-Type: a\x00b", ": x", "Content Type: a", " : b"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		tries := make(chan struct{}, 100)
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				buffer := make([]byte, 4096)
				_, _ = conn.Read(buffer)
				tries <- struct{}{} // before the answer, so that nobody counts too early
				_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n" + line + "\r\nContent-Length: 2\r\n\r\n{}"))
				_ = conn.Close()
			}
		}()
		o := registry.Options{PlainHTTP: true, RetryBase: time.Millisecond}
		_, err = openHost(listener.Addr().String(), o).Repository("team/app").Snapshot(t.Context(), registry.Query{})
		if n := len(tries); err == nil || n != 1 {
			t.Errorf("%q: tried %d times: %v", line, n, err)
		}
	}
}

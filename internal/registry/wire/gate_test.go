package wire

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
)

// A Retry-After holds back every request of the client, not only the one that was told so.
func TestRetryAfterSlowsTheWholeClient(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]func() string{
		"seconds": func() string { return "1" },
		"a date":  func() string { return time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told atomic.Bool
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if told.CompareAndSwap(false, true) {
					w.Header().Set("Retry-After", value())
					w.WriteHeader(http.StatusTooManyRequests)
				}
			}))
			t.Cleanup(s.Close)
			c := newClient(t, s.Listener.Addr().String(), registry.Options{PlainHTTP: true, RetryBase: time.Millisecond})
			first := make(chan error, 1)
			go func() {
				_, err := c.Do(t.Context(), Call{Method: http.MethodGet, URL: "/v2/"})
				first <- err
			}()
			until := c.gate.shut(t)
			if _, err := c.Do(t.Context(), Call{Method: http.MethodGet, URL: "/v2/"}); err != nil || time.Now().Before(until) {
				t.Errorf("%v; another request was sent at %s, before %s", err, time.Now(), until)
			}
			if err := <-first; err != nil {
				t.Error(err)
			}
		})
	}
}

// shut waits until the gate is closed and returns for how long.
func (g *gate) shut(t *testing.T) time.Time {
	t.Helper()
	for t.Context().Err() == nil {
		g.mu.Lock()
		until := g.until
		g.mu.Unlock()
		if !until.IsZero() {
			return until
		}
	}
	t.Fatal("the gate stays open")
	return time.Time{}
}

// A request that a cancel came before is told apart from one that was sent.
func TestUnsent(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(s.Close)
	c := newClient(t, s.Listener.Addr().String(), registry.Options{PlainHTTP: true, RetryBase: time.Minute})
	c.gate.close(time.Hour)
	unsent := func(ctx context.Context) (bool, error) {
		_, err := c.Do(ctx, Call{Method: http.MethodDelete, URL: "/v2/"})
		return errors.Is(err, registry.ErrNotSent), err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if u, err := unsent(ctx); !u || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting at the gate: %v", err)
	}
	c.gate.until = time.Time{}
	ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var answer *registry.Error
	if u, err := unsent(ctx); u || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &answer) {
		t.Errorf("between two tries: %v", err)
	}
}

func TestNextPage(t *testing.T) {
	t.Parallel()
	const broken = "error"
	for header, want := range map[string]string{
		``: "", `</v2/app/tags/list?last=b>; rel="next"`: "/v2/app/tags/list?last=b", `<?last=b>;rel=next`: "/v2/app/tags/list?last=b",
		`</a>; rel="last", <?b>; rel="next"`:                              "/v2/app/tags/list?b",
		`<?a,;>; title="x, </c>; rel=next"; rel=next`:                     "/v2/app/tags/list?a,;",
		` < ?b > ;  rel = "next" `:                                        "/v2/app/tags/list?b",
		`<?b>; rel="prev next"`:                                           "/v2/app/tags/list?b",
		`<?b>; REL=NEXT`:                                                  "/v2/app/tags/list?b",
		`<http://Registry.example.com:80/v2/app/tags/list?b>; rel=next`:   "/v2/app/tags/list?b",
		`<https://registry.example.com:443/v2/app/tags/list?b>; rel=next`: "/v2/app/tags/list?b", // a proxy ends TLS
		`<http://registry.example.com:443/v2/app/tags/list?b>; rel=next`:  broken,
		`</v2/x?last=b>; rel="next"`:                                      broken, // another list
		`</v2/app/tags/list/?last=b>; rel="next"`:                         broken,
		`</b>; rel="nextish"`:                                             "",
		`</b>; rel=prev`:                                                  "",
		`</b>; rel="prev"; rel="next"`:                                    "",
		`<http://elsewhere.example/b>; rel="next"`:                        broken,
		`/b; rel="next"`:                                                  broken,
		`</b; rel="next"`:                                                 broken,
		`</b> rel="next"`:                                                 broken,
		`</b>; rel="next`:                                                 broken,
		`</a>; rel=next, </b>; rel=next`:                                  broken,
	} {
		page, err := http.NewRequest(http.MethodGet, "http://registry.example.com/v2/app/tags/list?n=5", nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := nextPage(page.URL, http.Header{"Link": {header}}, true)
		if (err != nil) != (want == broken) || (err == nil && got != want) {
			t.Errorf("%s: got %q, %v; want %q", header, got, err, want)
		}
	}
}

// A cancel that comes upon a request at an open gate is told by its cause, as one that comes upon a waiting one.
func TestGateTellsTheCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("the time is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := (&gate{}).wait(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}

func newClient(t *testing.T, host string, o registry.Options) *Client {
	t.Helper()
	c, err := New(host, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

package wire

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
)

// Somebody is told once of a registry that lets requests wait for a second and longer, whatever the number of requests, and
// not of one that answers at the second try.
func TestWaitingIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails int64
		base  time.Duration
		want  int64
	}{
		"it recovers at once": {1, time.Millisecond, 0},
		"it does not recover": {1 << 20, 10 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, told atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) <= c.fails {
					w.WriteHeader(http.StatusBadGateway)
				}
			}))
			defer server.Close()
			ctx, enough := context.WithCancel(t.Context())
			defer enough()
			client, err := New(strings.TrimPrefix(server.URL, "http://"), registry.Options{RetryBase: c.base, Waiting: func(host string, err error) {
				told.Add(1)
				if host == "" || !strings.Contains(err.Error(), "502") {
					t.Errorf("told %q, %v", host, err)
				}
				enough()
			}})
			if err != nil {
				t.Fatal(err)
			}
			err = client.Each(ctx, 4, func(ctx context.Context, _ int) error {
				_, err := client.Do(ctx, Call{Method: http.MethodGet, URL: "/v2/"})
				return err
			})
			if told.Load() != c.want || (err != nil) != (c.want > 0) || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("told %d times, want %d: %v", told.Load(), c.want, err)
			}
		})
	}
}

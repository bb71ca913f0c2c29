package vendors

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// cloudAnswer is what a fake answered.
type cloudAnswer struct {
	status int
	header http.Header
	body   string
}

// code returns the first code of an OCI error body.
func (a cloudAnswer) code() string {
	var v struct{ Errors []struct{ Code string } }
	if json.Unmarshal([]byte(a.body), &v) != nil || len(v.Errors) == 0 {
		return ""
	}
	return v.Errors[0].Code
}

// decode reads a body in JSON.
func decode[T any](t *testing.T, a cloudAnswer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return v
}

// newRequest returns a request with headers given as pairs.
func newRequest(t *testing.T, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// send sends a request through the fake's transport, which follows no redirect.
func send(t *testing.T, rt http.RoundTripper, r *http.Request) cloudAnswer {
	t.Helper()
	resp, err := rt.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return cloudAnswer{resp.StatusCode, resp.Header, string(body)}
}

func checkEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func checkSlices[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// deletedDigests returns the digests of the whole manifests that went, in order.
func deletedDigests(b *Books) []oci.Digest {
	var ds []oci.Digest
	for _, d := range b.Deleted() {
		if !d.TagOnly {
			ds = append(ds, d.Digest)
		}
	}
	return ds
}

// refusedCodes returns the codes of the refusals, in order.
func refusedCodes(b *Books) []string {
	var codes []string
	for _, r := range b.Refused() {
		codes = append(codes, r.Code)
	}
	return codes
}

// testClock is a clock that stands still until it is moved.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func newTestClock() *testClock {
	return &testClock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

package wire

import (
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"
)

// What comes before a request has its connection does not count.
func TestClockStartsWithTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c := started(t.Context())
		time.Sleep(time.Second)
		httptrace.ContextClientTrace(ctx).GotConn(httptrace.GotConnInfo{})
		time.Sleep(time.Millisecond)
		if got := c.took(); got != time.Millisecond {
			t.Errorf("got %v, want 1ms", got)
		}
	})
}

// Sorts are told by what is asked for.
func TestSortOfCall(t *testing.T) {
	t.Parallel()
	for want, k := range map[sort]Call{
		sortHead:     {Method: "HEAD", URL: "/v2/a/manifests/v1"},
		sortRead:     {Method: "GET", URL: "/v2/a/manifests/v1"},
		sortBlob:     {Method: "GET", URL: "/v2/a/blobs/sha256:1"},
		sortRemoval:  {Method: "DELETE", URL: "/v2/a/manifests/v1"},
		sortDeletion: {Method: "DELETE", URL: "/v2/a/manifests/sha256:1"},
		sortOther:    {Method: "PUT", URL: "/v2/a/manifests/v1"},
	} {
		if got := k.sort(); got != want {
			t.Errorf("%s %s: got %d, want %d", k.Method, k.URL, got, want)
		}
	}
}

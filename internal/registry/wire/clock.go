package wire

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// clock measures what an answer takes from when its request has a connection. A new connection costs as much as several
// answers, and the first of many more than that: a [limit] would take it for a queue.
type clock struct{ began atomic.Int64 } // nanoseconds since start

// start is what clocks count from, by the monotonic clock.
var start = time.Now()

// started returns a clock that counts from now on, or from when a request under the context gets its connection.
func started(ctx context.Context) (context.Context, *clock) {
	c := &clock{}
	c.begin()
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { c.begin() }}), c
}

func (c *clock) begin() { c.began.Store(int64(time.Since(start))) }

// took returns how long it counts, at least a nanosecond.
func (c *clock) took() time.Duration {
	return max(1, time.Since(start)-time.Duration(c.began.Load()))
}

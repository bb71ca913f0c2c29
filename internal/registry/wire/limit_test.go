package wire

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
)

// drive sends n answers through a limit as fast as it lets them, all waiting from the start. Each takes what cost makes of
// those on their way.
func (l *limit) drive(t *testing.T, n int, cost func(running int) (time.Duration, bool)) {
	t.Helper()
	for range n {
		for l.running < int(l.now) { // as many as may be on their way
			if err := l.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		l.used = true // others wait
		running := l.running
		if float64(running) > l.most || l.now < 1 {
			t.Fatalf("%d on their way with a limit of %v of %v", running, l.now, l.most)
		}
		took, congested := cost(running)
		l.release(sortHead, took, congested)
	}
}

func steady(d time.Duration) func(int) (time.Duration, bool) {
	return func(int) (time.Duration, bool) { return d, false }
}

// queueing is a registry that serves so many at a time and lets the others wait.
func queueing(capacity int, each time.Duration) func(int) (time.Duration, bool) {
	return func(running int) (time.Duration, bool) {
		return each * time.Duration(max(running, capacity)) / time.Duration(capacity), false
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		first, most int
		cost        func(int) (time.Duration, bool)
		least, best int // what the limit comes to
	}{
		"a constant latency is used fully":          {4, 64, steady(20 * ms), 64, 64},
		"from one":                                  {1, 64, steady(20 * ms), 64, 64},
		"never above most":                          {16, 3, steady(ms), 3, 3},
		"one at most":                               {16, 1, steady(ms), 1, 1},
		"a registry that serves two at a time":      {1, 64, queueing(2, 20*ms), 4, 40},
		"one that serves twenty":                    {1, 64, queueing(20, 20*ms), 20, 50},
		"one whose queue nobody notices":            {1, 64, queueing(2, ms/4), 64, 64},
		"one whose queue is noticed at thirty":      {1, 64, queueing(2, ms), 15, 40},
		"answers that take no time that is noticed": {4, 64, steady(0), 1, 64},
		"always too much":                           {16, 64, func(int) (time.Duration, bool) { return ms, true }, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLimit(c.first, c.most)
			l.drive(t, 5000, c.cost)
			if now := int(l.now); now < c.least || now > c.best {
				t.Errorf("the limit is %d, want %d to %d", now, c.least, c.best)
			}
		})
	}
}

// One round of congestion halves the limit once, however many of its requests tell of it.
func TestLimitHalvesOnceARound(t *testing.T) {
	t.Parallel()
	l := newLimit(32, 64)
	for range 32 {
		_ = l.acquire(t.Context())
	}
	for range 32 {
		l.release(sortHead, time.Millisecond, true)
	}
	if l.now != 16 {
		t.Fatalf("the limit is %v, want 16", l.now)
	}
	for range 16 {
		_ = l.acquire(t.Context())
	}
	l.release(sortHead, time.Millisecond, true)
	if l.now != 8 {
		t.Errorf("after another round the limit is %v, want 8", l.now)
	}
}

// A limit that goes on from what another has come to lets those in who wait, never falls for it, and keeps its bound.
func TestLimitFollowsAnother(t *testing.T) {
	t.Parallel()
	l := newLimit(2, 16)
	var in sync.WaitGroup
	for range 10 {
		in.Go(func() {
			if err := l.acquire(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	l.follow(newLimit(20, 20))
	in.Wait() // for ever, if they are not let in
	for _, c := range []struct {
		other int
		want  float64
	}{{4, 10}, {64, 16}} {
		if l.follow(newLimit(c.other, c.other)); l.now != c.want {
			t.Errorf("after half of %d: %v, want %v", c.other, l.now, c.want)
		}
	}
}

// What a limit has come to by congestion stands, whatever another has come to.
func TestLimitAfterCongestionFollowsNobody(t *testing.T) {
	t.Parallel()
	l := newLimit(8, 128)
	if err := l.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.release(sortHead, time.Millisecond, true)
	before := l.now
	if l.follow(newLimit(128, 128)); l.now != before {
		t.Errorf("%v were too many, now %v are allowed", before, l.now)
	}
}

func TestLimitFollowsTheLatency(t *testing.T) {
	t.Parallel()
	l := newLimit(4, 64)
	l.drive(t, 2000, steady(time.Millisecond))
	high := l.now
	l.drive(t, 2000, queueing(1, 10*time.Millisecond))
	if low := l.now; high != 64 || low > 16 {
		t.Errorf("the limit was %v and is %v with a queue", high, low)
	}
	l.drive(t, 20000, steady(time.Millisecond))
	if l.now != 64 {
		t.Errorf("the limit is %v after the queue has gone", l.now)
	}
}

// Requests of a sort that takes longer than another do not look like a queue.
func TestLimitComparesOnlyTheSameSort(t *testing.T) {
	t.Parallel()
	l := newLimit(4, 64)
	for i := range 2000 {
		for l.running < int(l.now) {
			if err := l.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		l.used = true
		if i%2 == 0 {
			l.release(sortHead, time.Millisecond, false)
		} else {
			l.release(sortBlob, 100*time.Millisecond, false)
		}
	}
	if l.now != 64 {
		t.Errorf("the limit is %v, want 64", l.now)
	}
}

// Slow first answers do not end the doubling.
func TestLimitForgivesAFirstRound(t *testing.T) {
	t.Parallel()
	l := newLimit(8, 64)
	n := 0
	l.drive(t, 8+8+16+32, func(int) (time.Duration, bool) {
		if n++; n > 1 && n <= 8 {
			return 200 * time.Millisecond, false
		}
		return 20 * time.Millisecond, false
	})
	if l.now != 64 {
		t.Errorf("the limit is %v after four rounds, want 64", l.now)
	}
}

// A refusal is no measure of how long the work takes that was refused: a probe for what cannot be deleted made every deletion
// after it look like one that queues.
func TestRefusalsAreNoMeasure(t *testing.T) {
	t.Parallel()
	answers := map[int]time.Duration{http.StatusNotFound: 0, http.StatusMethodNotAllowed: 0, http.StatusAccepted: time.Second}
	for status, want := range answers {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, "registry.example.com", registry.Options{Transport: slow(status)})
			_, err := c.Do(t.Context(), Call{Method: "DELETE", URL: "/v2/a/manifests/sha256:1"})
			if got := c.writes.paces[sortDeletion].shortest; got != want || (err == nil) != (want > 0) || c.writes.running != 0 {
				t.Errorf("%d: got %v and %d on their way after %v, want %v", status, got, c.writes.running, err, want)
			}
		})
	}
}

// slow answers with a status, after a second.
type slow int

func (s slow) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(time.Second) // of the bubble
	return &http.Response{StatusCode: int(s), Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// An idle limit does not rise: nothing shows that the registry could take more.
func TestIdleLimitDoesNotRise(t *testing.T) {
	t.Parallel()
	l := newLimit(8, 64)
	for range 1000 {
		_ = l.acquire(t.Context())
		l.release(sortHead, time.Millisecond, false)
	}
	if l.now != 8 {
		t.Errorf("the limit is %v", l.now)
	}
}

// Whoever gives up waiting leaves no place taken, also when its turn comes at that moment.
func TestLimitLeaksNothing(t *testing.T) {
	t.Parallel()
	l := newLimit(2, 4)
	var group sync.WaitGroup
	for n := range 400 {
		group.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if n%2 == 0 {
				go cancel()
			}
			if err := l.acquire(ctx); err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			if n%3 == 0 {
				l.leave()
			} else {
				l.release(sortHead, time.Duration(rand.IntN(1000)+1), n%7 == 0)
			}
		})
	}
	group.Wait()
	if l.running != 0 || len(l.waiting) != 0 {
		t.Errorf("%d are on their way and %d wait, want none", l.running, len(l.waiting))
	}
}

// A request that waits for its place heeds a pause that the registry asks for meanwhile.
func TestWaitingRequestHeedsAPause(t *testing.T) {
	t.Parallel()
	c := newClient(t, "registry.example.com", registry.Options{Readers: 1})
	if err := c.pass(t.Context(), c.reads); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	passed := make(chan error)
	go func() { passed <- c.pass(ctx, c.reads) }()
	for waits := false; !waits; {
		c.reads.mu.Lock()
		waits = len(c.reads.waiting) == 1
		c.reads.mu.Unlock()
	}
	c.gate.close(time.Hour)
	c.reads.release(sortHead, time.Millisecond, true)
	for turn := false; !turn; { // it has its place now, and must not be sent
		c.reads.mu.Lock()
		turn = len(c.reads.waiting) == 0
		c.reads.mu.Unlock()
	}
	cancel()
	if err := <-passed; !errors.Is(err, context.Canceled) || c.reads.running != 0 {
		t.Errorf("got %v with %d places taken, want it held back until the cancel", err, c.reads.running)
	}
}

func TestCongestion(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{429: true, 500: true, 502: true, 503: true, 501: false, 404: false, 403: false, 405: false, 401: false} {
		if got := congestion(&registry.Error{Status: status}); got != want {
			t.Errorf("%d %s: %v", status, http.StatusText(status), got)
		}
	}
	if !congestion(errBroken) || congestion(nil) || congestion(errors.New("the tag has moved")) {
		t.Error("a broken connection is congestion, success and a tag that moved are not")
	}
}

func BenchmarkLimit(b *testing.B) {
	l := newLimit(FirstReads, registry.DefaultReaders)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if l.acquire(context.Background()) == nil {
				l.release(sortHead, 1000, false)
			}
		}
	})
}

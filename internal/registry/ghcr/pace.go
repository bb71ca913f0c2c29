package ghcr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
)

// The limits of GitHub's API (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
const (
	maxPoints    = 900 // in a minute
	readPoints   = 1
	deletePoints = 5 // of every request that changes something
	window       = time.Minute

	// maxAtOnce is how many requests are on their way at once. GitHub allows 100 to all clients of a token.
	maxAtOnce = 10
	// maxPause is the longest time that a limit is waited for. A run that waits for an hour holds its CI job for nothing.
	maxPause = 5 * time.Minute
	// firstPause is waited for after a secondary limit that names no time, and doubled each time (the same document).
	firstPause = time.Minute
)

// pace keeps a token within its limits. It is safe for use by several goroutines.
//
// The points of a request count from the moment before it is sent until a minute after its answer. The service has
// received it in between, so that in no minute of the service's clock there are more than maxPoints.
type pace struct {
	now    func() time.Time
	places chan struct{} // of requests on their way
	turn   chan struct{} // one waits for the limits, the others for it

	mu        sync.Mutex
	spent     []*points
	blocked   time.Time // no request before: GitHub has said so
	known     bool      // the quota of this hour
	remaining int       // of it
	reset     time.Time // its end
	strikes   int       // answers of the secondary limit without a time, one after the other
}

// points are those of one request.
type points struct {
	n        int
	answered time.Time // zero as long as it is on its way
}

func newPace(now func() time.Time) *pace {
	return &pace{now: now, places: make(chan struct{}, maxAtOnce), turn: make(chan struct{}, 1)}
}

// enter waits until a request may be sent, and returns what is to be called when it is answered. A wait of more than
// maxPause is refused: [registry.ErrLimited] with the time at which it goes on. A context that ends first is
// [registry.ErrNotSent].
func (p *pace) enter(ctx context.Context, method string, reserve int) (leave func(), err error) {
	if err := take(ctx, p.places); err != nil {
		return func() {}, err
	}
	defer func() {
		if err != nil {
			<-p.places
		}
	}()
	if err := take(ctx, p.turn); err != nil {
		return func() {}, err
	}
	defer func() { <-p.turn }()
	n := deletePoints
	if method == http.MethodGet {
		n = readPoints
	}
	for {
		sent, pause, why := p.try(n, reserve)
		switch {
		case sent != nil:
			var once sync.Once
			return func() { once.Do(func() { p.leave(sent) }) }, nil
		case pause > maxPause:
			return func() {}, p.refused(p.now().Add(pause), why)
		}
		if err := registry.Wait(ctx, pause); err != nil {
			return func() {}, registry.Mark(err, registry.ErrNotSent)
		}
	}
}

// take takes a place.
func take(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return registry.Mark(context.Cause(ctx), registry.ErrNotSent)
	}
}

func (p *pace) leave(sent *points) {
	p.mu.Lock()
	sent.answered = p.now()
	p.mu.Unlock()
	<-p.places
}

// try counts a request that may be sent now; else it returns how long to wait, and why.
func (p *pace) try(n, reserve int) (sent *points, pause time.Duration, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if pause := p.blocked.Sub(now); pause > 0 {
		return nil, pause, "GitHub has asked for a pause"
	}
	if pause, full := p.quota(now, reserve); full {
		return nil, pause, "the quota of this hour is used up"
	}
	sum := n
	var next time.Time // when the first of the answered ones does not count any more
	alive := p.spent[:0]
	for _, s := range p.spent {
		end := s.answered.Add(window)
		if !s.answered.IsZero() && !now.Before(end) {
			continue
		}
		alive = append(alive, s)
		sum += s.n
		if !s.answered.IsZero() && (next.IsZero() || end.Before(next)) {
			next = end
		}
	}
	p.spent = alive
	if sum > maxPoints && !next.IsZero() { // those on their way alone are far below
		return nil, next.Sub(now), "GitHub allows 180 deletions a minute"
	}
	sent = &points{n: n}
	p.spent = append(p.spent, sent)
	return sent, 0, ""
}

// quota reports whether the hour's quota lets no request through, and how long that lasts.
func (p *pace) quota(now time.Time, reserve int) (pause time.Duration, full bool) {
	if !p.known || !now.Before(p.reset) {
		return 0, false
	}
	left := p.remaining
	for _, s := range p.spent {
		if s.answered.IsZero() {
			left--
		}
	}
	return p.reset.Sub(now), left <= reserve
}

// heed reads the quota off an answer. Answers can overtake each other: of one hour the least counts.
func (p *pace) heed(h http.Header) {
	remaining, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	epoch, err2 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || err2 != nil {
		return
	}
	reset := time.Unix(epoch, 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.known || reset.After(p.reset):
		p.known, p.remaining, p.reset = true, remaining, reset
	case reset.Equal(p.reset):
		p.remaining = min(p.remaining, remaining)
	}
}

// limits reports whether an answer is about a limit, and notes how long to wait. The secondary limit may come without a
// time and while quota is left.
func (p *pace) limits(status int, h http.Header, message string) bool {
	text := strings.ToLower(message)
	if status != http.StatusTooManyRequests && (status != http.StatusForbidden || !strings.Contains(text, "rate limit")) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	until := now.Add(firstPause << min(p.strikes, 10))
	after := h.Get("Retry-After")
	seconds, err := strconv.Atoi(after)
	date, err2 := http.ParseTime(after)
	switch {
	case err == nil && seconds >= 0:
		until = now.Add(time.Duration(seconds) * time.Second)
	case err2 == nil:
		until = date
	case h.Get("X-RateLimit-Remaining") == "0" && p.known && now.Before(p.reset):
		until = p.reset
	case now.Before(p.blocked): // it was sent together with one that was answered so
		until = p.blocked
	default:
		p.strikes++
	}
	if until.After(p.blocked) {
		p.blocked = until
	}
	return true
}

// works notes that GitHub serves.
func (p *pace) works() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strikes = 0
}

// refused says that a limit lasts.
func (p *pace) refused(until time.Time, why string) error {
	form := "15:04 MST"
	if until.Sub(p.now()) > 12*time.Hour {
		form = "2006-01-02 15:04 MST"
	}
	return &problem{
		fmt.Errorf("GitHub takes no more requests of this token until %s: %s", until.UTC().Format(form), why), registry.ErrLimited,
		"run again after that time: the next run goes on where this one has stopped; other jobs with the same token share its quota",
	}
}

// tell adds the time at which it goes on to an answer about a limit that was met again and again.
func (p *pace) tell(err error) error {
	var own *problem
	if !errors.Is(err, registry.ErrLimited) || errors.As(err, &own) {
		return err
	}
	p.mu.Lock()
	until := p.blocked
	p.mu.Unlock()
	return &problem{
		fmt.Errorf("GitHub takes no more requests of this token until %s: %w", until.UTC().Format("15:04 MST"), err), registry.ErrLimited,
		"run again after that time: the next run goes on where this one has stopped",
	}
}

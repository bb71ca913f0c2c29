package ghcr

import (
	"context"
	"net/http"
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

	// A burst of points is free, and those after it are spread over the minute: a deletion that waits for the minute's end
	// is sent long after the look at the repository that allowed it.
	burst    = 100
	perPoint = window / maxPoints

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
	paid      time.Time // until when the points so far last, at perPoint each
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
	if pause := p.paid.Add(-burst * perPoint).Sub(now); pause > 0 {
		return nil, pause, ""
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
	if p.paid.Before(now) {
		p.paid = now
	}
	p.paid = p.paid.Add(time.Duration(n) * perPoint)
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

package wire

import (
	"context"
	"slices"
	"sync"
	"time"
)

// limit is how many requests of one kind are on their way to a registry at once. It rises by four a round while
// requests do not queue up at the registry, falls by a tenth when they do, and by half when the registry says that it
// has too much, with 429, 5xx or a broken connection. A round is as many answers as the limit allows.
// How many requests queue is estimated as TCP Vegas does it (Brakmo, Peterson, "TCP Vegas", 1995): with the shortest
// time that an answer took as the time without a queue, limit × (1 − shortest/average) of them are waiting. Each sort of
// request has a shortest time of its own: a registry reads a config from its disk, and may have a tag in memory. Requests that
// wait for less than [unnoticed] are not too many: on loopback that settles at about forty, with which 1000 images take 0.87
// of the time that they take with ten (go run -C e2e ./bench), and at a round trip of 20 ms at the bound.
// The libraries that limit so are made for servers: they judge by windows of a second or by a hundred samples, and a
// run of this program is over by then.
type limit struct {
	mu      sync.Mutex
	most    float64
	now     float64
	running int
	waiting []chan struct{} // first come, first served

	paces    [sorts]pace
	answers  int  // in this round
	doubling bool // until requests have queued in two rounds that follow each other
	queues   bool // requests queued in the latest round
	used     bool // the limit has kept a request waiting in this round
	old      int  // requests that were on their way when the limit fell, and tell of the same congestion
}

// pace is how long the answers to one sort of request take.
type pace struct {
	shortest time.Duration // without a queue, as far as it is known
	sum      time.Duration // of this round
	answers  int           // in this round
}

const (
	// FirstReads is how many reads may be on their way at the start. It is enough for the step after a push, which reads a dozen tags: they go in one round trip.
	FirstReads = 16
	// firstWrites is cautious: a deletion may cost a registry a thousand times what a read costs.
	firstWrites = 8
	// More than maxQueued requests waiting at the registry are too many, less than minQueued are too few, unless they are
	// less than half of those on their way, a quarter of them respectively: then answers take less than twice as long.
	minQueued, maxQueued = 4, 8
	// unnoticed is how long an answer may wait for others whatever their number. Where a registry answers within fractions of a
	// millisecond, ten requests do not keep it busy, and nobody else notices forty.
	unnoticed = 10 * time.Millisecond
	// drift is how far a round moves the shortest time towards its average: one lucky answer is no measure for ever.
	drift = 1.0 / 128
)

func newLimit(first, most int) *limit {
	return &limit{now: min(float64(first), float64(most)), most: float64(most), doubling: true}
}

// follow lets a limit that has not found its own level yet go on from half of what another has come to.
func (l *limit) follow(other *limit) {
	other.mu.Lock()
	level := other.now / 2
	other.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doubling {
		l.now = min(l.most, max(l.now, level))
		l.admit()
	}
}

// acquire waits until one more request may be sent.
func (l *limit) acquire(ctx context.Context) error {
	l.mu.Lock()
	if l.running < int(l.now) {
		l.running++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.waiting, l.used = append(l.waiting, turn), true
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, turn); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else { // its turn came at the same moment
		l.running--
		l.admit()
	}
	return context.Cause(ctx)
}

// leave gives a place back from which nothing was sent, or whose answer tells nothing.
func (l *limit) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
	l.admit()
}

// end takes a request away from those on their way, and reports whether it was one of them when the limit fell.
func (l *limit) end() (old bool) {
	l.running--
	if l.old == 0 {
		return false
	}
	l.old--
	return true
}

// release notes that a request of a sort was answered after so long, or that it told of congestion.
func (l *limit) release(kind sort, took time.Duration, congested bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := l.end() // of congestion that has been heeded
	switch {
	case !congested:
		l.answers++
		l.paces[kind].add(took)
	case !told:
		l.now, l.doubling, l.old = max(1, l.now/2), false, l.running
		l.begin()
	}
	if l.answers > 0 && l.answers >= int(l.now) {
		l.adapt()
		l.begin()
	}
	l.admit()
}

func (p *pace) add(took time.Duration) {
	p.answers++
	p.sum += took
	if p.shortest == 0 || took < p.shortest {
		p.shortest = took
	}
}

// adapt draws its conclusion from a round.
func (l *limit) adapt() {
	var sum, shortest time.Duration // of all answers, as they were and as they would be without a queue
	for i := range l.paces {
		p := &l.paces[i]
		sum, shortest = sum+p.sum, shortest+p.shortest*time.Duration(p.answers)
		if p.answers > 0 {
			p.shortest += time.Duration(drift * float64(p.sum/time.Duration(p.answers)-p.shortest))
		}
	}
	waits := (sum - shortest) / time.Duration(l.answers)
	queued := l.now * (1 - float64(shortest)/float64(max(sum, 1)))
	queues := queued > max(maxQueued, l.now/2) && waits > unnoticed
	switch {
	case queues && l.doubling && !l.queues: // perhaps only the first answers are slow, after an idle time
	case queues:
		l.now, l.doubling = max(1, l.now*0.9), false
	case !l.used:
	case l.doubling:
		l.now = min(l.most, 2*l.now)
	case queued < max(minQueued, l.now/4) || waits < unnoticed/2:
		l.now = min(l.most, l.now+4)
	}
	l.queues = queues
}

func (l *limit) begin() {
	for i := range l.paces {
		l.paces[i].sum, l.paces[i].answers = 0, 0
	}
	l.answers, l.used = 0, len(l.waiting) > 0
}

// admit lets those in for whom there is room.
func (l *limit) admit() {
	for len(l.waiting) > 0 && l.running < int(l.now) {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.running++
	}
}

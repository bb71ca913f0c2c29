package prune

import (
	"fmt"
	"math"
	"time"
)

// What decides between the methods. The prices are multiples of a look at a tag, as a look at the repository takes it
// that asks for many tags at once. docs/performance.md has the measurements: distribution 3.1.2 needs 0.8 of a look for
// the removal of a tag, with another look before it, and 0.7 for a digest without tags; by digest it needs 32 with 1000
// tags, and 3 with 100, where both methods take the same time. olareg, which reads no tags, needs 1 to 2.
const (
	// tagsFirstFrom is how many tags must be left. With fewer, what the change costs is more than what it saves.
	tagsFirstFrom = 50
	// dear is how many looks a deletion by digest must take. The price falls with the tags that are left, so that on
	// average half of it is saved.
	dear = 5
	// priceOfTag is what the removal of a tag costs, with the look before it, and priceOfDigest what that of a digest costs
	// to which no tag leads.
	priceOfTag    = 2
	priceOfDigest = 0.5
	// changeTrips is how many round trips the change takes: a look, two requests that ask whether tags can be removed,
	// and the look after the removal, with their pauses.
	changeTrips = 6
)

// The groups in which a trial deletes. What a group takes beyond a smaller one is the registry's own work: both wait for
// one round trip, and whatever else deletions do side by side. Each deletion costs distribution a hundredth of what the
// whole run takes with tags-first (1000 images), so the groups that decide are small.
const (
	fewDeletions  = 2
	someDeletions = 4
	// oneTrip is how many deletions the client sends at once from the start.
	oneTrip = 8
	// groupTrips is how many times a group that is larger than those, and does not fill the line, waits for it: the number
	// of requests at a time doubles from eight on.
	groupTrips = 3
	// manyDeletions is from where on a group fills the line, so that it tells by itself what a deletion takes.
	manyDeletions = 128
	// minReads is how many tags a look must have asked for to be a measure.
	minReads = 16
)

// trial measures what a deletion by digest takes, while images are deleted that way. The nil trial measures nothing.
type trial struct {
	over    bool          // the method is decided
	refused bool          // the registry has said that it does not remove tags, so that what is measured only tells how long it takes
	size    int           // of the next group
	again   bool          // a group of this size was dear, and another one is tried, so that no hiccup decides
	sure    bool          // so was the other one
	few     time.Duration // what the fastest of the small groups took; 0 when that is not known
	read    time.Duration // what one tag of a look takes; 0 when that is not known
	delete  time.Duration // what one deletion takes; 0 when that is not known
	wait    time.Duration // what a request waits for, without the registry's work
	workers int
	why     string // the decision, in words; "" without one
}

// newTrial returns one, or nil where too few requests go at a time to compare groups.
func newTrial(workers int) *trial {
	if workers < someDeletions {
		return nil
	}
	return &trial{size: fewDeletions, workers: workers}
}

// afterRefusal is the trial on a registry that has said that it does not remove tags: it only tells how long the rest takes.
// Nothing is saved by knowing that early, and each group waits for its slowest deletion, so the first group is large: on object
// storage, 200 images took a quarter longer in small ones (go run -C e2e ./bench).
func (t *trial) afterRefusal() *trial {
	if t != nil {
		t.refused, t.size = true, manyDeletions
	}
	return t
}

// runs reports whether it is measured what deletions take.
func (t *trial) runs() bool { return t != nil && !t.over }

// looked learns from a look that has asked for some tags.
func (t *trial) looked(reads int, took time.Duration) {
	if t.runs() && reads >= minReads && took > 0 {
		t.read = took / time.Duration(reads)
	}
}

// deleted learns from a group of deletions, of which all must be done to tell something. A clock that jumps back tells
// nothing.
func (t *trial) deleted(n int, took time.Duration, all bool) {
	if !t.runs() {
		return
	}
	t.sure = false
	var cost time.Duration
	if all && n == t.size && took > 0 {
		cost = t.cost(n, took)
	}
	if cost > 0 {
		if t.again {
			cost = min(cost, t.delete)
		}
		t.delete = cost
		t.sure = t.isDear() && (t.again || n >= manyDeletions)
		if t.again = t.isDear() && !t.sure; t.again {
			return
		}
	}
	t.again = false
	t.size *= 2 // as many as all groups before it together: what becomes dear later is seen before it is most of them
}

// cost is what a deletion of a group takes the registry, 0 where the group does not tell.
func (t *trial) cost(n int, took time.Duration) time.Duration {
	few := t.few
	if n <= someDeletions && (t.few == 0 || took < t.few) {
		t.few = took
	}
	var cost time.Duration
	switch {
	case n >= manyDeletions:
		return took / time.Duration(n)
	case few == 0 || n <= fewDeletions:
		return 0
	case n <= oneTrip:
		cost = (took - few) / time.Duration(n-fewDeletions)
		t.wait = max(0, few-fewDeletions*cost)
	default:
		cost = (took - groupTrips*few) / time.Duration(n)
	}
	return max(1, cost)
}

// request is what a request costs that does nothing but read a tag, with as many at a time as there are workers.
func (t *trial) request() time.Duration { return max(t.read, t.wait/time.Duration(max(t.workers, 1))) }

// isDear reports whether a deletion by digest costs so many times a look that removing tags first is faster.
func (t *trial) isDear() bool {
	return t.read > 0 && t.delete > 0 && t.delete >= dear*t.request()
}

// early reports whether only the first small groups have been deleted, so that the look before them is from just now.
func (t *trial) early() bool { return t.size <= 2*oneTrip }

// remaining is what is still to be deleted.
type remaining struct{ images, tags int }

// gains reports whether the change saves more than it costs.
func (t *trial) gains(left remaining) bool {
	if !t.isDear() {
		return false
	}
	images, tags := float64(left.images), float64(left.tags)
	saved := images*float64(t.delete)/2 - (priceOfTag*tags+priceOfDigest*images)*float64(t.request())
	return left.tags >= tagsFirstFrom && saved > changeTrips*float64(t.few)
}

// ends decides for a method, for a reason that follows what was measured.
func (t *trial) ends(reason string) {
	t.over, t.why = true, t.measured()+reason
}

// reason is why the method was chosen that was used; "" where nothing was measured.
func (t *trial) reason() string {
	if t == nil {
		return ""
	}
	switch {
	case t.over:
		return t.why
	case t.isDear():
		return t.measured() + ", and the change would have cost more than it saves"
	}
	return t.measured()
}

// measured says what was measured, "" when nothing was.
func (t *trial) measured() string {
	if t.read == 0 || t.delete == 0 {
		return ""
	}
	if t.delete <= t.read {
		return fmt.Sprintf("a deletion by digest took no longer than a look at a tag (%s)", spoken(t.read))
	}
	return fmt.Sprintf("a deletion by digest took %s, %s times as long as a look at a tag (%s)", spoken(t.delete), times(t.delete, t.read), spoken(t.read))
}

// rest estimates how long what is left takes by digest. The price of a deletion falls with the tags that are left.
func (t *trial) rest(left remaining) time.Duration { return time.Duration(left.images) * t.delete / 2 }

// times is how many times b a is, with as many digits as mean something.
func times(a, b time.Duration) string {
	if r := float64(a) / float64(b); r < 10 {
		return fmt.Sprintf("%.1f", r)
	} else {
		return fmt.Sprintf("%.0f", r)
	}
}

// spoken is a duration with as many digits as mean something.
func spoken(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case d >= time.Minute:
		return fmt.Sprintf("%.0f min", math.Round(d.Minutes()))
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 1:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.2g ms", ms)
	}
}

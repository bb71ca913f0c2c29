package prune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// lookout is what the latest look at the repository has shown.
type lookout struct {
	at      time.Time
	took    time.Duration
	emptied bool // there is nothing that the plan keeps

	mu       sync.Mutex
	removing map[string]oci.Digest // tags that are looked at right before they are removed
}

// age reports how long ago the latest look was. A clock that has jumped back does not tell, and then it is too old.
func (e *execution) age() time.Duration {
	if age := e.now().Sub(e.looks.at); age >= 0 {
		return age
	}
	return math.MaxInt64
}

func (e *execution) now() time.Time {
	if e.options.Now != nil {
		return e.options.Now()
	}
	return time.Now()
}

// watches takes a tag over to whoever looks at it before its removal.
func (l *lookout) watches(tag string, d oci.Digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.removing[tag] = d
}

// watched gives it back.
func (l *lookout) watched(tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.removing, tag)
}

// unwatch gives back all tags. If some were not removed, the latest look did not read where they point. One of them may have
// been moved to an image whose tags were removed, so that look does not count for a deletion by digest.
func (l *lookout) unwatch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.removing) > 0 {
		clear(l.removing)
		l.at = time.Time{}
	}
}

// known is what a look takes for granted: tags that are looked at right before they are removed, and "" for those that
// are gone.
func (e *execution) known() map[string]oci.Digest {
	e.looks.mu.Lock()
	out := maps.Clone(e.looks.removing)
	e.looks.mu.Unlock()
	for t := range e.ledger.gone() {
		out[t] = ""
	}
	return out
}

// lookFor is how old the latest look at the repository may be when an image of its own is deleted.
func (e *execution) lookFor() time.Duration {
	return cmp.Or(e.options.LookEvery, max(time.Minute, 10*e.looks.took))
}

// partsFor is how old it may be when a part is deleted. A registry takes the push of an index that shares a part with
// what is being deleted, so the time from the look to the deletion is the time in which such a push is broken. A look
// that takes longer than that allows for must not become the work.
func (e *execution) partsFor() time.Duration {
	return min(e.lookFor(), max(20*time.Millisecond, 2*e.looks.took))
}

// look reads the repository again, keeps what something has come to depend on, and notes what has lost all its tags.
// When it cannot be read, nothing more is deleted.
func (e *execution) look(ctx context.Context) bool {
	_, seen := e.see(ctx, e.known())
	return seen
}

// see is a look that takes the known tags for granted. It returns what it has shown, and whether it could be made.
func (e *execution) see(ctx context.Context, known map[string]oci.Digest) (later oci.Snapshot, seen bool) {
	begun := e.now()
	later, err := e.target.Refresh(ctx, e.plan.Snapshot(), known)
	switch {
	case err != nil && ctx.Err() != nil: // which says nothing of the registry
		e.health.cancelled(ctx)
		return later, false
	case err != nil:
		e.health.breaks(fmt.Errorf("look again before deleting: %w", err))
		return later, false
	}
	e.looks.at = e.now()
	e.looks.took = max(0, e.looks.at.Sub(begun))
	e.trial.looked(e.asked(known), e.looks.took)
	e.looks.emptied = !e.plan.KeepsAny(later)
	e.ledger.compare(later, e.plan.Recheck(later))
	return later, true
}

// asked counts the tags that a look has asked for, which takes others for granted.
func (e *execution) asked(known map[string]oci.Digest) int {
	n := 0
	for _, d := range e.plan.Decisions {
		for _, t := range d.Image.Tags {
			if _, is := known[t]; !is {
				n++
			}
		}
	}
	return n
}

// look settles what the registry has answered with an error, when its tags are there all the same. Where there was no
// answer, the registry may be at work on it still.
func (l *ledger) look(i oci.Image) {
	var answer *registry.Error
	if errors.As(l.unsettled[i.Digest], &answer) && len(i.Tags) >= len(l.images[i.Digest].Tags) {
		delete(l.unsettled, i.Digest)
		l.outcomes[i.Digest] = Outcome{Failed, l.outcomes[i.Digest].Detail}
	}
}

// compare takes over what a look has shown: what must be kept, and what has tags.
func (l *ledger) compare(later oci.Snapshot, keep map[oci.Digest]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for d, why := range keep {
		l.kept[d] = why
	}
	has := map[oci.Digest]bool{}
	for _, i := range later.Images {
		has[i.Digest] = len(i.Tags) > 0
		l.look(i)
		for _, t := range i.Tags {
			if slices.Contains(l.removed[i.Digest], t) {
				l.kept[i.Digest] = "needed by tag " + t + ", which points to it again after its removal"
			}
		}
	}
	for d := range l.tagged {
		l.tagged[d] = has[d]
	}
}

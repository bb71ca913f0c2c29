package prune

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// maxUnjournaled is how many images are deleted before their parts, where no journal would tell the next run of parts
// that an interruption has left behind.
const maxUnjournaled = 64

// maxParts is how many parts are deleted in parallel. What waits for its turn in the client is not stopped by a look any
// more.
const maxParts = 32

// deleteAll deletes the roots, oldest first, in batches: a look at the repository comes before each, and after it the
// parts of what is gone are deleted. more says whether another root may be begun. When the method changes between two
// batches, it returns the roots that are left for the other one.
func (e *execution) deleteAll(ctx context.Context, roots []oci.Digest, more func(context.Context) bool) []oci.Digest {
	drain, cancel := registry.Drain(ctx)
	defer cancel()
	finish := registry.WithDrain(drain, drain)
	for len(roots) > 0 && more(ctx) {
		if (e.looks.at.IsZero() || e.age() > e.lookFor()) && !e.look(ctx) {
			break
		}
		roots = e.deleteRoots(ctx, roots, more)
		e.deleteParts(finish)
		if e.changes(ctx, roots) {
			return roots
		}
		if len(roots) == 0 {
			roots = e.ledger.again()
		}
	}
	return nil
}

// deleteRoots deletes a batch of roots and returns those that are left. Requests go one at a time until the registry has
// accepted a deletion.
func (e *execution) deleteRoots(ctx context.Context, roots []oci.Digest, more func(context.Context) bool) []oci.Digest {
	if !e.health.hasAnswered() {
		first := min(max(e.options.Traits.BatchSize, 1), len(roots)) // one request
		e.delete(ctx, roots[:first])
		return roots[first:]
	}
	most := len(roots)
	if !e.journaled {
		most = min(most, maxUnjournaled)
	}
	if e.trial.runs() {
		most = min(most, e.trial.size)
	}
	began, dones := e.now(), e.ledger.dones
	left := e.spread(roots[:most], e.workers(), func(begun int) bool {
		return more(ctx) && (begun == 0 || e.age() <= e.lookFor())
	}, func(level []oci.Digest) { e.delete(ctx, level) })
	done := most - len(left)
	e.trial.deleted(done, e.now().Sub(began), e.ledger.dones-dones == done)
	return roots[most-len(left):]
}

// deleteParts deletes what waited for deletions that are done, from the outside in. Each time a look comes right before,
// which keeps what somebody has pushed meanwhile whole.
func (e *execution) deleteParts(ctx context.Context) {
	for parts := e.ledger.parts(); len(parts) > 0 && e.health.finishes(ctx); parts = e.ledger.parts() {
		if !e.look(ctx) {
			return
		}
		e.spread(parts, min(e.workers(), maxParts), func(begun int) bool {
			return e.health.finishes(ctx) && (begun == 0 || e.age() <= e.partsFor())
		}, func(level []oci.Digest) { e.delete(ctx, level) })
	}
}

// workers is how many requests for deletions are begun at a time.
func (e *execution) workers() int {
	workers := cmp.Or(e.options.Workers, DefaultWorkers)
	return min(workers, cmp.Or(e.options.Traits.AtOnce, workers))
}

// spread works on the digests in their order, as many at once as one request takes and several such at a time, as long as
// more, which is told how many have been begun, says so. It returns those that are left. A goroutine works on many
// digests: the stack of one that sends a single request is grown several times over for it.
func (e *execution) spread(digests []oci.Digest, workers int, more func(begun int) bool, work func([]oci.Digest)) []oci.Digest {
	var mu sync.Mutex
	begun, batch := 0, max(e.options.Traits.BatchSize, 1)
	next := func() []oci.Digest {
		mu.Lock()
		defer mu.Unlock()
		if begun == len(digests) || !more(begun) {
			return nil
		}
		from := begun
		begun = min(begun+batch, len(digests))
		return digests[from:begun]
	}
	group := &errgroup.Group{}
	for range min((len(digests)+batch-1)/batch, workers) {
		group.Go(func() error {
			for level := next(); len(level) > 0; level = next() {
				work(level)
			}
			return nil
		})
	}
	_ = group.Wait() // outcomes carry the errors
	return digests[begun:]
}

// delete deletes digests of which none waits for another.
func (e *execution) delete(ctx context.Context, digests []oci.Digest) {
	if !e.health.finishes(context.WithoutCancel(ctx)) {
		return
	}
	var level []oci.Image
	for _, d := range digests {
		if e.ledger.claim(d) {
			level = append(level, e.ledger.images[d])
		}
	}
	if len(level) == 0 {
		return
	}
	results := e.target.Delete(ctx, level)
	deletes := slices.ContainsFunc(results, func(r registry.Result) bool { return r.Err == nil })
	for i, res := range results {
		e.health.learn(ctx, res.Err, deletes)
		e.settle(level[i].Digest, res)
	}
}

// settle notes what became of the deletion of one digest.
func (e *execution) settle(d oci.Digest, res registry.Result) {
	e.ledger.lose(d, res.Removed)
	switch err := res.Err; {
	case err == nil && res.Existed:
		e.ledger.settle(d, Outcome{Status: Deleted})
	case err == nil:
		e.ledger.settle(d, Outcome{Status: Gone})
	case errors.Is(err, registry.ErrUnsettled):
		e.ledger.doubt(d, err)
		e.ledger.settle(d, Outcome{Unsettled, err.Error()})
	case errors.Is(err, registry.ErrNotSent): // what has lost its tags is tried once more before the run ends
		e.ledger.release(d)
	case errors.Is(err, registry.ErrLimited):
		e.ledger.settle(d, Outcome{Skipped, err.Error()})
	case errors.Is(err, registry.ErrRetained):
		e.ledger.refuse(d, Outcome{Retained, err.Error()})
	case isInUse(err), len(e.ledger.before[d]) > 0 && errors.Is(err, registry.ErrInUse):
		e.ledger.refuse(d, Outcome{Skipped, "the registry says that it is still referred to: " + err.Error()})
	default:
		e.ledger.settle(d, Outcome{Failed, err.Error()})
	}
}

// isInUse reports whether the registry itself says that something refers to a manifest, and not an answer that may mean
// anything.
func isInUse(err error) bool {
	var answer *registry.Error
	return errors.Is(err, registry.ErrInUse) && (!errors.As(err, &answer) || !answer.Vague())
}

package prune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// Repository is what an execution needs of a registry.
type Repository interface {
	// Reread returns what the repository's tags point at now and what that needs.
	Reread(ctx context.Context, before oci.Snapshot) (oci.Snapshot, error)
	// Delete deletes a manifest with all its tags and reports whether it was there. It finishes a request that is on
	// its way even when ctx is cancelled.
	Delete(ctx context.Context, d oci.Digest) (existed bool, err error)
}

// Options bound an execution. The zero value is the careful one.
type Options struct {
	// Workers bounds the deletions that run in parallel; 0 means [DefaultWorkers].
	Workers int
	// Progress is called after each deletion, from several goroutines but never at the same time; nil is not called.
	Progress func(done, all int)
}

// DefaultWorkers is how many deletions run in parallel. Each makes the CNCF registry read every tag of the repository,
// so more of them load the registry and gain nothing: 500 deletions took 10.8 s with 10 workers on two cores, all of
// it the registry's own time.
const DefaultWorkers = 8

// ErrRefused is returned for a plan that a guard objects to.
var ErrRefused = errors.New("the plan is refused")

// Execute deletes what the plan dooms and returns one outcome for each deletion, whatever happens. Before the first
// deletion it looks at the repository again and spares what something has come to depend on. An error that no further
// deletion can survive ends the execution, as a cancel does; what was not tried is skipped.
func Execute(ctx context.Context, p retain.Plan, r Repository, o Options) Result {
	if len(p.Refusals) > 0 {
		res := Skip(p, "refused: "+p.Refusals[0].Detail)
		res.Err = fmt.Errorf("%w: %s", ErrRefused, p.Refusals[0].Detail)
		return res
	}
	deletions := p.Deletions()
	if len(deletions) == 0 {
		return Skip(p, "")
	}
	later, err := r.Reread(ctx, p.Snapshot())
	if err != nil {
		res := Skip(p, "the repository could not be read again")
		res.Err = fmt.Errorf("look again before deleting: %w", err)
		return res
	}
	e := &execution{repository: r, options: o, outcomes: map[oci.Digest]Outcome{}, all: len(deletions)}
	for d, why := range p.Spare(later) {
		e.outcomes[d] = Outcome{Skipped, why}
	}
	order, before := waves(deletions)
	e.before = before
	for _, wave := range order {
		e.run(ctx, wave)
	}
	return Result{Outcomes: e.outcomes, Err: e.err}
}

// execution is the state of one Execute.
type execution struct {
	repository Repository
	options    Options
	before     map[oci.Digest][]oci.Digest
	all        int

	mu       sync.Mutex
	outcomes map[oci.Digest]Outcome
	done     int
	answered bool  // the registry has accepted a deletion
	failures int   // deletions in a row that failed
	err      error // why the execution stops
}

// run deletes one wave. The first deletion of an execution goes alone: it shows whether the registry deletes at all,
// and where it does not, one request has asked instead of one for each worker.
func (e *execution) run(ctx context.Context, wave []oci.Digest) {
	for len(wave) > 0 && !e.answered && e.err == nil {
		e.delete(ctx, wave[0])
		wave = wave[1:]
	}
	group := &errgroup.Group{}
	group.SetLimit(cmp.Or(e.options.Workers, DefaultWorkers))
	for _, d := range wave {
		group.Go(func() error {
			e.delete(ctx, d)
			return nil
		})
	}
	_ = group.Wait() // outcomes carry the errors
}

// delete deletes one digest, unless something speaks against it, and records what became of it.
func (e *execution) delete(ctx context.Context, d oci.Digest) {
	if why := e.obstacle(ctx, d); why != "" {
		e.record(d, Outcome{Skipped, why})
		return
	}
	existed, err := e.repository.Delete(ctx, d)
	e.learn(err)
	switch {
	case err == nil && existed:
		e.record(d, Outcome{Status: Deleted})
	case err == nil:
		e.record(d, Outcome{Status: Gone})
	case len(e.before[d]) > 0 && inUse(err):
		e.record(d, Outcome{Skipped, "the registry says that it is still referred to: " + err.Error()})
	default:
		e.record(d, Outcome{Failed, err.Error()})
	}
}

// maxFailures is how many deletions in a row may fail, each after its own retries, before the registry counts as
// broken: it is not asked a thousand times more.
const maxFailures = 5

// learn draws from the answer to one deletion whether the others are worth trying.
func (e *execution) learn(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == nil:
		e.answered, e.failures = true, 0
		return
	case e.err != nil, inUse(err) && e.answered:
		return
	case stops(err), !e.answered && denied(err):
		e.err = err
		return
	}
	if e.failures++; e.failures >= maxFailures {
		e.err = fmt.Errorf("%d deletions in a row failed, the last one: %w", e.failures, err)
	}
}

// obstacle returns why a digest must not be deleted now, or "".
func (e *execution) obstacle(ctx context.Context, d oci.Digest) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if o, spared := e.outcomes[d]; spared {
		return o.Detail
	}
	if e.err == nil && ctx.Err() != nil {
		e.err = context.Cause(ctx)
	}
	if e.err != nil {
		return "not tried: " + e.err.Error()
	}
	for _, b := range e.before[d] {
		if s := e.outcomes[b].Status; s != Deleted && s != Gone {
			return "what it belongs to was not deleted"
		}
	}
	return ""
}

func (e *execution) record(d oci.Digest, o Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.outcomes[d] = o
	e.done++
	if e.options.Progress != nil {
		e.options.Progress(e.done, e.all)
	}
}

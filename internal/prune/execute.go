package prune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
)

// Target is what an execution needs of a repository, see [registry.Repository]. What else it uses it asks for by type
// assertion: [registry.TagDeleter] and [registry.TagPointer].
type Target interface {
	Refresh(ctx context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error)
	Delete(ctx context.Context, level []oci.Image) []registry.Result
}

// Options bound an execution. The zero value is the careful one.
type Options struct {
	// Workers bounds the deletions that run in parallel; 0 means [DefaultWorkers].
	Workers int
	// Method is how to delete; "" means [ByDigest].
	Method Method
	// Journal remembers what has begun; nil leaves only [ByDigest].
	Journal Journal
	// LookEvery is how old the latest look at the repository may be when a deletion begins; 0 means a minute, or ten
	// times what a look takes when that is longer, so that looking does not become the work.
	LookEvery time.Duration
	// Progress is called after each step, a tag removed or a deletion settled, from several goroutines but never at the
	// same time; nil is not called.
	Progress func(done, all int)
}

const (
	// DefaultWorkers is how many deletions run in parallel at most. The repository may adapt below it.
	DefaultWorkers = 128
	// drainTime is how long a cancelled execution goes on with the parts of what it has deleted. Untagged parts are in
	// no listing: left behind, they are found by nobody, and garbage collection keeps their layers.
	drainTime = 20 * time.Second
)

// Execute deletes what the plan dooms and returns one outcome for each deletion, whatever happens. Before the first
// deletion, and again now and then, it looks at the repository and spares what something has come to depend on. Each
// image is followed by its own parts and attachments. An error that no further deletion can survive ends the
// execution, as a cancel does; what was not tried is skipped.
func Execute(ctx context.Context, p retain.Plan, t Target, o Options) Result {
	if len(p.Refusals) > 0 {
		res := Skip(p, "refused: "+p.Refusals[0].Detail)
		res.Err = fmt.Errorf("%w: %s", ErrRefused, p.Refusals[0].Detail)
		return res
	}
	deletions := p.Deletions()
	e := &execution{
		plan: p, deletions: deletions, target: t, options: o, tags: tagsOf(deletions),
		dependencies: dependenciesOf(deletions), outcomes: map[oci.Digest]Outcome{}, spared: map[oci.Digest]string{},
		image: map[oci.Digest]oci.Image{}, claimed: map[oci.Digest]bool{}, tagged: map[oci.Digest]bool{}, removed: map[oci.Digest][]string{}, untagging: map[string]oci.Digest{},
	}
	for _, d := range deletions {
		e.image[d.Image.Digest] = d.Image
		e.tagged[d.Image.Digest] = len(d.Image.Tags) > 0
	}
	if len(deletions) == 0 {
		e.closeJournal()
	} else if err := e.choose(ctx); err != nil {
		e.err, e.method = err, ""
	} else {
		e.run(ctx)
		e.closeJournal()
	}
	for _, d := range deletions {
		if _, decided := e.outcomes[d.Image.Digest]; !decided {
			e.outcomes[d.Image.Digest] = Outcome{Skipped, e.whyNot(d.Image.Digest)}
		}
	}
	return Result{Outcomes: e.outcomes, Err: e.err, Method: e.method, Unfinished: e.left, Warnings: e.warnings}
}

// execution is the state of one Execute.
type execution struct {
	dependencies
	plan      retain.Plan
	deletions []retain.Decision
	image     map[oci.Digest]oci.Image // of the deletions
	target    Target
	options   Options
	method    Method
	tags      int           // how many the deletions have
	looked    time.Time     // when the latest look was
	lookTook  time.Duration // and how long it took
	journaled bool          // all deletions are written down
	emptied   bool          // the latest look has seen nothing that the plan keeps
	drains    bool          // the run is cancelled, and only what has lost its tags is deleted
	left      []oci.Digest
	warnings  []string

	mu        sync.Mutex
	spared    map[oci.Digest]string // what must not be deleted after all, and why
	claimed   map[oci.Digest]bool
	tagged    map[oci.Digest]bool     // what still has its tags
	removed   map[oci.Digest][]string // the tags that were removed
	untagging map[string]oci.Digest   // doomed tags that are looked at right before they are removed
	outcomes  map[oci.Digest]Outcome
	steps     int
	answered  bool  // the registry has accepted a deletion
	failures  int   // deletions in a row that failed
	err       error // why no other root is begun
	broken    bool  // nothing more is deleted, not even the parts of what is gone
}

// run deletes everything by the method that was chosen. What has lost its tags is in no listing, so a cancelled run still
// deletes that before it ends.
func (e *execution) run(ctx context.Context) {
	if e.method == ByDigest {
		e.deleteAll(ctx, e.roots)
		return
	}
	roots := e.untagAll(ctx)
	e.drains = true
	later, cancel := lingering(ctx)
	defer cancel()
	e.deleteAll(later, roots)
	if e.err == nil && ctx.Err() != nil {
		e.err = context.Cause(ctx)
	}
}

// draining returns the time that a cancelled execution still has.
func draining(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), drainTime)
}

// lingering is draining for work that a cancel must not cut short whenever it comes: the context ends that much later.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, cancel) })
	return out, func() {
		stop()
		cancel()
	}
}

// deleteAll deletes the roots, oldest first, in batches: a new look at the repository comes between two. The first
// deletions go alone until one is accepted: they show whether the registry deletes at all, and where it does not, one
// request has asked instead of one for each worker.
func (e *execution) deleteAll(ctx context.Context, roots []oci.Digest) {
	for len(roots) > 0 && e.goesOn(ctx) {
		if !e.look(ctx) {
			return
		}
		if !e.answered {
			e.delete(ctx, roots[0])
			roots = roots[1:]
			continue
		}
		roots = e.spread(ctx, roots, func(begun int) bool { return begun == 0 || !e.stale() }, func(d oci.Digest) { e.delete(ctx, d) })
	}
}

// spread works on the digests in their order, several at a time, as long as the run goes on and more, which is told how
// many have been begun, says so. It returns those that are left. A goroutine works on many digests: the stack of one that
// sends a single request is grown several times over for it.
func (e *execution) spread(ctx context.Context, digests []oci.Digest, more func(begun int) bool, work func(oci.Digest)) []oci.Digest {
	var mu sync.Mutex
	begun := 0
	next := func() (oci.Digest, bool) {
		mu.Lock()
		defer mu.Unlock()
		if begun == len(digests) || !e.goesOn(ctx) || !more(begun) {
			return "", false
		}
		begun++
		return digests[begun-1], true
	}
	group := &errgroup.Group{}
	for range min(len(digests), cmp.Or(e.options.Workers, DefaultWorkers)) {
		group.Go(func() error {
			for d, ok := next(); ok; d, ok = next() {
				work(d)
			}
			return nil
		})
	}
	_ = group.Wait() // outcomes carry the errors
	return digests[begun:]
}

// goesOn reports whether another root may be begun, and notes a cancel.
func (e *execution) goesOn(ctx context.Context) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.drains {
		return !e.broken && ctx.Err() == nil
	}
	if e.err == nil && ctx.Err() != nil {
		e.err = context.Cause(ctx)
	}
	return e.err == nil
}

func (e *execution) stale() bool {
	most := cmp.Or(e.options.LookEvery, max(time.Minute, 10*e.lookTook))
	return time.Since(e.looked) > most
}

// look looks at the repository again when the latest look is too old.
func (e *execution) look(ctx context.Context) bool {
	return !e.looked.IsZero() && !e.stale() || e.lookNow(ctx)
}

// given is what a look takes for granted: doomed tags that are looked at right before they are removed, and "" for those
// that are gone.
func (e *execution) given() map[string]oci.Digest {
	out := maps.Clone(e.untagging)
	for _, d := range e.deletions {
		gone := e.removed[d.Image.Digest]
		if e.done(d.Image.Digest) {
			gone = d.Image.Tags
		}
		for _, t := range gone {
			out[t] = ""
		}
	}
	return out
}

// lookNow reads the repository again, spares what something has come to depend on, and notes what has lost all its
// tags. When it cannot be read, nothing more is deleted.
func (e *execution) lookNow(ctx context.Context) bool {
	begun := time.Now()
	later, err := e.target.Refresh(ctx, e.plan.Snapshot(), e.given())
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil && !e.drains: // which says nothing of the registry
		e.err = cmp.Or(e.err, context.Cause(ctx))
		return false
	case err != nil:
		e.err, e.broken = fmt.Errorf("look again before deleting: %w", err), true
		return false
	}
	e.looked, e.lookTook = time.Now(), time.Since(begun)
	for d, why := range e.plan.Recheck(later) {
		e.spared[d] = why
	}
	e.emptied = !e.plan.KeepsAny(later)
	has := map[oci.Digest]bool{}
	for _, i := range later.Images {
		has[i.Digest] = len(i.Tags) > 0
		for _, t := range i.Tags {
			if slices.Contains(e.removed[i.Digest], t) {
				e.spared[i.Digest] = "needed by tag " + t + ", which points to it again after its removal"
			}
		}
	}
	for d := range e.tagged {
		e.tagged[d] = has[d]
	}
	return true
}

// delete deletes one digest, and then what waited for it.
func (e *execution) delete(ctx context.Context, d oci.Digest) {
	if !e.claim(d) {
		return
	}
	res := e.target.Delete(ctx, []oci.Image{e.image[d]})[0]
	e.record(ctx, d, res.Existed, res.Err)
	if res.Err != nil {
		return
	}
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = draining(ctx)
		defer cancel()
	}
	for _, next := range e.after[d] {
		e.delete(ctx, next)
	}
}

// claim reserves a digest for one goroutine. It is refused while something speaks against the deletion.
func (e *execution) claim(d oci.Digest) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.claimed[d] || e.spared[d] != "" || !e.ready(d) || e.broken {
		return false
	}
	e.claimed[d] = true
	return true
}

// ready reports whether everything that must go before the digest has gone.
func (e *execution) ready(d oci.Digest) bool {
	return !slices.ContainsFunc(e.before[d], func(b oci.Digest) bool { return !e.done(b) })
}

// record notes what became of a deletion.
func (e *execution) record(ctx context.Context, d oci.Digest, existed bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.learn(ctx, err)
	switch {
	case err == nil && existed:
		e.outcomes[d] = Outcome{Status: Deleted}
	case err == nil:
		e.outcomes[d] = Outcome{Status: Gone}
	case errors.Is(err, registry.ErrNotSent): // whatever has lost its tags is tried once more before the run ends
		delete(e.claimed, d)
		return
	case len(e.before[d]) > 0 && errors.Is(err, registry.ErrInUse):
		e.outcomes[d] = Outcome{Skipped, "the registry says that it is still referred to: " + err.Error()}
	default:
		e.outcomes[d] = Outcome{Failed, err.Error()}
	}
	e.tagged[d] = e.tagged[d] && !e.done(d)
	e.step()
}

// step counts a step and calls Progress.
func (e *execution) step() {
	e.steps++
	if e.options.Progress == nil {
		return
	}
	all := len(e.deletions)
	if e.method != ByDigest {
		all += e.tags
	}
	e.options.Progress(e.steps, all)
}

// maxFailures is how many deletions in a row may fail, each after its own retries, before the registry counts as
// broken: it is not asked a thousand times more.
const maxFailures = 5

// learn draws from the answer to one deletion whether the others are worth trying.
func (e *execution) learn(ctx context.Context, err error) {
	switch {
	case err == nil:
		e.answered, e.failures = true, 0
	case e.broken, errors.Is(err, registry.ErrInUse) && e.answered:
	case ctx.Err() != nil:
		e.err = cmp.Or(e.err, context.Cause(ctx))
	case stops(err), !e.answered && errors.Is(err, registry.ErrForbidden):
		e.err, e.broken = err, true
	default:
		if e.failures++; e.failures >= maxFailures {
			e.broken = true
			e.err = fmt.Errorf("%d deletions in a row failed, the last one: %w", e.failures, err)
		}
	}
}

// whyNot says why a deletion was not tried.
func (e *execution) whyNot(d oci.Digest) string {
	switch {
	case e.spared[d] != "" && len(e.removed[d]) > 0:
		return fmt.Sprintf("%s; these tags of it were removed before that: %s", e.spared[d], strings.Join(e.removed[d], ", "))
	case e.spared[d] != "":
		return e.spared[d]
	case e.journaled && e.stranded(d, map[oci.Digest]bool{}):
		return "nothing leads to it any more; the journal has it, and the next run deletes it"
	case !e.ready(d):
		return "what it belongs to was not deleted"
	case e.err != nil:
		return "not tried: " + e.err.Error()
	}
	return "nothing that leads to it was deleted"
}

package prune

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	// Traits are the registry's, which decide the order.
	Traits registry.Traits
	// Journal remembers what has begun; nil leaves only [ByDigest].
	Journal Journal
	// LookEvery is how old the latest look at the repository may be when a deletion begins; 0 means a minute, or ten
	// times what a look takes when that is longer, so that looking does not become the work.
	LookEvery time.Duration
	// Now is the clock that looks and deletions are timed by; nil is [time.Now].
	Now func() time.Time
	// Progress is called after each step, a tag removed or a deletion settled, from several goroutines but never at the
	// same time; nil is not called.
	Progress func(done, all int)
}

// lookBackTime is how long a cancelled execution may take for its last look.
const lookBackTime = 3 * time.Second

// DefaultWorkers is how many deletions run in parallel at most. The repository may adapt below it.
const DefaultWorkers = 128

// Execute deletes what the plan says and returns one outcome for each deletion, whatever happens. Before the first
// deletion, and again now and then, it looks at the repository and keeps what something has come to depend on; before
// parts of what is deleted it looks each time, and once more in the end. An error that no further deletion can survive
// ends the execution, as a cancel does; what was not tried is skipped. A cancelled execution finishes what it has begun
// until the context's drain ends, see [registry.WithDrain].
func Execute(ctx context.Context, p retain.Plan, t Target, o Options) Result {
	if len(p.Refusals) > 0 {
		res := Skip(p, "refused: "+p.Refusals[0].Detail)
		res.Err = fmt.Errorf("%w: %s", ErrRefused, p.Refusals[0].Detail)
		return res
	}
	drain, cancel := registry.Drain(ctx)
	defer cancel()
	ctx = registry.WithDrain(ctx, drain)
	e := newExecution(p, t, o)
	e.restoreTags(ctx)
	if len(p.Deletions()) > 0 {
		if err := e.choose(ctx); err != nil {
			e.health.fails(err)
			e.method = ""
		} else {
			e.run(ctx)
		}
	}
	back := registry.WithDrain(drain, drain)
	if ctx.Err() != nil { // whoever has cancelled waits
		var stop context.CancelFunc
		back, stop = context.WithTimeout(back, lookBackTime)
		defer stop()
	}
	return e.end(back)
}

func newExecution(p retain.Plan, t Target, o Options) *execution {
	e := &execution{
		plan: p, target: t, options: o, health: &health{}, looks: &lookout{removing: map[string]oci.Digest{}}, tags: newRestoring(p),
	}
	e.ledger = newLedger(dependenciesOf(p.Deletions(), o.Traits.AttachmentsFirst), e.progress)
	e.ledger.know(p)
	e.tags.ghosts = e.ghostsOfEarlierRuns()
	return e
}

// end looks back, closes the journal, and returns what has become of each deletion.
func (e *execution) end(ctx context.Context) Result {
	e.lookBack(ctx)
	e.closeJournal()
	for _, d := range e.plan.Deletions() {
		if _, decided := e.ledger.outcomes[d.Image.Digest]; !decided {
			e.ledger.outcomes[d.Image.Digest] = Outcome{Skipped, e.whyNot(d.Image.Digest)}
		}
	}
	return Result{
		Outcomes: e.ledger.outcomes, Err: e.health.err, Method: e.method, Unfinished: e.unfinished, Warnings: e.warnings,
		Untagged: e.untagged(), Broken: e.broken, Why: e.why(),
	}
}

// execution is the state of one Execute.
type execution struct {
	plan    retain.Plan
	target  Target
	options Options
	method  Method

	ledger *ledger
	health *health
	looks  *lookout
	tags   restoring
	trial  *trial // of the deletion by digest, where another method may follow; nil otherwise

	removing    int        // tags that are removed by themselves
	journaled   bool       // all deletions are written down
	placeholder oci.Digest // that tags are pointed at and that is perhaps there; "" when it is not
	unfinished  []oci.Digest
	warnings    []string
	broken      []Broken
}

// run deletes everything by the method that was chosen, or by the one that takes over. What has lost its tags is in no
// listing, so a cancelled run still deletes that before it ends.
func (e *execution) run(ctx context.Context) {
	roots := e.ledger.roots
	if e.method == ByDigest {
		if roots = e.deleteAll(ctx, roots, e.health.begins); e.method == ByDigest {
			return
		}
	} else if e.watchTags(0); !e.health.begins(ctx) || !e.look(ctx) {
		return
	}
	roots = e.removeTags(ctx, roots)
	drain, cancel := registry.Drain(ctx)
	defer cancel()
	e.deleteAll(registry.WithDrain(drain, drain), roots, e.health.finishes)
	e.health.begins(ctx) // notes a cancel
}

func (e *execution) warn(format string, args ...any) {
	e.warnings = append(e.warnings, fmt.Sprintf(format, args...))
}

// progress tells of a step.
func (e *execution) progress(done int) {
	if e.options.Progress == nil {
		return
	}
	all := len(e.ledger.images)
	if e.method != ByDigest {
		all += e.removing
	}
	e.options.Progress(done, all)
}

// tags counts the tags of what is deleted.
func (d dependencies) tags() int {
	n := 0
	for _, i := range d.images {
		n += len(i.Tags)
	}
	return n
}

// whyNot says why a deletion was not tried.
func (e *execution) whyNot(d oci.Digest) string {
	l := e.ledger
	switch {
	case l.kept[d] != "" && len(l.removed[d]) > 0:
		return fmt.Sprintf("%s; these tags of it were removed before that: %s", l.kept[d], strings.Join(l.removed[d], ", "))
	case l.kept[d] != "":
		return l.kept[d]
	case e.journaled && l.stranded(d, e.looks.emptied):
		return "nothing leads to it any more; the journal has it, and the next run deletes it"
	case !l.ready(d):
		return "what it belongs to was not deleted"
	case e.health.err != nil:
		return "not tried: " + e.health.err.Error()
	}
	return "nothing that leads to it was deleted"
}

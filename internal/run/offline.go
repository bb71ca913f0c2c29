package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
)

// ErrNotDistribution is returned for --delete-by offline on a kind of registry whose storage is not known.
var ErrNotDistribution = &registry.Kind{
	Text:   "--delete-by offline knows the storage of CNCF distribution alone",
	Advice: "leave --delete-by out: auto takes what works there",
}

// finishOffline carries out the plans of tasks that are all made: what is to be deleted goes from the storage while the
// registry is stopped, right before its garbage collection.
func (p *pruner) finishOffline(ctx context.Context, tasks []*task) {
	var doomed []*task
	n := 0
	for _, t := range tasks {
		if t.deletes() && t.traits.Kind != "distribution" {
			t.outcome.Err = ErrNotDistribution
			t.skip(ErrNotDistribution)
		}
		if t.deletes() {
			doomed = append(doomed, t)
			n += len(t.outcome.Plan.Deletions())
			continue
		}
		p.finish(ctx, t)
	}
	if minimum := max(p.GC.MinDeleted, 1); len(doomed) > 0 && n < minimum {
		for _, t := range doomed {
			t.skip(fmt.Errorf("%s to be deleted, and a collection needs at least %d (--gc-min-deleted)", manifests(n), minimum))
			p.finish(ctx, t)
		}
		return
	}
	if len(doomed) > 0 {
		p.removeOffline(ctx, tasks, doomed)
	}
}

func manifests(n int) string {
	if n == 1 {
		return "1 manifest is"
	}
	return fmt.Sprintf("%d manifests are", n)
}

// removeOffline runs the garbage collection, which removes before it begins, and records what has become of the plans.
func (p *pruner) removeOffline(ctx context.Context, tasks, doomed []*task) {
	c := &collector{GCJob: *p.GC, World: p.World, host: doomed[0].outcome.Name.Host}
	for _, t := range tasks {
		if k := keptBy(t); len(k.images) > 0 {
			c.kept = append(c.kept, k)
		}
	}
	r := newRemover(p, doomed)
	c.Options.Remover = r
	if cause := context.Cause(ctx); cause != nil {
		p.summary.GC = &gc.Result{Via: p.GC.Via, Mode: p.GC.Options.Mode, Skipped: cause.Error()}
	} else {
		p.summary.GC = c.collect(ctx)
	}
	why := p.summary.GC.Skipped
	if err := p.summary.GC.Err; err != nil {
		why = err.Error()
	}
	back, cancel := lookBack(ctx)
	defer cancel()
	inParallel(len(r.tasks), func(i int) {
		defer r.tasks[i].close()
		r.tasks[i].record(r.removals[i].End(back, why))
		p.tell(RepositoryDone{r.tasks[i].outcome})
	})
}

// lookBackTime is how long a cancelled run may take to look at all repositories once more, when the registry serves again. The
// start of the registry may have taken longer than the drain.
const lookBackTime = 3 * time.Second

// lookBack returns the context of the last looks.
func lookBack(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return ctx, func() {}
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookBackTime)
	return registry.WithDrain(back, back), cancel
}

// keptBy are the images of a repository that must be complete after a garbage collection that deletes images first: those
// that its plan keeps.
func keptBy(t *task) keptImages {
	if !t.deletes() {
		return survivors(t.outcome)
	}
	out := keptImages{repository: t.outcome.Name}
	for _, d := range t.outcome.Plan.Decisions {
		if d.Verdict == retain.Keep {
			out.images = append(out.images, d.Image)
		}
	}
	return out
}

// remover is what a garbage collection removes: it hands each repository over to the removal that belongs to it.
type remover struct {
	tasks    []*task
	removals []*prune.Removal
	at       map[string]int // the place of a repository by its path
}

func newRemover(p *pruner, tasks []*task) *remover {
	r := &remover{tasks: tasks, at: map[string]int{}}
	for i, t := range tasks {
		journal := t.journal
		if journal != nil && journal.Second() {
			journal = nil
		}
		name := t.outcome.Name
		r.at[name.Path] = i
		r.removals = append(r.removals, prune.NewRemoval(*t.outcome.Plan, t.repository, prune.Options{
			Journal: journal.ofPrune(), Traits: t.traits,
			Progress: func(done, all int) { p.tell(Progress{name.String(), "deletions", done, all}) },
		}))
	}
	return r
}

// Paths are the repositories of the plans.
func (r *remover) Paths() []string {
	var out []string
	for _, t := range r.tasks {
		out = append(out, t.outcome.Name.Path)
	}
	return out
}

// Look looks at all repositories for the last time.
func (r *remover) Look(ctx context.Context, stored []gc.Stored) bool {
	some := make([]bool, len(stored))
	inParallel(len(stored), func(i int) {
		some[i] = r.removals[r.at[stored[i].Path]].Look(ctx, storedOf(stored[i]))
	})
	return slices.Contains(some, true)
}

func storedOf(s gc.Stored) prune.Stored {
	return prune.Stored{Tags: s.Tags, Manifests: s.Manifests, Rewritten: s.Rewritten, Odd: s.Odd}
}

// Choose compares a repository at rest with the last look.
func (r *remover) Choose(atRest gc.Stored) gc.Removal {
	tags, levels := r.removals[r.at[atRest.Path]].Choose(storedOf(atRest))
	return gc.Removal{Tags: tags, Levels: levels}
}

// notTried is the outcome of what comes after a failure.
const notTried = "not tried, because something else in the repository could not be removed"

// Settle hands over what has become of a tag or manifest.
func (r *remover) Settle(path string, e gc.Removed) {
	removal := r.removals[r.at[path]]
	why := e.Why
	if e.Status == gc.RemovalFailed {
		why = cmp.Or(why, "it is still in the storage; may the user of --gc-via write to it?")
	}
	if e.Tag != "" {
		removal.SettleTag(e.Tag, e.Status == gc.RemovalDone || e.Status == gc.RemovalGone, why)
		return
	}
	removal.Settle(e.Digest, map[gc.RemovalStatus]prune.Outcome{
		gc.RemovalDone: {Status: prune.Deleted}, gc.RemovalGone: {Status: prune.Gone},
		gc.RemovalFailed: {Status: prune.Failed, Detail: why}, gc.RemovalSkipped: {Status: prune.Skipped, Detail: notTried},
	}[e.Status])
}

package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// maxParallelRepositories is how many repositories are pruned at the same time. On a fast network, one is enough to keep a
// registry busy. On a slow network, the steps of each repository wait for answers. The requests of all repositories share
// the limits of their registry.
const maxParallelRepositories = 4

// Prune prunes the repositories of a job and returns what it did. An error in one repository does not stop the
// others; errors are in the summary. The caller sets ExitCode, Policy and CI of the summary.
func Prune(ctx context.Context, job Job, w World) report.Summary {
	if job.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, job.Timeout, report.ErrTimeout)
		defer cancel()
	}
	sum := report.Summary{DryRun: job.DryRun, Started: w.Now().UTC()}
	p := &pruner{Job: job, World: w, summary: &sum}
	names := p.expand(ctx)
	names, sum.Shard = share(names, job.Shard)
	if sum.Shard.Total > 0 {
		w.tell(ShardChosen{sum.Shard, len(names)})
	}
	done := make([]report.Outcome, len(names))
	group := &errgroup.Group{}
	group.SetLimit(maxParallelRepositories)
	for i, name := range names {
		group.Go(func() error {
			done[i] = p.prune(ctx, name)
			w.tell(RepositoryDone{done[i]})
			return nil
		})
	}
	_ = group.Wait() // the summary carries the errors
	sum.Repositories = append(sum.Repositories, done...)
	sum.Cause = context.Cause(ctx)
	if errors.Is(sum.Cause, report.ErrTimeout) && len(sum.Repositories) > 0 && !slices.ContainsFunc(sum.Repositories, wasRead) {
		sum.Cause = ErrNothingRead
	}
	sum.Elapsed = w.Now().Sub(sum.Started)
	p.collect(ctx)
	return sum
}

// pruner is the state of a prune.
type pruner struct {
	Job
	World
	summary *report.Summary
}

// expand returns the repositories that the names of the job match, each of them once. If a pattern cannot be expanded, the
// summary has it as a repository that was not read.
func (p *pruner) expand(ctx context.Context) []oci.Repository {
	var names []oci.Repository
	for _, asked := range p.Images.Repositories {
		found, err := p.World.expand(ctx, asked)
		if err != nil {
			r := unread(ctx, report.Outcome{Name: asked}, err)
			p.summary.Repositories = append(p.summary.Repositories, r)
			p.tell(RepositoryDone{r})
		}
		for _, name := range found {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// prune reads, plans and executes for one repository.
func (p *pruner) prune(ctx context.Context, name oci.Repository) report.Outcome {
	out := report.Outcome{Name: name}
	if ctx.Err() != nil {
		out.Err = fmt.Errorf("%w: %w", ErrNotLookedAt, context.Cause(ctx))
		return out
	}
	rules, err := p.Policy(name)
	if err != nil {
		out.Err = err
		return out
	}
	out.Policy = rules.String()
	client, err := p.Open(name.Host)
	if err != nil {
		out.Err = err
		return out
	}
	repository := client.Repository(name.Path)
	journal, warnings := openJournal(p.State, name)
	out.Warnings = warnings
	if journal != nil {
		defer journal.Close()
	}
	snapshot, pushed, err := p.read(ctx, repository, name, rules, journal.Unfinished())
	if err != nil {
		return unread(ctx, out, err)
	}
	plan := retain.Decide(snapshot, rules, retain.Context{Pushed: pushed, Pending: journal.Unfinished()}, p.summary.Started)
	out.Plan, out.Pushed = &plan, pushed
	p.execute(ctx, &out, repository, client.Traits(), journal)
	return out
}

// read reads the repository, including what no listing shows: what the pipeline pushed by digest, images in use, and
// deletions that an earlier run did not finish.
func (p *pruner) read(ctx context.Context, r registry.Repository, name oci.Repository, rules retain.Policy, unfinished []oci.Digest) (oci.Snapshot, []oci.Pushed, error) {
	pushed := p.Images.To(name)
	// The ID of an image is the digest of its config. Only a manifest names it.
	byDigest := slices.ContainsFunc(pushed, func(p oci.Pushed) bool { return p.Digest != "" })
	return snapshotWithPushed(pushed, func(pushed []oci.Pushed) (oci.Snapshot, error) {
		digests := append(namedDigests(pushed, rules, name), unfinished...)
		return r.Snapshot(ctx, registry.Query{Digests: digests, SkipDates: rules.NamesOnly() && p.GC == nil && !byDigest})
	})
}

// execute executes the plan of one repository, unless it was refused or the run is a dry run.
func (p *pruner) execute(ctx context.Context, out *report.Outcome, r registry.Repository, traits registry.Traits, journal *journal) {
	plan := *out.Plan
	switch {
	case len(plan.Refusals) > 0:
		out.Outcomes = prune.Skip(plan, "refused").Outcomes
		return
	case p.DryRun:
		out.Outcomes = prune.Dry(plan).Outcomes
		return
	}
	method := p.Method
	if journal == nil && p.State != nil { // another run uses it, or it cannot be read; a warning says so
		method = prune.ByDigest
	}
	name := out.Name.String()
	result := prune.Execute(ctx, plan, r, prune.Options{
		Workers: p.Workers, Method: method, Journal: journal.ofPrune(), Traits: traits,
		Progress: func(done, all int) { p.tell(Progress{name, "deletions", done, all}) },
	})
	out.Outcomes, out.Way, out.Unfinished, out.Err = result.Outcomes, result.Method, result.Unfinished, result.Err
	out.Untagged, out.Broken = result.Untagged, result.Broken
	forget(r, plan, result)
	out.Warnings = append(out.Warnings, result.Warnings...)
	if errors.Is(result.Err, report.ErrTimeout) { // not a failure: the user asked for it, and the next run continues
		out.Warnings = append(out.Warnings, fmt.Sprintf("%v; %s not tried", report.ErrTimeout, deletions(skipped(result))))
		out.Err = nil
	}
}

// unread notes that a repository was not read. If --timeout ended the reading, this is not a failure, and neither is it for
// the repositories after this one: a run over a whole registry is always reading some repository. A run that has read no
// repository ends with [ErrNothingRead].
func unread(ctx context.Context, out report.Outcome, err error) report.Outcome {
	out.Err = err
	if errors.Is(context.Cause(ctx), report.ErrTimeout) && (errors.Is(err, report.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)) {
		out.Err = report.ErrTimeout
	}
	return out
}

// wasRead reports whether a repository was read, so that it has a plan.
func wasRead(r report.Outcome) bool { return r.Plan != nil }

func deletions(n int) string {
	if n == 1 {
		return "1 deletion"
	}
	return fmt.Sprintf("%d deletions", n)
}

// skipped counts the deletions that were not tried, of images and of their parts.
func skipped(r prune.Result) int {
	n := 0
	for _, o := range r.Outcomes {
		if o.Status == prune.Skipped {
			n++
		}
	}
	return n
}

// forget removes deleted images from what the next run remembers.
func forget(r registry.Repository, p retain.Plan, result prune.Result) {
	digests, tags := map[oci.Digest]bool{}, map[string]bool{}
	for _, d := range p.Deletions() {
		if s := result.Outcomes[d.Image.Digest].Status; s == prune.Deleted || s == prune.Gone {
			digests[d.Image.Digest] = true
			for _, t := range d.Image.Tags {
				tags[t] = true
			}
		}
	}
	if cache, has := r.(registry.Cache); has && len(digests) > 0 {
		cache.Forget(digests, tags)
	}
}

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
		ctx, cancel = w.deadline(ctx, job.Timeout)
		defer cancel()
	}
	ctx, end := w.withDrain(ctx)
	defer end()
	sum := report.Summary{DryRun: job.DryRun, Started: w.Now().UTC()}
	p := &pruner{Job: job, World: w, summary: &sum}
	names := p.expand(ctx)
	names, sum.Shard = share(names, job.Shard)
	if sum.Shard.Total > 0 {
		w.tell(ShardChosen{sum.Shard, len(names)})
	}
	p.listUntaggedOf(ctx, names)
	sum.Repositories = append(sum.Repositories, p.work(ctx, names)...)
	if sum.Cause == nil {
		sum.Cause = context.Cause(ctx)
	}
	if errors.Is(sum.Cause, report.ErrTimeout) && len(sum.Repositories) > 0 && !slices.ContainsFunc(sum.Repositories, wasRead) {
		sum.Cause = ErrNothingRead
	}
	sum.Elapsed = w.Now().Sub(sum.Started)
	p.collectAfterPrune(ctx)
	return sum
}

// pruner is the state of a prune.
type pruner struct {
	Job
	World
	summary *report.Summary
	// untagged is what the storage says of manifests without a tag; nil when nobody asked it.
	untagged *storageList
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

// work plans and executes for each repository: for one after the other, or where the plans must be confirmed or carried out
// while the registry is stopped, first all plans and then all executions.
func (p *pruner) work(ctx context.Context, names []oci.Repository) []report.Outcome {
	tasks := make([]*task, len(names))
	offline := p.Method == prune.Offline && !p.DryRun && p.GC != nil
	if p.Confirm == nil && !offline {
		inParallel(len(names), func(i int) {
			tasks[i] = p.plan(ctx, names[i])
			p.finish(ctx, tasks[i])
		})
		return p.outcomes(tasks)
	}
	inParallel(len(names), func(i int) {
		tasks[i] = p.plan(ctx, names[i])
		tasks[i].close() // somebody may think for long, and of many repositories
	})
	if p.Confirm != nil && !p.confirmed(ctx, tasks) {
		p.summary.Cause = ErrDeclined
		if cause := context.Cause(ctx); errors.Is(cause, report.ErrTimeout) {
			p.summary.Cause = cause
		}
		for _, t := range tasks {
			t.skip(p.summary.Cause)
		}
	}
	inParallel(len(tasks), func(i int) {
		if tasks[i].planned() {
			tasks[i].reopen(p.State)
		}
		if !offline {
			p.finish(ctx, tasks[i])
		}
	})
	if offline {
		p.finishOffline(ctx, tasks)
	}
	return p.outcomes(tasks)
}

// confirmed asks whether to carry out the plans, if that would delete anything.
func (p *pruner) confirmed(ctx context.Context, tasks []*task) bool {
	plan := *p.summary
	plan.DryRun, plan.Repositories = true, slices.Clone(plan.Repositories)
	for _, t := range tasks {
		out := t.outcome
		if t.planned() {
			out.Outcomes = prune.Dry(*out.Plan).Outcomes
		}
		plan.Repositories = append(plan.Repositories, out)
	}
	plan.Elapsed = p.Now().Sub(plan.Started)
	return p.DryRun || !slices.ContainsFunc(tasks, (*task).deletes) || p.Confirm(ctx, plan)
}

// inParallel calls do with the numbers below n, a few at the same time.
func inParallel(n int, do func(i int)) {
	group := &errgroup.Group{}
	group.SetLimit(maxParallelRepositories)
	for i := range n {
		group.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = group.Wait() // the outcomes carry the errors
}

// plan reads and decides for one repository.
func (p *pruner) plan(ctx context.Context, name oci.Repository) *task {
	t := &task{outcome: report.Outcome{Name: name}}
	if ctx.Err() != nil {
		return t.fail(fmt.Errorf("%w: %w", ErrNotLookedAt, context.Cause(ctx)))
	}
	rules, err := p.Policy(name)
	if err != nil {
		return t.fail(err)
	}
	t.outcome.Policy = rules.String()
	client, err := p.Open(name.Host)
	if err != nil {
		return t.fail(err)
	}
	t.repository, t.traits = client.Repository(name.Path), client.Traits()
	t.reopen(p.State)
	list, err := p.listFor(rules, t.traits)
	if err != nil {
		return t.fail(cancelled(err))
	}
	reading := registry.WithProgress(ctx, func(done, all int) { p.tell(Progress{name.String(), "reads", done, all}) })
	snapshot, pushed, err := p.read(reading, t.repository, name, rules, slices.Concat(t.journal.Unfinished(), list.candidates(name)))
	t.recognize(client)
	if err == nil {
		err = list.apply(&snapshot)
	} else if list.leaves(name, err) {
		return t.leave(list.Candidates(name.Path))
	}
	if err != nil {
		t.outcome = unread(ctx, t.outcome, p.advise(name, err))
		return t
	}
	if advice := p.absent(name); advice != "" && len(snapshot.Images) == 0 {
		t.outcome.Warnings = append(t.outcome.Warnings, "the repository holds no image; "+advice)
	}
	known := retain.Context{Pushed: pushed, Pending: t.journal.Unfinished(), Begun: t.journal.Begun()}
	plan, snapshot, err := prune.Plan(ctx, t.repository, snapshot, func(s oci.Snapshot) retain.Plan {
		return retain.Decide(s, rules, known, p.summary.Started)
	})
	if err != nil {
		t.outcome = unread(ctx, t.outcome, err)
		return t
	}
	if p.Explain != "" {
		if e, found := retain.Explain(snapshot, rules, known, p.summary.Started, p.Explain); found {
			t.explained = &report.Explained{Repository: name, Explanation: e}
		}
	}
	t.outcome.Plan, t.outcome.Pushed = &plan, pushed
	t.outcome.Warnings = append(t.outcome.Warnings, snapshot.Warnings...)
	if rules.NeedsPushTimes() && !t.traits.PushTime {
		t.outcome.Warnings = append(t.outcome.Warnings, fmt.Sprintf("a registry of the kind %s does not say when an image was pushed, and the policy asks for that: see docs/registries.md", t.traits.Kind))
	}
	if len(plan.Refusals) > 0 {
		t.outcome.Outcomes = prune.Skip(plan, "refused").Outcomes
	}
	return t
}

// absent returns what helps where a repository is not there.
func (p *pruner) absent(name oci.Repository) string {
	if p.Absent == nil {
		return ""
	}
	return p.Absent(name)
}

// advise says of a repository that the registry does not know what helps, where something does.
func (p *pruner) advise(name oci.Repository, err error) error {
	if advice := p.absent(name); advice != "" && errors.Is(err, registry.ErrUnknownRepository) {
		return registry.Advise(err, nil, advice)
	}
	return err
}

// finish carries out the plan of a task, if it has one, and tells what became of it.
func (p *pruner) finish(ctx context.Context, t *task) {
	defer t.close()
	if t.planned() {
		p.execute(ctx, t)
	}
	p.tell(RepositoryDone{t.outcome})
}

// read reads the repository, including what no listing shows: what the pipeline pushed by digest, images in use, and what is
// named, such as deletions that an earlier run did not finish.
func (p *pruner) read(ctx context.Context, r registry.Repository, name oci.Repository, rules retain.Policy, named []oci.Digest) (oci.Snapshot, []oci.Pushed, error) {
	pushed := p.Images.To(name)
	// The ID of an image is the digest of its config. Only a manifest names it.
	byDigest := slices.ContainsFunc(pushed, func(p oci.Pushed) bool { return p.Digest != "" })
	return snapshotWithPushed(pushed, func(pushed []oci.Pushed) (oci.Snapshot, error) {
		digests := append(namedDigests(pushed, rules, name), named...)
		return r.Snapshot(ctx, registry.Query{
			Digests: digests, Untagged: !rules.Untagged.IsZero(),
			SkipDates: !rules.NeedsBuildDates() && p.GC == nil && !byDigest, Dates: p.untagged.dates(name, rules),
		})
	})
}

// execute deletes what the plan of a task says.
func (p *pruner) execute(ctx context.Context, t *task) {
	plan, out := *t.outcome.Plan, &t.outcome
	if p.DryRun {
		out.Outcomes = prune.Dry(plan).Outcomes
		return
	}
	method := p.Method
	if p.State != nil && (t.journal == nil || t.journal.Second()) { // a warning says why
		method = prune.ByDigest
	}
	name := out.Name.String()
	result := prune.Execute(ctx, plan, t.repository, prune.Options{
		Workers: p.Workers, Method: method, Journal: t.journal.ofPrune(), Traits: t.traits,
		Progress: func(done, all int) { p.tell(Progress{name, "deletions", done, all}) },
	})
	t.record(result)
}

// record takes over the result of an execution.
func (t *task) record(result prune.Result) {
	plan, out := *t.outcome.Plan, &t.outcome
	out.Outcomes, out.Method, out.Unfinished, out.Err = result.Outcomes, result.Method, result.Unfinished, result.Err
	out.Untagged, out.Broken, out.Why = result.Untagged, result.Broken, result.Why
	forget(t.repository, plan, result)
	out.Warnings = append(out.Warnings, result.Warnings...)
	begun := slices.ContainsFunc(result.Unfinished, func(d oci.Digest) bool { return !slices.Contains(t.unfinished, d) })
	if errors.Is(result.Err, report.ErrTimeout) && !begun { // not a failure: the user asked for it, and the next run continues
		out.Warnings = append(out.Warnings, fmt.Sprintf("%v; %s not tried", report.ErrTimeout, deletions(skipped(result))))
		out.Err = nil
	}
	out.Err = cancelled(out.Err)
}

// cancelled says of an error that a cancel is its cause, whose own text names a signal.
func cancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("cancelled: %w", err)
	}
	return err
}

// unread notes that a repository was not read. If --timeout ended the reading, this is not a failure, and neither is it for
// the repositories after this one: a run over a whole registry is always reading some repository. A run that has read no
// repository ends with [ErrNothingRead].
func unread(ctx context.Context, out report.Outcome, err error) report.Outcome {
	out.Err = err
	if errors.Is(context.Cause(ctx), report.ErrTimeout) && (errors.Is(err, report.ErrTimeout) || errors.Is(err, ctx.Err())) {
		out.Err = report.ErrTimeout
	}
	out.Err = cancelled(out.Err)
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

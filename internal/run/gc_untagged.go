package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/report"
)

// GCUntagged deletes the manifests of a registry that no tag leads to, by digest, and runs the garbage collection then. The
// repositories of the job are those that it is about, and must be complete afterwards; without one it is about all that the
// registry's storage names. The job needs GC with ListUntagged, and a policy that gives up untagged manifests. The caller
// sets ExitCode, Policy and CI of the summary.
func GCUntagged(ctx context.Context, job Job, host string, w World) report.Summary {
	ctx, end := w.withDrain(ctx)
	defer end()
	sum := report.Summary{DryRun: job.DryRun, Started: w.Now().UTC()}
	p := &pruner{Job: job, World: w, summary: &sum}
	c := &collector{GCJob: *job.GC, World: w, host: host}
	names, err := p.chooseUntagged(ctx, c)
	if err != nil {
		sum.GC = &gc.Result{Via: job.GC.Via, Mode: job.GC.Options.Mode, Err: cancelled(err)}
		sum.Elapsed = w.Now().Sub(sum.Started)
		return sum
	}
	p.Events = countRepositories(w, host, len(names))
	sum.Repositories = p.work(ctx, names)
	if sum.Cause == nil {
		sum.Cause = context.Cause(ctx)
	}
	sum.Elapsed = w.Now().Sub(sum.Started)
	if sum.Cause != nil {
		sum.GC = &gc.Result{Via: job.GC.Via, Mode: job.GC.Options.Mode, Skipped: sum.Cause.Error()}
		return sum
	}
	for _, r := range sum.Repositories {
		var disagreement *DisagreementError
		if errors.As(r.Err, &disagreement) {
			sum.GC = &gc.Result{Via: job.GC.Via, Mode: job.GC.Options.Mode, Skipped: fmt.Sprintf("%s: %v", r.Name, r.Err)}
			return sum
		}
		named := len(job.Images.Repositories) > 0
		if k := survivors(r); len(k.images) > 0 && (named || r.Totals().Manifests > 0) {
			c.kept = append(c.kept, k)
		}
	}
	p.collect(ctx, c, 0)
	return sum
}

// chooseUntagged asks the storage, and returns the repositories that have manifests without a tag there. The images of the
// others that are named are kept.
func (p *pruner) chooseUntagged(ctx context.Context, c *collector) ([]oci.Repository, error) {
	asked := p.Images.Repositories
	var named []oci.Repository
	for _, name := range asked {
		found, err := p.World.expand(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; nothing was deleted, and nothing was stopped", name, err)
		}
		named = append(named, found...)
	}
	held, err := c.Sample(ctx)
	if err != nil && len(named) == 0 {
		return nil, fmt.Errorf("find out what the registry holds: %w; nothing was deleted, and nothing was stopped", err)
	}
	p.listUntagged(ctx, held)
	if err := p.untagged.err; err != nil {
		return nil, fmt.Errorf("%w; nothing was deleted", err)
	}
	var out []oci.Repository
	if p.untagged.all = len(asked) == 0; p.untagged.all {
		for _, path := range p.untagged.Paths() {
			out = append(out, oci.Repository{Host: c.host, Path: path})
		}
		return out, nil
	}
	var others []oci.Repository
	for _, name := range named {
		switch {
		case slices.Contains(out, name) || slices.Contains(others, name):
		case len(p.untagged.Candidates(name.Path)) > 0:
			out = append(out, name)
		default:
			others = append(others, name)
		}
	}
	if err := c.readKept(ctx, others); err != nil {
		return nil, fmt.Errorf("%w; nothing was deleted, and nothing was stopped", err)
	}
	return out, nil
}

// countRepositories adds to the events how many of the repositories are done.
func countRepositories(w World, host string, all int) func(Event) {
	var done atomic.Int64
	return func(e Event) {
		w.tell(e)
		if _, is := e.(RepositoryDone); is {
			w.tell(Progress{host, "repositories", int(done.Add(1)), all})
		}
	}
}

package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// GCJob is a garbage collection that a run has to do.
type GCJob struct {
	// Via is the target as the user wrote it.
	Via string
	// Run collects there, as [gc.Run] does.
	Run func(context.Context, gc.Client, gc.Options) gc.Result
	// ListUntagged returns what a dry run of the collection names, as [gc.ListUntagged] does; nil where that cannot be told.
	ListUntagged func(context.Context, gc.Options, []gc.Held) (gc.Listing, error)
	// Options are those of the collection; the run fills in Say.
	Options gc.Options
	// MinDeleted is how many manifests a prune must have deleted before it collects; 0 means 1.
	MinDeleted int
}

// GC runs the garbage collection of a host's registry. repositories, which may be patterns, are the ones whose images must
// be complete afterwards. The caller sets ExitCode and CI of the summary.
func GC(ctx context.Context, job GCJob, host string, repositories []oci.Repository, w World) report.Summary {
	sum := report.Summary{Started: w.Now().UTC()}
	c := &collector{GCJob: job, World: w, host: host}
	if err := c.readKept(ctx, repositories); err != nil {
		sum.GC = &gc.Result{Via: job.Via, Err: fmt.Errorf("%w; nothing was stopped", err)}
	} else {
		sum.GC = c.collect(ctx)
	}
	sum.Elapsed = w.Now().Sub(sum.Started)
	return sum
}

// collectAfterPrune runs the garbage collection after a prune, if the job has one and enough was deleted.
func (p *pruner) collectAfterPrune(ctx context.Context) {
	if p.GC == nil || p.summary.GC != nil {
		return
	}
	c := &collector{GCJob: *p.GC, World: p.World}
	for _, r := range p.summary.Repositories {
		c.host = r.Name.Host
		if k := survivors(r); len(k.images) > 0 {
			c.kept = append(c.kept, k)
		}
	}
	p.collect(ctx, c, max(p.GC.MinDeleted, 1))
}

// collect runs a garbage collection, if at least so many manifests were deleted.
func (p *pruner) collect(ctx context.Context, c *collector, minimum int) {
	deleted := p.summary.Totals().Manifests
	why := ""
	switch {
	case p.DryRun:
		why = "this is a dry run"
	case ctx.Err() != nil:
		why = context.Cause(ctx).Error()
	case deleted < minimum:
		why = fmt.Sprintf("%s deleted, and a collection needs at least %d", manifestsWere(deleted), minimum)
	}
	if why != "" {
		p.summary.GC = &gc.Result{Via: p.GC.Via, Mode: p.GC.Options.Mode, Skipped: why}
		return
	}
	began := p.Now()
	p.summary.GC = c.collect(ctx)
	p.summary.Elapsed += p.Now().Sub(began)
	if errors.Is(context.Cause(ctx), context.Canceled) {
		p.summary.Cause = context.Cause(ctx)
	}
}

func manifestsWere(n int) string {
	if n == 1 {
		return "1 manifest was"
	}
	return fmt.Sprintf("%d manifests were", n)
}

// keptImages are the images of one repository that must be complete after a garbage collection.
type keptImages struct {
	repository oci.Repository
	images     []oci.Image
}

// survivors are the images of a repository that the prune did not delete.
func survivors(r report.Outcome) keptImages {
	out := keptImages{repository: r.Name}
	if r.Plan == nil {
		return out
	}
	for _, d := range r.Plan.Decisions {
		o := r.Outcomes[d.Image.Digest].Status
		if d.Verdict == retain.Keep || (o != prune.Deleted && o != prune.Gone) {
			out.images = append(out.images, d.Image)
		}
	}
	return out
}

// collector runs a garbage collection: it has the clients of the registry, and the images that must be complete.
type collector struct {
	GCJob
	World
	host string
	kept []keptImages
}

// collect runs the garbage collection and returns its result.
func (c *collector) collect(ctx context.Context) *gc.Result {
	o := c.Options
	o.Say = func(text string) { c.tell(GCStep{Text: text}) }
	if o.Mode == gc.Live {
		c.tell(GCStep{Text: "--gc-mode live: what is pushed to the registry while it is collected can lose its layers", Warning: true})
	}
	res := c.Run(ctx, c, o)
	return &res
}

// readKept reads the images of the repositories; all of them count as kept.
func (c *collector) readKept(ctx context.Context, repositories []oci.Repository) error {
	for _, asked := range repositories {
		names, err := c.expand(ctx, asked)
		if err != nil {
			return fmt.Errorf("%s: %w", asked, err)
		}
		for _, name := range names {
			client, err := c.Open(name.Host)
			if err != nil {
				return err
			}
			snapshot, err := client.Repository(name.Path).Snapshot(ctx, registry.Query{})
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			c.kept = append(c.kept, keptImages{name, snapshot.Images})
		}
	}
	return nil
}

// Answers asks the registry once whether it answers.
func (c *collector) Answers(ctx context.Context) error {
	client, err := c.Open(c.host)
	if err != nil {
		return err
	}
	return client.Ping(ctx)
}

// Verify asks the registry for every part of the kept images.
func (c *collector) Verify(ctx context.Context) (gc.Check, error) {
	var out gc.Check
	whole := map[oci.Digest]bool{}
	for _, k := range c.kept {
		client, err := c.Open(c.host)
		if err != nil {
			return gc.Check{}, err
		}
		verifier, can := client.Repository(k.repository.Path).(registry.Verifier)
		if !can {
			return gc.Check{}, fmt.Errorf("%s: regsweep cannot verify images on this kind of registry", k.repository)
		}
		missing, err := verifier.Missing(ctx, k.images)
		if err != nil {
			return gc.Check{}, fmt.Errorf("%s: %w", k.repository, err)
		}
		out.Images += len(k.images)
		for _, i := range k.images {
			whole[i.Digest] = true
			for _, b := range i.Blobs {
				whole[b.Digest] = true
			}
		}
		for _, d := range missing {
			delete(whole, d)
			out.Missing = append(out.Missing, gc.Missing{Repository: k.repository, Digest: d})
		}
	}
	out.Digests = len(whole)
	return out, nil
}

// Sample returns a kept image of each repository, or the first repository of the catalog where none is named.
func (c *collector) Sample(ctx context.Context) ([]gc.Held, error) {
	var out []gc.Held
	for _, k := range c.kept {
		held := gc.Held{Repository: k.repository}
		if len(k.images) > 0 {
			held.Digest = k.images[0].Digest
		}
		out = append(out, held)
	}
	if len(out) > 0 {
		return out, nil
	}
	client, err := c.Open(c.host)
	if err != nil {
		return nil, err
	}
	paths, err := client.Catalog(ctx)
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	return []gc.Held{{Repository: oci.Repository{Host: c.host, Path: paths[0]}}}, nil
}

package cli

import (
	"context"
	"errors"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/run"
	"github.com/regsweep/regsweep/internal/state"
)

// untaggedFlags are the flags with which gc deletes manifests before it collects.
type untaggedFlags struct {
	Untagged    retain.Age `name:"untagged" group:"scope" placeholder:"AGE" help:"Before the collection, delete the manifests that no tag leads to any more, from this age on, such as 7d (docs/untagged.md). Default: keep them."`
	ProtectFile []string   `group:"scope" sep:"none" placeholder:"FILE" help:"With --untagged: never delete the images that this text names, such as the output of kubectl, a compose file, a Nomad job or a list. Repeatable; - is standard input."`
	DryRun      bool       `group:"run" help:"With --untagged: report the plan, delete nothing and do not collect."`
	Yes         bool       `group:"run" help:"With --untagged: do not ask for confirmation. regsweep asks only when a person runs it at a terminal, never in CI."`
	StateDir    string     `group:"run" placeholder:"DIR" help:"With --untagged: folder for what the next run needs. Default: regsweep in the user's cache folder."`
}

// state opens the state folder if --untagged needs it, and returns nil otherwise.
func (f untaggedFlags) state(w World) (*state.Dir, error) {
	if f.Untagged.IsZero() {
		return nil, nil
	}
	dir, _, err := openState(f.StateDir, w.Getenv)
	return dir, err
}

// collection is what gc is about.
type collection struct {
	job   run.GCJob
	host  string
	names []oci.Repository
	world run.World
	sinks *publish.Sinks
}

// collection returns the function that collects. It finds every mistake in the flags. Without --untagged nothing is deleted
// before the collection.
func (f untaggedFlags) collection(w World, c collection) (func(context.Context) report.Summary, error) {
	if f.Untagged.IsZero() {
		if f.DryRun {
			return nil, withHint(errors.New("--dry-run needs --untagged: without it, gc deletes no manifest and has no plan to show"),
				"regsweep rank --gc-via shows what a dry run of the collection finds in use, and changes nothing")
		}
		return func(ctx context.Context) report.Summary { return run.GC(ctx, c.job, c.host, c.names, c.world) }, nil
	}
	inUse, err := readInUse(f.ProtectFile, w.Stdin)
	if err != nil {
		return nil, err
	}
	rules := retain.Policy{KeepTagged: true, NoProtectLatest: true, Untagged: f.Untagged, InUse: inUse} // latest is a tag
	if !f.Yes && !f.DryRun && atTerminal(w, c.sinks.CI) {
		c.world.Confirm = confirmation{c.sinks.Console, func(plan *report.Summary) { plan.Policy = rules.String() }, true}.ask(w.Stdin)
	}
	job := run.Job{
		Images: oci.Pushes{Repositories: c.names}, DryRun: f.DryRun, GC: &c.job, Method: prune.ByDigest,
		Policy: func(oci.Repository) (retain.Policy, error) { return rules, rules.Validate() },
	}
	return func(ctx context.Context) report.Summary {
		sum := run.GCUntagged(ctx, job, c.host, c.world)
		sum.Policy = rules.String()
		return sum
	}, nil
}

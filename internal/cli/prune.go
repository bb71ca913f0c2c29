package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/run"
	"github.com/regsweep/regsweep/internal/spelling"
)

// run prunes what the command line asks for and returns the exit code.
func (c *pruneCommand) run(ctx context.Context, w World, console *publish.Console) (int, error) {
	a, err := c.read(w, console)
	if err != nil {
		return 0, err
	}
	a.debug(w)
	sum := run.Prune(ctx, a.job, a.world)
	console.EndProgress()
	sayEnd(console, sum)
	for _, warning := range a.policies.Warnings(everyName(sum)) {
		console.Warningf("%s", warning)
	}
	a.sayPolicy(&sum)
	sum.CI = ciOf(a.sinks.CI)
	sum.ExitCode = codeOf(sum)
	if errors.Is(sum.Cause, run.ErrDeclined) && a.sinks.Form == report.FormTable { // whose plan was just shown
		a.sinks.Form = report.FormLine
	}
	if err := a.unexplained(sum); err != nil {
		return 0, err
	}
	a.sinks.Summary(sum)
	return sum.ExitCode, nil
}

// unexplained says that no repository has the image that was to be explained. Where a repository could not be read, the
// summary says so.
func (a *asked) unexplained(sum report.Summary) error {
	which := a.job.Explain
	if which == "" || len(sum.Explained) > 0 {
		return nil
	}
	var tags, names []string
	for _, r := range sum.Repositories {
		if r.Plan == nil {
			return nil
		}
		names = append(names, r.Name.String())
		for _, d := range r.Plan.Decisions {
			tags = append(tags, d.Image.Tags...)
		}
	}
	err := fmt.Errorf("--explain %s: no image of %s has this tag or digest", which, strings.Join(names, ", "))
	if meant := spelling.Meant(which, tags); meant != "" {
		return withHint(err, "did you mean "+meant+"?")
	}
	return withHint(err, "give a whole tag, or a whole digest that begins with sha256:")
}

// sayPolicy notes in a summary where its policies are from. A file that nobody named is said of each repository.
func (a *asked) sayPolicy(sum *report.Summary) {
	sum.Policy = a.policies.String()
	if !a.policies.ByDefault() {
		return
	}
	for i, r := range sum.Repositories {
		if r.Policy != "" {
			sum.Repositories[i].Policy += "; from " + a.policies.Source(r.Name)
		}
	}
}

// everyName returns the repositories of a run, or nothing when they are only a part: in a shard, or when a pattern could
// not be expanded.
func everyName(sum report.Summary) []oci.Repository {
	var out []oci.Repository
	for _, r := range sum.Repositories {
		if sum.Shard.Total > 1 || r.Name.IsPattern() {
			return nil
		}
		out = append(out, r.Name)
	}
	return out
}

// asked is what the command line and the environment ask prune to do.
type asked struct {
	job      run.Job
	world    run.World
	sinks    publish.Sinks
	policies policy.Policies
	shardBy  string // the variable that chose the shard; "" for the flag
}

// read reads the command line and the environment. It finds every mistake in them before anything is sent to a registry.
func (c *pruneCommand) read(w World, console *publish.Console) (*asked, error) {
	a := &asked{
		job:   run.Job{DryRun: c.DryRun || c.Explain != "", Explain: c.Explain, Workers: int(c.Workers), Timeout: c.Timeout, Method: c.DeleteBy},
		sinks: publish.Sinks{Out: w.Stdout, Form: report.Form(c.Output), All: c.All, Color: c.color(w), Console: console, Getenv: w.Getenv, ResultsDir: c.ResultsDir, Now: w.Now},
	}
	inUse, err := readInUse(c.ProtectFile, w.Stdin)
	if err != nil {
		return nil, err
	}
	if a.policies, err = policy.Read(c.Rules, c.Policy, inUse, liveReader(w.Stdin, c.readsStdin(), w.Now)); err != nil {
		return nil, err
	}
	a.job.Policy = a.policies.Of
	if c.Timeout < 0 {
		return nil, fmt.Errorf("--timeout: %s is negative", c.Timeout)
	}
	if a.sinks.CI, err = ci.Detect(w.Getenv, c.CI); err != nil {
		return nil, fmt.Errorf("--ci: %w", err)
	}
	if a.job.Images, err = c.findImages(w, a.sinks.CI); err != nil {
		return nil, err
	}
	a.job.Absent = func(r oci.Repository) string { return a.sinks.CI.Absent(w.Getenv, r) }
	if err := c.shard(w, a); err != nil {
		return nil, err
	}
	if a.job.GC, err = c.afterPrune.job(c.gcFlags, w, a); err != nil {
		return nil, err
	}
	if err := c.offline(); err != nil {
		return nil, err
	}
	if err := c.open(w, a); err != nil {
		return nil, err
	}
	a.sinks.Files, err = publish.OpenFiles(c.Report, report.FormOf)
	return a, err
}

// open opens the state folder and makes the clients of the registries.
func (c *pruneCommand) open(w World, a *asked) error {
	dir, without, err := openState(c.StateDir, w.Getenv)
	if err != nil {
		return err
	}
	if by := c.DeleteBy; dir == nil && (by == prune.TagsFirst || by == prune.Retag || by == prune.Offline) {
		return fmt.Errorf("--delete-by %s: %w: %w", by, prune.ErrNoJournal, without)
	}
	console := a.sinks.Console
	clients, err := c.clients(w, a.job.Images.Repositories, remembered(dir, console))
	if err != nil {
		return err
	}
	clients.waiting = sayWaiting(console)
	a.world = run.World{
		Open: clients.of, State: dir, Now: w.Now, Deadline: w.Deadline, Events: teller{console, a.shardBy}.tell, Drain: drainOf(a.sinks.CI), Hurry: w.Hurry,
	}
	if !c.Yes && !a.job.DryRun && atTerminal(w, a.sinks.CI) {
		a.world.Confirm = confirmation{console, a.sayPolicy, a.job.GC != nil}.ask(w.Stdin)
	}
	return nil
}

// offline checks what --delete-by offline needs.
func (c *pruneCommand) offline() error {
	switch {
	case c.DeleteBy != prune.Offline:
		return nil
	case !c.GC:
		return withHint(errors.New("--delete-by offline needs --gc: it removes images while the registry is stopped for its garbage collection"), "add --gc and --gc-via (docs/garbage-collection.md), or leave --delete-by out")
	case gc.Mode(c.Mode) == gc.Live:
		return withHint(errors.New("--delete-by offline does not work with --gc-mode live: the registry has to be stopped before images are removed from its storage"), "leave one of the two out")
	}
	return nil
}

// timeToReport is what a run needs for its reports when it has ended.
const timeToReport = 2500 * time.Millisecond

// drainOf returns how long a cancelled run may finish what it has begun; 0 where the CI does not limit that.
func drainOf(system ci.System) time.Duration {
	grace := system.Grace()
	if grace == 0 {
		return 0
	}
	return min(registry.DrainTime, grace-timeToReport)
}

// findImages finds the repositories of the run and what was pushed to them: from the arguments, the metadata of build tools
// and the CI system.
func (c *pruneCommand) findImages(w World, system ci.System) (oci.Pushes, error) {
	built, err := ci.ReadMetadata(c.Metadata)
	if err != nil {
		return oci.Pushes{}, fmt.Errorf("--metadata: %w", err)
	}
	return system.Images(w.Getenv, c.Images, built)
}

// shard finds the part of the repositories for this job: from --shard, or else, for a run over more than one repository,
// from the CI system's variables for parallel jobs. Parallel jobs that all name the same single repository do not divide
// it: each of them prunes it.
func (c *pruneCommand) shard(w World, a *asked) error {
	var chosen ci.Shard
	var err error
	if c.Shard != "" {
		if chosen, err = ci.ParseShard(c.Shard); err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
	} else if several(a.job.Images.Repositories) {
		if chosen, a.shardBy, err = a.sinks.CI.Shard(w.Getenv); err != nil {
			return err
		}
	}
	if c.GC && chosen.Total > 1 { // each of the parallel jobs would stop the registry that the others talk to
		return withHint(errors.New("--gc: this run is one of several parallel jobs, and each of them would stop the registry while the others use it"),
			"run regsweep gc once, in a job after these; if this job prunes everything, set --shard 1/1")
	}
	a.job.Shard = report.Shard{Index: chosen.Index, Total: chosen.Total}
	return nil
}

// several reports whether the names can stand for more than one repository.
func several(names []oci.Repository) bool {
	for _, name := range names {
		if name.IsPattern() || name != names[0] {
			return true
		}
	}
	return false
}

// debug prints the input of the run, if the CI system shows debug lines.
func (a *asked) debug(w World) {
	say := func(format string, args ...any) {
		a.sinks.Console.Raw(a.sinks.CI.Debug(w.Getenv, "regsweep: "+report.Visible(fmt.Sprintf(format, args...))))
	}
	say("version %s, in %s, policy: %s", w.version(), a.sinks.CI.Name, a.policies)
	for _, r := range a.job.Images.Repositories {
		say("repository %s", r)
	}
	for _, p := range a.job.Images.Pushed {
		certainty := "just built"
		if p.Assumed {
			certainty = "just built if it is there"
		}
		say("%s: %s, says %s", certainty, p.Reference, p.Source)
	}
}

func ciOf(system ci.System) report.CI {
	return report.CI{Name: system.Name, BuildURL: system.BuildURL, ArtifactsPath: system.ArtifactsPath(), Mermaid: system.Mermaid()}
}

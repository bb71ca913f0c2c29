package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/run"
	"github.com/regsweep/regsweep/internal/state"
)

// checkCommand is the command line of check.
type checkCommand struct {
	Images []string `arg:"" optional:"" name:"image" help:"Repository to check, as for prune: host[:port]/path. In the path, * matches repositories of the registry's catalog; regsweep checks the first few. Default: the repository that this CI job has just pushed to."`

	Policy   string `group:"run" placeholder:"FILE" help:"Policy file whose entry for each repository is shown. Default: as for prune."`
	Probe    bool   `group:"run" help:"Ask the registry to delete something that does not exist, to find out whether this login may delete."`
	StateDir string `group:"run" placeholder:"DIR" help:"State folder to check. Default: regsweep in the user's cache folder."`
	access
	gcHost `group:"gc"`
	Output string   `group:"report" enum:"table,markdown,json" default:"table" placeholder:"FORMAT" help:"Format on standard output: table, markdown or json. Default: ${default}."`
	Report []string `group:"report" sep:"none" placeholder:"FILE" help:"Also write a report to FILE. The extension selects the format: .md, .json or .txt. Repeatable."`
	CI     string   `group:"report" name:"ci" placeholder:"NAME" values:"github,gitea,forgejo,gitlab,jenkins,azure,buildkite,circleci,drone,woodpecker,tekton,none" help:"CI system, if detection fails: github, gitea, forgejo, gitlab, jenkins, azure, buildkite, circleci, drone, woodpecker, tekton or none."`
}

// run checks what the command line names and returns the exit code.
func (c *checkCommand) run(ctx context.Context, w World, console *publish.Console) (int, error) {
	sinks := publish.Sinks{Out: w.Stdout, Form: report.Form(c.Output), Console: console}
	job, world, err := c.read(w, console)
	if err == nil {
		sinks.Files, err = publish.OpenFiles(c.Report, report.CheckFormOf)
	}
	if err != nil {
		return 0, err
	}
	checks := run.Check(ctx, job, world)
	console.EndProgress()
	checks.ExitCode = codeOfChecks(checks)
	sayChecks(console, checks)
	sinks.Checks(checks)
	return checks.ExitCode, nil
}

// read reads the command line and the environment. Every error is bad input; nothing is sent.
func (c *checkCommand) read(w World, console *publish.Console) (run.CheckJob, run.World, error) {
	job, world := run.CheckJob{Probe: c.Probe}, run.World{Now: w.Now, Events: teller{console, ""}.tell}
	system, err := ci.Detect(w.Getenv, c.CI)
	if err != nil {
		return job, world, fmt.Errorf("--ci: %w", err)
	}
	images, err := system.Images(w.Getenv, c.Images, ci.Metadata{})
	if err != nil {
		return job, world, err
	}
	job.Images = images.Repositories
	if job.Policy, err = c.policies(w); err != nil {
		return job, world, err
	}
	if c.RegistryKind != kinds.Auto {
		job.Kind = string(c.RegistryKind)
	}
	job.StateFolder, job.StateRequired = stateFolder(c.StateDir, w.Getenv)
	if err := c.collection(w, &job); err != nil {
		return job, world, err
	}
	clients, err := c.clients(w, job.Images, c.remembered(job.StateFolder))
	if err != nil {
		return job, world, err
	}
	clients.waiting = sayWaiting(console)
	world.Open = clients.of
	return job, world, nil
}

// policies returns what a prune in the same environment would keep in each repository.
func (c *checkCommand) policies(w World) (func(oci.Repository) (keep, source string, err error), error) {
	var flags commandLine
	parser, err := newParser(&flags, w, kong.Resolvers(environment(w.Getenv, map[string]string{})))
	if err != nil {
		return nil, fmt.Errorf("set up the command line: %w", err)
	}
	if _, err := parser.Parse([]string{"prune"}); err != nil {
		return nil, err
	}
	policies, none := policy.Read(flags.Prune.Rules, cmp.Or(c.Policy, flags.Prune.Policy), nil, liveReader(nil, true, w.Now))
	var inFile *policy.FileError
	told := errors.Is(none, retain.ErrNoKeepRule) || errors.Is(none, live.ErrUnusable) // a later step may write that file
	if none != nil && (errors.As(none, &inFile) && !errors.Is(none, live.ErrUnusable) || !told) {
		return nil, none
	}
	return func(name oci.Repository) (keep, source string, err error) {
		if none != nil {
			return "", "", none
		}
		of, err := policies.Of(name)
		return of.String(), policies.Source(name), err
	}, nil
}

// remembered returns what earlier runs have read of images, so that a check of a large repository is fast. It is not changed.
func (c *checkCommand) remembered(folder string) registry.Store {
	if folder == "" {
		return nil
	}
	if exists, err := state.Look(folder); !exists || err != nil {
		return nil
	}
	dir, err := state.Open(folder)
	if err != nil {
		return nil
	}
	return readOnly{state.Memory{Dir: dir}}
}

// collection reads where a garbage collection would run.
func (c *checkCommand) collection(w World, job *run.CheckJob) error {
	if c.Via == "" {
		return nil
	}
	for _, r := range job.Images {
		if first := job.Images[0]; r.Host != first.Host {
			return oneRegistry(first.Host, r.Host)
		}
	}
	target, err := c.gcHost.target(w, gc.TargetOptions{DryRun: true})
	if errors.Is(err, gc.ErrTarget) {
		err = withHint(err, "for example --gc-via docker://registry or ssh://user@host (docs/garbage-collection.md); a check stops nothing")
	}
	if err != nil {
		return err
	}
	job.Via = c.Via
	job.Inspect = func(ctx context.Context, held []gc.Held) (gc.Findings, error) {
		return gc.Inspect(ctx, target, gc.Options{Binary: c.Binary, Config: c.Config, Timeout: c.Timeout}, held)
	}
	return nil
}

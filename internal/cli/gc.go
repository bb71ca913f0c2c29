package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/run"
)

// gcCommand is the command line of gc.
type gcCommand struct {
	Registry []string `arg:"" optional:"" name:"registry" help:"Registry to collect, as host[:port], or repositories in it, as host[:port]/path. regsweep checks the images of the named repositories before and after. In the path, * matches repositories of the registry's catalog. Default: the repository that this CI job has just pushed to."`

	gcFlags
	untaggedFlags
	access
	Output string   `group:"report" enum:"table,markdown,json" default:"table" placeholder:"FORMAT" help:"Format on standard output: table, markdown or json. Default: ${default}."`
	Report []string `group:"report" sep:"none" placeholder:"FILE" help:"Also write a report to FILE. The extension selects the format: .md, .html, .json or .txt. Repeatable."`
	CI     string   `group:"report" name:"ci" placeholder:"NAME" values:"github,gitea,forgejo,gitlab,jenkins,azure,buildkite,circleci,drone,woodpecker,tekton,none" help:"CI system, if detection fails: github, gitea, forgejo, gitlab, jenkins, azure, buildkite, circleci, drone, woodpecker, tekton or none."`
}

// afterPrune are the flags of a garbage collection that only prune has.
type afterPrune struct {
	GC         bool         `group:"gc" name:"gc" help:"Run the registry's garbage collection after deleting (needs --gc-via)."`
	MinDeleted policy.Count `group:"gc" name:"gc-min-deleted" placeholder:"N" help:"Collect only when at least N manifests were deleted. Default: 1."`
}

// gcHost are the flags that say where a registry runs and how to run its program there, for a garbage collection or its
// dry run.
type gcHost struct {
	Via        string        `name:"gc-via" placeholder:"TARGET" help:"Where the registry runs: local:, ssh://user@host[:port], docker://container, docker+ssh://user@host[:port]/container or kubectl://namespace/deployment/name."`
	Binary     string        `name:"gc-binary" placeholder:"FILE" help:"The registry's program. Default: registry or docker-registry, whichever is installed."`
	Config     string        `name:"gc-config" placeholder:"FILE" help:"The registry's configuration file. Default: the one that the registry was started with."`
	Timeout    time.Duration `name:"gc-timeout" placeholder:"TIME" help:"Stop the collection after this long. Default: 1h."`
	SSHKey     string        `name:"gc-ssh-key" placeholder:"FILE" help:"Private key for ssh. Default: ssh's own choice."`
	KnownHosts string        `name:"gc-known-hosts" placeholder:"FILE" help:"File with the host's key; regsweep always checks it. Default: ssh's own files."`
}

// gcFlags are the flags of the registry's own garbage collection, after a prune or by itself.
type gcFlags struct {
	gcHost    `group:"gc"`
	Stop      string        `group:"gc" name:"gc-stop" placeholder:"COMMAND" help:"Shell command that stops the registry. It runs on the registry's host. Required for local: and ssh://."`
	Start     string        `group:"gc" name:"gc-start" placeholder:"COMMAND" help:"Shell command that starts the registry again. Required for local: and ssh://."`
	Mode      string        `group:"gc" name:"gc-mode" enum:"offline,live" default:"offline" placeholder:"MODE" help:"offline stops the registry, collects and starts it again. live collects while the registry serves, then restarts it; images pushed meanwhile can lose layers. Default: ${default}."`
	Wait      time.Duration `group:"gc" name:"gc-wait" placeholder:"TIME" help:"How long to wait for the registry to answer after its start. Default: 1m."`
	BreakLock bool          `group:"gc" name:"gc-break-lock" help:"Take over the lock that an earlier collection left."`
}

// run collects and returns the exit code.
func (c *gcCommand) run(ctx context.Context, w World, console *publish.Console) (int, error) {
	sinks := publish.Sinks{Out: w.Stdout, Form: report.Form(c.Output), Console: console, Getenv: w.Getenv, Now: w.Now}
	host, images, world, err := c.read(w, &sinks)
	var job *run.GCJob
	if err == nil {
		job, err = c.gcFlags.job(w, sinks.CI)
	}
	var collect func(context.Context) report.Summary
	if err == nil {
		collect, err = c.collection(w, collection{*job, host, images, world, &sinks})
	}
	if err == nil {
		sinks.Files, err = publish.OpenFiles(c.Report, report.FormOf)
	}
	if err != nil {
		return 0, err
	}
	sum := collect(ctx)
	console.EndProgress()
	sayEnd(console, sum)
	sum.CI = ciOf(sinks.CI)
	sum.ExitCode = codeOf(sum)
	sinks.Summary(sum)
	return sum.ExitCode, nil
}

// read reads which registry and which of its repositories the command is about.
func (c *gcCommand) read(w World, sinks *publish.Sinks) (host string, names []oci.Repository, world run.World, err error) {
	if _, err = c.target(w); err != nil {
		return "", nil, world, err
	}
	if sinks.CI, err = ci.Detect(w.Getenv, c.CI); err != nil {
		return "", nil, world, fmt.Errorf("--ci: %w", err)
	}
	if host, names, err = c.registry(sinks.CI, w.Getenv); err != nil {
		return "", nil, world, err
	}
	dir, err := c.untaggedFlags.state(w)
	if err != nil {
		return "", nil, world, err
	}
	clients, err := c.clients(w, append(slices.Clone(names), oci.Repository{Host: host}), remembered(dir, sinks.Console))
	if err != nil {
		return "", nil, world, err
	}
	return host, names, run.World{
		Open: clients.of, State: dir, Now: w.Now, Events: teller{sinks.Console, ""}.tell, Drain: drainOf(sinks.CI), Hurry: w.Hurry,
	}, nil
}

// registry finds the one registry that the arguments, or the CI system, name.
func (c *gcCommand) registry(system ci.System, getenv func(string) string) (host string, names []oci.Repository, err error) {
	var repositories []string
	for _, a := range c.Registry {
		if strings.Contains(a, "/") {
			repositories = append(repositories, a)
			continue
		}
		ref, err := oci.ParseReference(a + "/any")
		if err != nil {
			return "", nil, fmt.Errorf("%q is not a registry, as in registry.example.com:5000", a)
		}
		if host != "" && host != ref.Host {
			return "", nil, oneRegistry(host, ref.Host)
		}
		host = ref.Host
	}
	var images oci.Pushes
	if host == "" || len(repositories) > 0 {
		if images, err = system.Images(getenv, repositories, ci.Metadata{}); err != nil {
			return "", nil, err
		}
	}
	for _, r := range images.Repositories {
		if host != "" && host != r.Host {
			return "", nil, oneRegistry(host, r.Host)
		}
		host = r.Host
	}
	return host, images.Repositories, nil
}

func oneRegistry(a, b string) error {
	return fmt.Errorf("--gc-via is for one registry, but this run covers %s and %s", a, b)
}

// job is the garbage collection after a prune; nil without --gc. It checks the flags before anything is pruned.
func (a afterPrune) job(c gcFlags, w World, asked *asked) (*run.GCJob, error) {
	if !a.GC {
		return nil, nil
	}
	job, err := c.job(w, asked.sinks.CI)
	if err != nil {
		return nil, err
	}
	job.MinDeleted = int(a.MinDeleted)
	for _, r := range asked.job.Images.Repositories {
		if first := asked.job.Images.Repositories[0]; r.Host != first.Host {
			return nil, oneRegistry(first.Host, r.Host)
		}
	}
	return job, nil
}

// job is the garbage collection that the flags describe. Every error is bad input.
func (c gcFlags) job(w World, system ci.System) (*run.GCJob, error) {
	target, err := c.target(w)
	if err != nil {
		return nil, err
	}
	dry, err := c.gcHost.target(w, gc.TargetOptions{DryRun: true})
	if err != nil {
		return nil, err
	}
	collect := func(ctx context.Context, client gc.Client, o gc.Options) gc.Result {
		return gc.Run(ctx, target, client, o)
	}
	list := func(ctx context.Context, o gc.Options, held []gc.Held) (gc.Listing, error) {
		return gc.ListUntagged(ctx, dry, o, held)
	}
	return &run.GCJob{Via: c.Via, Run: collect, ListUntagged: list, Options: gc.Options{
		Binary: c.Binary, Config: c.Config, Mode: gc.Mode(c.Mode), Timeout: c.Timeout, Wait: c.Wait,
		BreakLock: c.BreakLock, Owner: owner(system, w),
	}}, nil
}

// target reads the target and its flags. Every error is bad input.
func (c gcFlags) target(w World) (*gc.Target, error) {
	if c.Wait < 0 {
		return nil, errors.New("--gc-wait is negative")
	}
	return c.gcHost.target(w, gc.TargetOptions{Stop: c.Stop, Start: c.Start})
}

// target reads the target; o has the commands that stop and start the registry. Every error is bad input.
func (h gcHost) target(w World, o gc.TargetOptions) (*gc.Target, error) {
	if h.Via == "" {
		return nil, withHint(errors.New("--gc-via is missing: it says where the registry runs"),
			"for example --gc-via docker://registry, or ssh://user@host with --gc-stop and --gc-start (docs/garbage-collection.md)")
	}
	if h.Timeout < 0 {
		return nil, errors.New("--gc-timeout is negative")
	}
	for flag, file := range map[string]string{"gc-ssh-key": h.SSHKey, "gc-known-hosts": h.KnownHosts} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil { // ssh would only say that access is denied
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
	}
	o.SSHKey, o.KnownHosts, o.Environment = h.SSHKey, h.KnownHosts, withoutSecrets(w.Environ())
	o.Lifetime = cmp.Or(h.Timeout, time.Hour) + time.Hour
	t, err := gc.ParseTarget(h.Via, o)
	if err != nil {
		return nil, fmt.Errorf("--gc-via: %w", err)
	}
	return t, nil
}

// withoutSecrets removes the variables with passwords for regsweep from an environment.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(env, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "REGSWEEP_PASSWORD", "INPUT_PASSWORD", "PLUGIN_PASSWORD":
			return true
		}
		return false
	})
}

// owner names the run in the lock: by its build, or else by the user and the process.
func owner(system ci.System, w World) string {
	out := "regsweep, " + w.Process
	if system.BuildURL != "" {
		out += " (" + system.BuildURL + ")"
	} else if user := w.Getenv("USER"); user != "" {
		out += " (" + user + ")"
	}
	return out
}

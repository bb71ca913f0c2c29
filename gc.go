package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// gcCommand is the command line of gc.
type gcCommand struct {
	Registry []string `arg:"" optional:"" name:"registry" help:"The registry, host[:port], or repositories of it, host[:port]/path: their images are looked at before and after. A * in the path stands for those of the catalog that fit. Without any, the repository that the CI has just built."`

	collection
	access
	Output string   `group:"report" enum:"table,markdown,json" default:"table" placeholder:"FORM" help:"What goes to standard output: table, markdown or json. Default: ${default}."`
	Report []string `group:"report" sep:"none" placeholder:"FILE" help:"Write a report as well; the ending picks the form: .md, .json or .txt. Repeatable."`
	CI     string   `group:"report" name:"ci" placeholder:"NAME" values:"github,gitea,forgejo,gitlab,jenkins,azure,buildkite,circleci,drone,woodpecker,tekton,none" help:"The CI system, when it is not to be detected: github, gitea, forgejo, gitlab, jenkins, azure, buildkite, circleci, drone, woodpecker, tekton or none."`
}

// afterPrune is what of a collection belongs to prune alone.
type afterPrune struct {
	GC         bool  `group:"gc" name:"gc" help:"Have the registry collect its garbage when the images are deleted, at --gc-via."`
	MinDeleted count `group:"gc" name:"gc-min-deleted" placeholder:"N" help:"Collect only when at least N manifests were deleted. Default: 1."`
}

// run collects and returns the exit code.
func (c *gcCommand) run(ctx context.Context, p process, say talk) int {
	s, host, err := c.session(p, say)
	if err != nil {
		return badInput(p, say, err, hint(err))
	}
	sum := report.Summary{Started: s.started, CI: report.CI{Name: s.system.Name, BuildURL: s.system.BuildURL}}
	f := &front{clients: s.clients, host: host}
	var code int
	if err := s.readKept(ctx, f); err != nil {
		err = fmt.Errorf("%w; nothing was stopped", err)
		say.errorf("%s", explain(err))
		if h := hint(err); h != "" {
			say.hintf("%s", h)
		}
		sum.GC, code = &gc.Result{Via: c.Via, Err: explained{err}}, exitCode(err)
	} else {
		sum.GC, code = c.collect(ctx, s, f)
	}
	sum.ExitCode, sum.Elapsed = code, p.now().Sub(s.started)
	return s.publish(sum)
}

// session reads what the command line and the environment ask for.
func (c *gcCommand) session(p process, say talk) (*session, string, error) {
	s := &session{process: p, say: say, started: p.now().UTC(), form: report.Form(c.Output)}
	var err error
	if _, err = c.target(p.getenv); err != nil {
		return nil, "", err
	}
	if s.system, err = ci.Detect(p.getenv, c.CI); err != nil {
		return nil, "", fmt.Errorf("--ci: %w", err)
	}
	host, err := c.registry(s, p.getenv)
	if err != nil {
		return nil, "", err
	}
	if s.clients, err = c.clients(p.getenv, append(slices.Clone(s.images.Repositories), oci.Repository{Host: host}), nil); err != nil {
		return nil, "", err
	}
	if s.outputs, err = openOutputs(c.Report, report.FormOf); err != nil {
		return nil, "", err
	}
	s.progress = newProgress(p, "deletions")
	return s, host, nil
}

// registry finds the one registry that the arguments, or the CI, are about.
func (c *gcCommand) registry(s *session, getenv func(string) string) (string, error) {
	var host string
	var repositories []string
	for _, a := range c.Registry {
		if strings.Contains(a, "/") {
			repositories = append(repositories, a)
			continue
		}
		ref, err := oci.ParseReference(a + "/any")
		if err != nil {
			return "", fmt.Errorf("%q is no registry, as in registry.example.com:5000", a)
		}
		if host != "" && host != ref.Host {
			return "", oneRegistry(host, ref.Host)
		}
		host = ref.Host
	}
	if host == "" || len(repositories) > 0 {
		var err error
		if s.images, err = s.system.Images(getenv, repositories, ci.Metadata{}); err != nil {
			return "", err
		}
	}
	for _, r := range s.images.Repositories {
		if host != "" && host != r.Host {
			return "", oneRegistry(host, r.Host)
		}
		host = r.Host
	}
	return host, nil
}

func oneRegistry(a, b string) error {
	return fmt.Errorf("--gc-via is one registry, and this run is about %s and %s", a, b)
}

// readKept reads the images of the repositories, all of which are kept.
func (s *session) readKept(ctx context.Context, f *front) error {
	for _, asked := range s.images.Repositories {
		names, err := s.clients.expand(ctx, asked)
		if err != nil {
			return fmt.Errorf("%s: %w", asked, err)
		}
		for _, name := range names {
			client, err := s.clients.of(name.Host)
			if err != nil {
				return err
			}
			snapshot, err := client.Repository(name.Path).Snapshot(ctx, registry.Wanted{})
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			f.kept = append(f.kept, keptImages{name, snapshot.Images})
		}
	}
	return nil
}

// check finds what is wrong with a collection after a prune before anything is pruned.
func (a afterPrune) check(c collection, s *session) error {
	if !a.GC {
		return nil
	}
	if _, err := c.target(s.process.getenv); err != nil {
		return err
	}
	for _, r := range s.images.Repositories {
		if first := s.images.Repositories[0]; r.Host != first.Host {
			return oneRegistry(first.Host, r.Host)
		}
	}
	return nil
}

// collectAfter collects when that was asked for and the prune has deleted enough.
func (c *pruneCommand) collectAfter(ctx context.Context, s *session, sum *report.Summary) {
	if !c.GC {
		return
	}
	began := s.process.now()
	deleted, least := sum.Totals().Manifests, max(int(c.MinDeleted), 1)
	skip := func(format string, args ...any) {
		sum.GC = &gc.Result{Via: c.Via, Mode: gc.Mode(c.Mode), Skipped: fmt.Sprintf(format, args...)}
	}
	switch {
	case s.dryRun:
		skip("this is a dry run")
		return
	case ctx.Err() != nil:
		skip("%v", context.Cause(ctx))
		return
	case deleted < least:
		skip("%s deleted, and at least %d are worth it", manifestsWere(deleted), least)
		return
	}
	f := &front{clients: s.clients, host: sum.Repositories[0].Name.Host}
	for _, r := range sum.Repositories {
		if k := survivors(r); len(k.images) > 0 {
			f.kept = append(f.kept, k)
		}
	}
	var code int
	sum.GC, code = c.collect(ctx, s, f)
	sum.ExitCode = worse(sum.ExitCode, code)
	sum.Elapsed += s.process.now().Sub(began)
}

func manifestsWere(n int) string {
	if n == 1 {
		return "1 manifest was"
	}
	return fmt.Sprintf("%d manifests were", n)
}

// survivors are the images of a repository that the prune has left.
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

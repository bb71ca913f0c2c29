package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// errTimeout is the cause of a run that --timeout has ended.
var errTimeout = errors.New("the time given by --timeout is over")

// session is one run of prune: what was asked, in the terms of the packages that do it.
type session struct {
	process  process
	say      talk
	started  time.Time
	policies policies
	system   ci.System
	images   ci.Images
	clients  *clients
	outputs  []output
	form     report.Form // of standard output
	dryRun   bool
	workers  int
	timeout  time.Duration
	progress *progress
	// resultsDir is where the results go as files; "" for nowhere.
	resultsDir string
}

// run prunes what the command line asks for and returns the exit code.
func (c *pruneCommand) run(ctx context.Context, p process, say talk) int {
	s, err := c.session(p, say)
	if err != nil {
		say.errorf("%v", err)
		if h := hint(err); h != "" {
			say.hintf("%s", h)
		}
		return exitUsage
	}
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.timeout, errTimeout)
		defer cancel()
	}
	return s.publish(s.sweep(ctx))
}

// sweep prunes one repository after the other. What happens to one does not stop the others.
func (s *session) sweep(ctx context.Context) report.Summary {
	sum := report.Summary{
		DryRun: s.dryRun, Started: s.started, Policy: s.policies.String(),
		CI: report.CI{Name: s.system.Name, BuildURL: s.system.BuildURL},
	}
	for _, asked := range s.images.Repositories {
		names, err := s.expand(ctx, asked)
		if err != nil {
			r, code := s.failed(report.Repository{Name: asked}, err)
			sum.Repositories, sum.ExitCode = append(sum.Repositories, r), worse(sum.ExitCode, code)
		}
		for _, name := range names {
			if slices.ContainsFunc(sum.Repositories, func(r report.Repository) bool { return r.Name == name }) {
				continue
			}
			r, code := s.prune(ctx, name)
			sum.Repositories, sum.ExitCode = append(sum.Repositories, r), worse(sum.ExitCode, code)
		}
	}
	if errors.Is(context.Cause(ctx), context.Canceled) { // also when the last deletion was on its way
		sum.ExitCode = worse(sum.ExitCode, exitCancelled)
	}
	sum.Elapsed = s.process.now().Sub(s.started)
	return sum
}

// errNoMatch is returned for a pattern of repositories that fits none.
var errNoMatch = errors.New("no repository of the catalog fits the pattern")

// expand returns the repositories that a name stands for.
func (s *session) expand(ctx context.Context, name oci.Repository) ([]oci.Repository, error) {
	if !name.IsPattern() {
		return []oci.Repository{name}, nil
	}
	client, err := s.clients.of(name.Host)
	if err != nil {
		return nil, err
	}
	paths, err := client.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	var out []oci.Repository
	for _, path := range paths {
		if !name.Matches(path) {
			continue
		}
		found, err := oci.ParseReference(name.Host + "/" + path) // it becomes part of URLs
		if err != nil || found.Tag != "" || found.Digest != "" || found.IsPattern() {
			return nil, fmt.Errorf("the catalog lists %q, which is no repository", path)
		}
		out = append(out, found.Repository)
	}
	if len(out) == 0 {
		return nil, errNoMatch
	}
	return out, nil
}

// prune reads, plans and executes for one repository.
func (s *session) prune(ctx context.Context, name oci.Repository) (report.Repository, int) {
	out := report.Repository{Name: name}
	if ctx.Err() != nil {
		return notLookedAt(out, context.Cause(ctx))
	}
	policy, err := s.policies.of(name)
	if err != nil {
		return s.failed(out, err)
	}
	out.Policy = policy.String()
	client, err := s.clients.of(name.Host)
	if err != nil {
		return s.failed(out, err)
	}
	repository := client.Repository(name.Path)
	snapshot, pushed, err := readBuilt(s.images.PushedTo(name), func(pushed []oci.Pushed) (oci.Snapshot, error) {
		return repository.Snapshot(ctx, namedDigests(pushed, policy, name))
	})
	if err != nil {
		return s.failed(out, err)
	}
	plan := retain.Decide(snapshot, policy, pushed, s.started)
	out.Plan, out.Pushed = &plan, pushed
	return s.execute(ctx, out, repository)
}

// namedDigests are the digests that the pipeline or a text of images in use names. No tag may lead to them, and then no
// listing does, but what they are made of must be known to be kept.
func namedDigests(pushed []oci.Pushed, p retain.Policy, name oci.Repository) []oci.Digest {
	var out []oci.Digest
	for _, p := range pushed {
		if p.Digest != "" {
			out = append(out, p.Digest)
		}
	}
	for _, u := range p.InUse {
		out = append(out, u.Digests(name)...)
	}
	return out
}

// execute carries out the plan of one repository, or does not, and says with which exit code that ends.
func (s *session) execute(ctx context.Context, out report.Repository, r *registry.Repository) (report.Repository, int) {
	plan := *out.Plan
	for _, w := range plan.Warnings {
		s.say.warningf("%s: %s", out.Name, w)
	}
	switch {
	case len(plan.Refusals) > 0:
		for _, refusal := range plan.Refusals {
			s.say.errorf("%s: refused: %s; nothing was deleted", out.Name, refusal.Detail)
			s.say.hintf("%s", guardHint(refusal.Guard))
		}
		out.Outcomes = prune.Skip(plan, "refused").Outcomes
		return out, exitRefused
	case s.dryRun:
		out.Outcomes = prune.Dry(plan).Outcomes
		return out, exitDone
	}
	s.progress.begin(out.Name.String())
	result := prune.Execute(ctx, plan, r, prune.Options{Workers: s.workers, Progress: s.progress.update})
	s.progress.end()
	out.Outcomes = result.Outcomes
	if errors.Is(result.Err, errTimeout) { // asked for, so no failure; the next run goes on
		s.say.warningf("%s: %v; %s not tried", out.Name, errTimeout, deletions(skipped(result)))
		result.Err = nil
	}
	if result.Err != nil {
		return s.failed(out, result.Err)
	}
	if n := out.Totals().Failed; n > 0 {
		s.say.errorf("%s: %s failed, the report says which", out.Name, deletions(n))
		return out, exitFailed
	}
	return out, exitDone
}

// notLookedAt is a repository that a cancel or --timeout came before. The one that it came upon has said so already. A
// run that stops because its time is over does what it was asked to.
func notLookedAt(out report.Repository, cause error) (report.Repository, int) {
	out.Err = fmt.Errorf("not looked at: %w", cause)
	if errors.Is(cause, errTimeout) {
		return out, exitDone
	}
	return out, exitCode(cause)
}

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

// failed notes what went wrong with a repository, says it, and returns the exit code.
func (s *session) failed(out report.Repository, err error) (report.Repository, int) {
	line := explain(err)
	out.Err = errors.New(line)
	if done := out.Totals(); done.Manifests > 0 {
		s.say.errorf("%s: %s; %d manifests had been deleted", out.Name, line, done.Manifests)
	} else {
		s.say.errorf("%s: %s; nothing was deleted", out.Name, line)
	}
	if h := hint(err); h != "" {
		s.say.hintf("%s", h)
	}
	return out, exitCode(err)
}

// exitCode returns the exit code for an error that ended the work on a repository.
func exitCode(err error) int {
	var unmatched *noPolicyError
	switch {
	case errors.Is(err, context.Canceled):
		return exitCancelled
	case errors.Is(err, registry.ErrUnknownRepository), errors.Is(err, errNoMatch), errors.As(err, &unmatched):
		return exitUsage
	case errors.Is(err, registry.ErrIncomplete), errors.Is(err, prune.ErrRefused):
		return exitRefused
	}
	return exitRegistry
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

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
	shard    ci.Shard // the part of the repositories that is for this run; zero: all
	shardBy  string   // the variable that says so
	workers  int
	deleteBy prune.Method
	memo     memo
	collects bool // what is kept is verified after a collection, for which its manifests are read
	timeout  time.Duration
	progress *progress
	late     bool // --timeout has ended the run
	// resultsDir is where the results go as files; "" for nowhere.
	resultsDir string
}

// run prunes what the command line asks for and returns the exit code.
func (c *pruneCommand) run(ctx context.Context, p process, say talk) int {
	s, err := c.session(p, say)
	if err != nil {
		return badInput(p, say, err, hint(err))
	}
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.timeout, errTimeout)
		defer cancel()
	}
	sum := s.sweep(ctx)
	c.collectAfter(ctx, s, &sum)
	return s.publish(sum)
}

// atOnce is how many repositories are pruned at the same time. On a fast line one is enough to keep a registry busy; on a
// slow one the steps of each wait for answers. The requests of all of them share the limits of their registry.
const atOnce = 4

// sweep prunes the repositories. What happens to one does not stop the others.
func (s *session) sweep(ctx context.Context) report.Summary {
	sum := report.Summary{
		DryRun: s.dryRun, Started: s.started, Policy: s.policies.String(),
		CI: report.CI{Name: s.system.Name, BuildURL: s.system.BuildURL},
	}
	var names []oci.Repository
	for _, asked := range s.images.Repositories {
		found, err := s.clients.expand(ctx, asked)
		if err != nil {
			r, code := s.unread(ctx, report.Repository{Name: asked}, err)
			sum.Repositories, sum.ExitCode = append(sum.Repositories, r), worse(sum.ExitCode, code)
		}
		for _, name := range found {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	names, sum.Shard = s.share(names)
	swept, codes := make([]report.Repository, len(names)), make([]int, len(names))
	group := &errgroup.Group{}
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() error {
			one, said := *s, &bytes.Buffer{} // an error and its hint stay together
			one.say.w, one.memo.say.w = said, said
			swept[i], codes[i] = one.prune(ctx, name)
			s.progress.settle(said.Bytes())
			return nil
		})
	}
	_ = group.Wait() // the summary carries the errors
	sum.Repositories = append(sum.Repositories, swept...)
	for _, code := range codes {
		sum.ExitCode = worse(sum.ExitCode, code)
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, context.Canceled): // also when the last deletion was on its way
		sum.ExitCode = worse(sum.ExitCode, exitCancelled)
	case errors.Is(cause, errTimeout):
		s.late = true
		if len(sum.Repositories) > 0 && !slices.ContainsFunc(sum.Repositories, wasRead) {
			s.say.errorf("%v, and no repository was read", errTimeout)
			sum.ExitCode = worse(sum.ExitCode, exitRegistry)
		}
	}
	sum.Elapsed = s.process.now().Sub(s.started)
	return sum
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
	journal := s.memo.journal(name)
	if journal != nil {
		defer journal.Close()
	}
	built := s.images.PushedTo(name)
	// An id of an image is told by its config, which only a manifest names.
	byDigest := slices.ContainsFunc(built, func(p oci.Pushed) bool { return p.Digest != "" })
	snapshot, pushed, err := readBuilt(built, func(pushed []oci.Pushed) (oci.Snapshot, error) {
		wanted := registry.Query{Digests: namedDigests(pushed, policy, name), SkipDates: policy.NamesOnly() && !s.collects && !byDigest}
		if journal != nil {
			wanted.Digests = append(wanted.Digests, journal.Left()...)
		}
		return repository.Snapshot(ctx, wanted)
	})
	if err != nil {
		return s.unread(ctx, out, err)
	}
	if journal != nil {
		begun(snapshot, journal.Left())
	}
	plan := retain.Decide(snapshot, policy, pushed, s.started)
	out.Plan, out.Pushed = &plan, pushed
	return s.execute(ctx, out, repository, journalOf(journal))
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
func (s *session) execute(ctx context.Context, out report.Repository, r registry.Repository, journal prune.Journal) (report.Repository, int) {
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
	by := s.deleteBy
	if journal == nil && s.memo.err == nil { // another run has it, or it cannot be read: there was a warning
		by = prune.ByDigest
	}
	result := prune.Execute(ctx, plan, r, prune.Options{Workers: s.workers, Method: by, Journal: journal, Progress: s.progress.of(out.Name.String())})
	out.Outcomes, out.Way, out.Left = result.Outcomes, result.Method, result.Unfinished
	forget(r, plan, result)
	for _, w := range result.Warnings {
		s.say.warningf("%s: %s", out.Name, w)
	}
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
		out.Late = true
		return out, exitDone
	}
	return out, exitCode(cause)
}

// unread notes a repository that was not read. When it is --timeout that ended the reading, that is no failure, as it is
// none for the repositories behind it: a run over a whole registry is always reading one. [session.sweep] sees to it that
// a run which read nothing at all does not pass for a good one.
func (s *session) unread(ctx context.Context, out report.Repository, err error) (report.Repository, int) {
	if !errors.Is(context.Cause(ctx), errTimeout) || !errors.Is(err, errTimeout) && !errors.Is(err, context.DeadlineExceeded) {
		return s.failed(out, err)
	}
	out.Err, out.Late = errTimeout, true // that it was not read is told by the report
	s.say.warningf("%s: not read: %v", out.Name, errTimeout)
	return out, exitDone
}

// wasRead reports whether a repository was read, so that it has a plan.
func wasRead(r report.Repository) bool { return r.Plan != nil }

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
	case errors.Is(err, registry.ErrIncomplete), errors.Is(err, prune.ErrRefused),
		errors.Is(err, prune.ErrNoTagDeletion), errors.Is(err, prune.ErrTagDeletion), errors.Is(err, prune.ErrUnclear), errors.Is(err, prune.ErrNoJournal):
		return exitRefused
	}
	return exitRegistry
}

package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/report"
)

// stopped stands for a garbage collection that removes from the storage of the double, as [gc.Run] does.
type stopped struct {
	t        *testing.T
	reg      *registrytest.Registry
	verified gc.Check
	atRest   func(*gc.Stored)             // what has changed since the last look
	settled  func(n int) gc.RemovalStatus // what becomes of the nth removal; "" is not heard of
	err      error
}

func (s *stopped) stored(path string) gc.Stored {
	out := gc.Stored{Path: path, Tags: s.reg.Tags(path), Manifests: map[oci.Digest]bool{}}
	for _, d := range s.reg.Manifests(path) {
		out.Manifests[d] = true
	}
	return out
}

func (s *stopped) run(ctx context.Context, c gc.Client, o gc.Options) gc.Result {
	var all []gc.Stored
	for _, path := range o.Remover.Paths() {
		all = append(all, s.stored(path))
	}
	var err error
	if s.verified, err = c.Verify(ctx); err != nil {
		return gc.Result{Err: err}
	}
	if !o.Remover.Look(ctx, all) {
		return gc.Result{Skipped: "nothing is left to be removed"}
	}
	n := 0
	settle := func(path string, r gc.Removed, do func()) {
		r.Status = gc.RemovalDone
		if n++; s.settled != nil {
			r.Status = s.settled(n)
		}
		if r.Status == gc.RemovalDone || r.Status == gc.RemovalGone {
			do()
		}
		if r.Status != "" {
			o.Remover.Settle(path, r)
		}
	}
	for _, path := range o.Remover.Paths() {
		now := s.stored(path)
		if s.atRest != nil {
			s.atRest(&now)
		}
		chosen := o.Remover.Choose(now)
		for _, tag := range chosen.Tags {
			settle(path, gc.Removed{Tag: tag}, func() { s.reg.Untag(path, tag) })
		}
		for _, d := range slices.Concat(chosen.Levels...) {
			settle(path, gc.Removed{Digest: d}, func() { s.reg.Unlink(path, d) })
		}
	}
	return gc.Result{Via: "local:", Collected: s.err == nil, Err: s.err}
}

// offlineJob prunes team/a and team/b, which have four images each, in a stopped registry.
func offlineJob(t *testing.T) (*stopped, Job, World, *events) {
	t.Helper()
	reg := registrytest.New(t, registrytest.Options{Version: registrytest.V2})
	a, b := pushTo(t, reg, "team/a", 4), pushTo(t, reg, "team/b", 4)
	c := pushTo(t, reg, "team/c", 1)
	w, told := worldOf(t, reg)
	job := jobOf(t, a, 1)
	job.Images.Repositories = append(job.Images.Repositories, b, c)
	job.Method = prune.Offline
	s := &stopped{t: t, reg: reg}
	job.GC = &GCJob{Via: "local:", Run: s.run, Options: gc.Options{Mode: gc.Offline}}
	reg.ResetRequests()
	return s, job, w, told
}

// One stop is for all repositories. What their plans keep is verified, nothing is deleted over the API, and each outcome is
// told.
func TestPruneOffline(t *testing.T) {
	t.Parallel()
	s, job, w, told := offlineJob(t)
	sum := Prune(t.Context(), job, w)
	if sum.GC == nil || !sum.GC.Collected || s.verified.Images != 3 {
		t.Errorf("got %+v, verified %+v", sum.GC, s.verified)
	}
	for i, want := range []int{3, 3, 0} {
		if r := sum.Repositories[i]; r.Err != nil || r.Totals().Deleted != want || len(r.Warnings)+len(r.Unfinished) > 0 || want > 0 && r.Method != prune.Offline {
			t.Errorf("%s: %+v", r.Name, r)
		}
	}
	if n := s.reg.Count("DELETE", "*") + s.reg.Count("PUT", "*"); n > 0 || len(s.reg.Manifests("team/a")) != 1 || len(s.reg.Manifests("team/b")) != 1 {
		t.Errorf("%d requests have changed something", n)
	}
	done := 0
	for _, e := range told.all {
		if _, is := e.(RepositoryDone); is {
			done++
		}
	}
	if done != 3 {
		t.Errorf("%d repositories are told to be done", done)
	}
	job.GC.Run = func(context.Context, gc.Client, gc.Options) gc.Result {
		t.Error("the registry is stopped with nothing to delete")
		return gc.Result{}
	}
	if sum := Prune(t.Context(), job, w); sum.GC.Skipped == "" || sum.Totals().Deleted != 0 {
		t.Errorf("the next run: %+v", sum.GC)
	}
}

// What does not come to a removal is skipped with the reason, and nothing is deleted by another method.
func TestPruneOfflineKeeps(t *testing.T) {
	t.Parallel()
	other := func(*Job, *stopped, *World) {}
	for name, c := range map[string]struct {
		change  func(*Job, *stopped, *World)
		says    string // of an image
		gc      string // of the collection
		err     error  // of a repository
		cancels bool
	}{
		"a dry run": {func(j *Job, _ *stopped, _ *World) { j.DryRun = true }, "", "this is a dry run", nil, false},
		"too few":   {func(j *Job, _ *stopped, _ *World) { j.GC.MinDeleted = 7 }, "6 manifests are to be deleted, and a collection needs at least 7", "needs at least 7", nil, false},
		"the engine refuses": {func(_ *Job, s *stopped, _ *World) {
			s.err = &gc.Refusal{Why: "a lock"}
			s.atRest = func(g *gc.Stored) { g.Odd = "a link" }
		}, "a link", "", prune.ErrLayout, false},
		"a change at rest":    {func(_ *Job, s *stopped, _ *World) { s.atRest = func(g *gc.Stored) { g.Tags["x"] = "" } }, "tag x was pushed after the last look", "", nil, false},
		"no state folder":     {func(_ *Job, _ *stopped, w *World) { w.State = nil }, "not tried: there is no journal", "nothing is left", prune.ErrNoJournal, false},
		"another run at work": {another, "not tried: there is no journal", "nothing is left", prune.ErrNoJournal, false},
		"another kind":        {kindOf, "knows the storage of CNCF distribution alone", "0 manifests were deleted", ErrNotDistribution, false},
		"it is not confirmed": {func(_ *Job, _ *stopped, w *World) {
			w.Confirm = func(context.Context, report.Summary) bool { return false }
		}, "the plan was not confirmed", "0 manifests were deleted", nil, false},
		"a cancel after a plan": {other, "canceled", "canceled", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, job, w, _ := offlineJob(t)
			c.change(&job, s, &w)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.cancels {
				w.Confirm = func(context.Context, report.Summary) bool { cancel(); return true }
			}
			sum := Prune(ctx, job, w)
			r := sum.Repositories[0]
			for d, o := range r.Outcomes {
				if job.DryRun != (o.Status == prune.Planned) || !job.DryRun && (o.Status != prune.Skipped || !strings.Contains(o.Detail, c.says)) {
					t.Errorf("%s: %+v, want %q", d, o, c.says)
				}
			}
			if len(r.Outcomes) != 3 || !errors.Is(r.Err, c.err) || c.err == nil && r.Err != nil {
				t.Errorf("got %d outcomes, %v", len(r.Outcomes), r.Err)
			}
			if sum.GC == nil || !strings.Contains(sum.GC.Skipped, c.gc) {
				t.Errorf("got the collection %+v, want %q", sum.GC, c.gc)
			}
			if n := len(s.reg.Manifests("team/a")); n != 4 || s.reg.Count("DELETE", "*") > 0 {
				t.Errorf("%d manifests are left", n)
			}
		})
	}
}

// another has another run hold the journals.
func another(job *Job, s *stopped, w *World) {
	for _, name := range job.Images.Repositories {
		held, err := w.State.Journal(name)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = held.Close() })
	}
}

// kindOf makes the registry one of another kind.
func kindOf(_ *Job, _ *stopped, w *World) {
	open := w.Open
	w.Open = func(host string) (registry.Registry, error) {
		r, err := open(host)
		return harbor{r}, err
	}
}

type harbor struct{ registry.Registry }

func (harbor) Traits() registry.Traits { return registry.Traits{Kind: "harbor"} }

func (h harbor) Repository(path string) registry.Repository {
	return unrecognized{h.Registry.Repository(path)}
}

type unrecognized struct{ registry.Repository }

// A removal that is interrupted reports what it heard of, keeps the rest in the journal, and the next run finishes it.
func TestPruneOfflineInterrupted(t *testing.T) {
	t.Parallel()
	s, job, w, _ := offlineJob(t)
	s.err = errors.New("remove images from the storage: the connection was lost")
	s.settled = func(n int) gc.RemovalStatus {
		switch n {
		case 1, 2, 3, 4:
			return gc.RemovalDone
		}
		return ""
	}
	sum := Prune(t.Context(), job, w)
	a, b := sum.Repositories[0], sum.Repositories[1]
	if got := a.Totals(); got.Deleted != 1 || got.Unsettled != 2 || len(a.Unfinished) != 2 || a.Err != nil {
		t.Errorf("team/a: %+v, %v", got, a.Unfinished)
	}
	if got := b.Totals(); got.Skipped != 3 || len(b.Unfinished) > 0 {
		t.Errorf("team/b: %+v", got)
	}
	s.err, s.settled = nil, nil
	sum = Prune(t.Context(), job, w)
	if got := sum.Totals(); got.Deleted != 5 || got.Unsettled+got.Failed+got.Skipped > 0 || len(s.reg.Manifests("team/a"))+len(s.reg.Manifests("team/b")) != 2 {
		t.Errorf("the next run: %+v", got)
	}
}

// A run that is cancelled in the middle of the removal still looks at what has become of it, when the registry serves again.
func TestPruneOfflineCancelled(t *testing.T) {
	t.Parallel()
	s, job, w, _ := offlineJob(t)
	hurry := make(chan struct{})
	close(hurry) // the drain is over
	w.Hurry = hurry
	ctx, cancel := context.WithCancel(t.Context())
	s.settled = func(n int) gc.RemovalStatus {
		if n <= 4 {
			return gc.RemovalDone
		}
		cancel()
		return ""
	}
	s.err = context.Canceled
	sum := Prune(ctx, job, w)
	a, b := sum.Repositories[0], sum.Repositories[1]
	if a.Totals().Deleted != 1 || a.Totals().Unsettled != 2 || b.Totals().Skipped != 3 || !errors.Is(sum.Cause, context.Canceled) {
		t.Errorf("got %+v, %+v, %v", a.Totals(), b.Totals(), sum.Cause)
	}
	if len(a.Warnings)+len(b.Warnings) > 0 {
		t.Errorf("warned %q, %q", a.Warnings, b.Warnings)
	}
}

// What cannot be removed has failed, and the rest of the repository was not tried.
func TestPruneOfflineFails(t *testing.T) {
	t.Parallel()
	s, job, w, _ := offlineJob(t)
	s.settled = func(n int) gc.RemovalStatus {
		return []gc.RemovalStatus{gc.RemovalDone, gc.RemovalFailed, gc.RemovalSkipped, gc.RemovalSkipped, gc.RemovalSkipped, gc.RemovalSkipped, gc.RemovalGone}[min(n, 7)-1]
	}
	sum := Prune(t.Context(), job, w)
	a, b := sum.Repositories[0], sum.Repositories[1]
	if got := a.Totals(); got.Failed != 1 || got.Skipped != 2 || !a.Troubled() || len(a.Unfinished) != 1 {
		t.Errorf("team/a: %+v, %v", got, a.Unfinished)
	}
	if got := b.Totals(); got.Gone != 3 {
		t.Errorf("team/b: %+v", got)
	}
}

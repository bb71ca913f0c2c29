package prune_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// byWork is a clock that goes on by what the registry has done: a deletion by digest is dear on it.
func byWork(reg *registrytest.Registry) func() time.Time {
	return func() time.Time {
		at := now
		for _, r := range reg.Requests() {
			if at = at.Add(time.Millisecond); r.Method == "DELETE" && strings.Contains(r.Path, "/sha256:") {
				at = at.Add(99 * time.Millisecond)
			}
		}
		return at
	}
}

// changing is an execution that changes its method after 11 deletions: of 70 images, and then of a family.
func changing(t *testing.T, v registrytest.Version) (c methodCase, s *stage, l *ledger, f *family) {
	t.Helper()
	c, f = methodCase{prune.Auto, v}, &family{}
	s, l = c.stage(t, func(p fixture.Tester) {
		for i := range 70 {
			p.Image(fixture.Image{Tags: []string{fmt.Sprintf("old%d", i)}, Created: now.AddDate(-1, 0, i)})
		}
		f.push(p)
	})
	s.repo = untold{s.repo.(*distribution.Repository)}
	return c, s, l, f
}

// untold is a repository of a registry of which nobody knows what a deletion costs it.
type untold struct{ *distribution.Repository }

func (untold) ScansTags() bool { return false }

func (s *stage) change(ctx context.Context, l *ledger) prune.Result {
	return prune.Execute(ctx, s.plan, s.repo, prune.Options{Method: prune.Auto, Journal: l, Now: byWork(s.reg)})
}

// TestChangeOfMethod holds that a deletion by digest that is dear makes an execution remove tags first, after it has asked
// whether that works, with everything in the journal since before the first deletion.
func TestChangeOfMethod(t *testing.T) {
	t.Parallel()
	for v, c := range map[registrytest.Version]struct {
		method  prune.Method
		removed int
		why     string
	}{
		registrytest.V3: {prune.TagsFirst, 60, "so that after 11 of them regsweep changed to removing the tags first"},
		registrytest.V2: {prune.ByDigest, 0, "this registry does not remove tags by themselves"},
	} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			_, s, l, _ := changing(t, v)
			res := s.change(t.Context(), l)
			s.check(t, res)
			l.check(t, s, res)
			if got := count(res); res.Err != nil || got[prune.Deleted] != len(s.plan.Deletions()) || res.Method != c.method || len(res.Warnings) > 0 {
				t.Errorf("got %v by %s, %v, %q", got, res.Method, res.Err, res.Warnings)
			}
			if !strings.Contains(res.Why, c.why) || probes(s.reg) != 2 || len(l.lists[0]) != len(s.plan.Deletions()) || l.after[0] != 0 {
				t.Errorf("got %q, %d probes, a journal of %d after %d deletions", res.Why, probes(s.reg), len(l.lists[0]), l.after[0])
			}
			removed := 0
			for _, r := range s.reg.Requests() {
				if r.Method == "DELETE" && r.Status == 202 && !strings.Contains(r.Path, "/sha256:") {
					removed++
				}
			}
			if removed < c.removed || c.removed == 0 && removed > 0 {
				t.Errorf("got %d tags removed, want %d", removed, c.removed)
			}
		})
	}
}

// TestChangeOfMethodWithFaults holds the promises of every execution wherever a fault meets one that changes its method:
// before the change, at it, while tags are removed, and after that. The next run finishes it.
func TestChangeOfMethodWithFaults(t *testing.T) {
	t.Parallel()
	over := errors.New("the time is over")
	for name, fault := range map[string]registrytest.Fault{
		"a deletion without an answer":   {Method: "DELETE", Apply: true, Break: true},
		"the registry is down":           {Method: "DELETE", Times: -1, Status: 503},
		"the login may not delete":       {Method: "DELETE", Times: -1, Status: 403, Body: denied},
		"a cancel":                       {Method: "DELETE"},
		"a listing that fails":           {Method: "GET", Path: "*/tags/list", Times: -1, Status: 503},
		"a tag that cannot be looked at": {Method: "HEAD", Times: -1, Status: 503},
	} {
		for _, after := range []int{0, 5, 11, 12, 13, 40, 75} {
			t.Run(fmt.Sprintf("%s after %d", name, after), func(t *testing.T) {
				t.Parallel()
				c, s, l, f := changing(t, registrytest.V3)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				fault := fault
				if fault.After = after; name == "a cancel" {
					fault.Before = func() { cancel(over) }
				}
				s.reg.AddFault(fault)
				res := s.change(registry.WithDrain(ctx, t.Context()), l)
				s.reg.ClearFaults()
				s.check(t, res)
				for _, d := range s.stranded(t) { // where nothing leads to a manifest, the next run must know of it
					if !slices.Contains(l.last(), d) {
						t.Errorf("%v is not in the journal, after %v", s.names([]oci.Digest{d}), res.Err)
					}
				}
				c.next(t, s, l)
				if left := s.reg.Manifests("team/app"); len(left) != 1 || left[0] != f.kept {
					t.Errorf("left: %d manifests, in the journal %v", len(left), s.names(l.last()))
				}
			})
		}
	}
}

// TestChangeOfMethodKeepsWhatIsTagged holds that an image stays that gets a new tag while the tags of others are removed.
func TestChangeOfMethodKeepsWhatIsTagged(t *testing.T) {
	t.Parallel()
	for _, after := range []int{11, 12, 13, 20, 60} {
		t.Run(fmt.Sprintf("after %d deletions", after), func(t *testing.T) {
			t.Parallel()
			_, s, l, f := changing(t, registrytest.V3)
			s.reg.AddFault(registrytest.Fault{Method: "DELETE", After: after, Before: func() { s.reg.SetTag("team/app", "stable", f.index) }})
			res := s.change(t.Context(), l)
			if res.Method != prune.TagsFirst || s.reg.Tags("team/app")["stable"] != f.index || !has(s.reg, f.index) || !has(s.reg, f.arm) {
				t.Errorf("got %v by %s, %v", res.Outcomes[f.index], res.Method, res.Err)
			}
		})
	}
}

// A journal that cannot be written leaves deletion by digest, and one that cannot be brought up to date is told.
func TestAutoWithAJournalThatIsFull(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		journal func(int) error
		method  prune.Method
	}{
		"from the start": {func(int) error { return errWrite }, prune.ByDigest},
		"in the end": {func(n int) error {
			if n > 0 {
				return errWrite
			}
			return nil
		}, prune.TagsFirst},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s, l, _ := changing(t, registrytest.V3)
			l.fail = c.journal
			res := s.change(t.Context(), l)
			s.check(t, res)
			if got := count(res); res.Err != nil || res.Method != c.method || got[prune.Deleted] != len(s.plan.Deletions()) || len(res.Warnings) == 0 {
				t.Errorf("%v by %s, %v, warnings %q", got, res.Method, res.Err, res.Warnings)
			}
		})
	}
}

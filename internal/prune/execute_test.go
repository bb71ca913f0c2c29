package prune_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

// denied is how a registry says that the login may not do what it asks for.
const denied = `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// stage is a repository on the double with its plan.
type stage struct {
	reg  *registrytest.Registry
	repo registry.Repository
	push fixture.Tester
	plan retain.Plan
}

// images pushes builds b0 (the oldest) to b<n-1>, one a day.
func images(push fixture.Tester, n int) []oci.Digest {
	var out []oci.Digest
	for i := range n {
		out = append(out, push.Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", i)}, Created: now.AddDate(0, 0, i-n)}))
	}
	return out
}

func newStage(t *testing.T, o registrytest.Options, push func(fixture.Tester)) *stage {
	t.Helper()
	s := &stage{reg: registrytest.New(t, o)}
	s.push = s.reg.Pusher(t, "team/app")
	push(s.push)
	s.repo = open(t, s.reg)
	snapshot, err := s.repo.Snapshot(t.Context(), registry.Query{})
	if err != nil {
		t.Fatal(err)
	}
	s.plan = retain.Decide(snapshot, retain.Policy{KeepLast: 1}, retain.Context{}, now)
	s.reg.ResetRequests()
	return s
}

// open opens the repository team/app.
func open(t *testing.T, reg *registrytest.Registry) registry.Repository {
	t.Helper()
	r, err := distribution.Open(reg.Host(), registry.Options{RetryBase: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return r.Repository("team/app")
}

func (s *stage) execute(t *testing.T) prune.Result {
	t.Helper()
	res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{})
	s.check(t, res)
	return res
}

// check holds the promises of every execution.
func (s *stage) check(t *testing.T, res prune.Result) {
	t.Helper()
	doomed := s.plan.Deletions()
	if len(res.Outcomes) != len(doomed) {
		t.Errorf("%d outcomes for %d deletions", len(res.Outcomes), len(doomed))
	}
	left := s.reg.Manifests("team/app")
	for _, d := range s.plan.Decisions {
		o, has := res.Outcomes[d.Image.Digest]
		there := slices.Contains(left, d.Image.Digest)
		switch {
		case d.Verdict == retain.Keep && has:
			t.Errorf("%s is kept and has the outcome %v", retain.Name(d.Image), o)
		case d.Verdict == retain.Delete && !has:
			t.Errorf("%s has no outcome", retain.Name(d.Image))
		case (o.Status == prune.Failed || o.Status == prune.Skipped) && o.Detail == "":
			t.Errorf("%s is %s and nobody knows why", retain.Name(d.Image), o.Status)
		case o.Status == prune.Deleted && there:
			t.Errorf("%s is said to be deleted and is there", retain.Name(d.Image))
		case d.Verdict == retain.Keep && !there:
			t.Errorf("%s is kept and is not there any more", retain.Name(d.Image))
		}
	}
}

func count(res prune.Result) map[prune.Status]int {
	out := map[prune.Status]int{}
	for _, o := range res.Outcomes {
		out[o.Status]++
	}
	return out
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for _, v := range []registrytest.Version{registrytest.V2, registrytest.V3} {
		s := newStage(t, registrytest.Options{Version: v}, func(p fixture.Tester) { images(p, 20) })
		res := s.execute(t)
		if got := count(res); res.Err != nil || got[prune.Deleted] != 19 {
			t.Errorf("%s: %v, %v", v, got, res.Err)
		}
		if tags := s.reg.Tags("team/app"); len(tags) != 1 || tags["b19"] == "" {
			t.Errorf("%s: left %v, want b19", v, tags)
		}
	}
}

func TestNothingToDoAsksNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 1) })
	if res := s.execute(t); res.Err != nil || len(s.reg.Requests()) != 0 {
		t.Errorf("%v with %d requests, want none", res.Err, len(s.reg.Requests()))
	}
}

func TestRefusedPlanIsNotExecuted(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 3) })
	s.plan.Refusals = []retain.Refusal{{Guard: retain.GuardMaxDelete, Detail: "too many"}}
	res := s.execute(t)
	if !errors.Is(res.Err, prune.ErrRefused) || count(res)[prune.Skipped] != 2 || len(s.reg.Requests()) != 0 {
		t.Errorf("%v, %v, %d requests", res.Err, count(res), len(s.reg.Requests()))
	}
}

// What somebody tags between the plan and its execution lives.
func TestSparedWhatSomebodyNeedsMeanwhile(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(s *stage, ds []oci.Digest){
		"a new tag":          func(s *stage, ds []oci.Digest) { s.reg.SetTag("team/app", "stable", ds[0]) },
		"a doomed tag moved": func(s *stage, ds []oci.Digest) { s.reg.SetTag("team/app", "b1", ds[0]) },
		"a new index that lists it": func(s *stage, ds []oci.Digest) {
			s.push.Index(fixture.Index{Tags: []string{"multi"}, Children: ds[:1]})
		},
		"an index inside a new one":  func(s *stage, ds []oci.Digest) { nested(s.push, ds[:1]) },
		"a doomed tag becomes index": func(s *stage, ds []oci.Digest) { s.push.Index(fixture.Index{Tags: []string{"b1"}, Children: ds[:1]}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ds []oci.Digest
			s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { ds = images(p, 4) })
			meanwhile(s, ds)
			res := s.execute(t)
			if o := res.Outcomes[ds[0]]; o.Status != prune.Skipped || !slices.Contains(s.reg.Manifests("team/app"), ds[0]) {
				t.Errorf("b0: %+v", o)
			}
			if got := count(res); got[prune.Deleted] != 2 {
				t.Errorf("%v, want 2 deleted", got)
			}
		})
	}
}

func nested(p fixture.Tester, ds []oci.Digest) {
	inner := p.Index(fixture.Index{Children: ds})
	p.Index(fixture.Index{Tags: []string{"outer"}, Children: []oci.Digest{inner}})
}

func TestNothingIsDeletedWhenTheSecondLookFails(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 4) })
	s.reg.AddFault(registrytest.Fault{Path: "*/manifests/b2", Times: -1, Status: 500})
	res := s.execute(t)
	if res.Err == nil || count(res)[prune.Skipped] != 3 || s.reg.Count("DELETE", "*") != 0 {
		t.Errorf("%v, %v, %d deletions", res.Err, count(res), s.reg.Count("DELETE", "*"))
	}
}

// An index goes before its children and a subject before what is attached to it.
func TestOrder(t *testing.T) {
	t.Parallel()
	var arm, index, inner, outer, signature, childSignature oci.Digest
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) {
		arm = p.Image(fixture.Image{Seed: "arm", Created: now.AddDate(0, 0, -9)})
		index = p.Index(fixture.Index{Tags: []string{"old"}, Children: []oci.Digest{arm}})
		inner = p.Index(fixture.Index{Children: []oci.Digest{arm, p.Provenance(arm)}})
		outer = p.Index(fixture.Index{Tags: []string{"older"}, Children: []oci.Digest{inner}})
		signature = p.Signature(index, ".sig")
		childSignature = p.Signature(arm, ".sig")
		p.Image(fixture.Image{Tags: []string{"new"}, Created: now})
	})
	if got := count(s.execute(t)); got[prune.Deleted] != 7 {
		t.Fatalf("%v, want 7 deleted", got)
	}
	var order []string
	for _, r := range s.reg.Requests() {
		if r.Method == "DELETE" {
			order = append(order, r.Path)
		}
	}
	place := func(d oci.Digest) int {
		return slices.IndexFunc(order, func(p string) bool { return strings.HasSuffix(p, d.String()) })
	}
	for _, c := range [][2]oci.Digest{{index, arm}, {outer, inner}, {inner, arm}, {index, signature}, {arm, childSignature}} {
		if place(c[0]) > place(c[1]) {
			t.Errorf("%s was deleted after %s: %q", c[0], c[1], order)
		}
	}
}

func TestPartsStayWithAWholeThatStays(t *testing.T) {
	t.Parallel()
	var index oci.Digest
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) {
		arm := p.Image(fixture.Image{Seed: "arm", Created: now.AddDate(0, 0, -9)})
		index = p.Index(fixture.Index{Tags: []string{"old"}, Children: []oci.Digest{arm}})
		p.Signature(index, ".sig")
		images(p, 3)
	})
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*" + index.String(), Times: -1, Status: 500})
	res := s.execute(t)
	if got := count(res); got[prune.Failed] != 1 || got[prune.Skipped] != 2 || got[prune.Deleted] != 2 || res.Err != nil {
		t.Errorf("%v, %v; want 1 failed, its 2 parts skipped, 2 deleted", got, res.Err)
	}
}

// A registry that deletes nothing is asked once, not once for each worker and image.
func TestDisabledDeletionIsAskedOnce(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]registrytest.Options{
		"disabled":  {DisableDelete: true},
		"read-only": {ReadOnly: true},
		"2.8":       {DisableDelete: true, Version: registrytest.V2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, o, func(p fixture.Tester) { images(p, 30) })
			res := s.execute(t)
			var answer *registry.Error
			if got := count(res); !errors.As(res.Err, &answer) || got[prune.Failed] != 1 || got[prune.Skipped] != 28 || s.reg.Count("DELETE", "*") != 1 {
				t.Errorf("%v, %v, %d deletions asked for", res.Err, got, s.reg.Count("DELETE", "*"))
			}
		})
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	t.Run("from the start", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 30) })
		s.reg.AddFault(registrytest.Fault{Method: "DELETE", Times: -1, Status: 403, Body: denied})
		if res := s.execute(t); res.Err == nil || s.reg.Count("DELETE", "*") != 1 {
			t.Errorf("%v, %d deletions asked for, want an error after 1", res.Err, s.reg.Count("DELETE", "*"))
		}
	})
	t.Run("one image", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 30) })
		s.reg.AddFault(registrytest.Fault{Method: "DELETE", After: 5, Status: 403, Body: denied})
		res := s.execute(t)
		if got := count(res); res.Err != nil || got[prune.Failed] != 1 || got[prune.Deleted] != 28 {
			t.Errorf("%v, %v; want 1 failed and 28 deleted", res.Err, got)
		}
	})
}

func TestBrokenRegistryIsNotHammered(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 40) })
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", Times: -1, Status: 500})
	res := s.execute(t)
	if n := s.reg.Count("DELETE", "*"); res.Err == nil || n != 5*6 {
		t.Errorf("%v after %d requests, want an error after 5 deletions with 6 tries each", res.Err, n)
	}
}

func TestGoneIsNoFailure(t *testing.T) {
	t.Parallel()
	var ds []oci.Digest
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { ds = images(p, 4) })
	s.reg.Remove("team/app", ds[0])
	res := s.execute(t)
	if got := count(res); res.Err != nil || got[prune.Gone] != 1 || got[prune.Deleted] != 2 {
		t.Errorf("%v, %v", got, res.Err)
	}
}

// On a cancel the deletions on their way are finished and reported, and no other begins.
func TestCancelDrains(t *testing.T) {
	t.Parallel()
	const workers = 3
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 30) })
	ctx, cancel := context.WithCancel(t.Context())
	release, arrived := make(chan struct{}), make(chan struct{}, 100)
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", After: 1, Times: -1, Until: release, Before: func() { arrived <- struct{}{} }})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range workers {
			<-arrived
		}
		cancel()
		close(release)
	})
	res := prune.Execute(ctx, s.plan, s.repo, prune.Options{Workers: workers})
	wg.Wait()
	s.check(t, res)
	if got := count(res); !errors.Is(res.Err, context.Canceled) || got[prune.Deleted] != 1+workers || got[prune.Skipped] != 28-workers {
		t.Errorf("%v, %v; want %d deleted and the rest skipped", got, res.Err, 1+workers)
	}
	if n := s.reg.Count("DELETE", "*"); n != 1+workers {
		t.Errorf("%d deletions arrived, want %d", n, 1+workers)
	}
}

// A cut run finishes what it has begun: parts without a tag are in no listing, so nobody would find them again.
func TestCancelTakesThePartsAlong(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) {
		for n := range 6 {
			at := now.AddDate(0, 0, n-6)
			arm := p.Image(fixture.Image{Seed: fmt.Sprintf("arm%d", n), Created: at})
			amd := p.Image(fixture.Image{Seed: fmt.Sprintf("amd%d", n), Created: at})
			p.Signature(p.Index(fixture.Index{Tags: []string{fmt.Sprintf("b%d", n)}, Children: []oci.Digest{arm, amd}}), ".sig")
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", After: 4, Before: cancel}) // the second index
	res := prune.Execute(ctx, s.plan, s.repo, prune.Options{Workers: 1})
	s.check(t, res)
	if got := count(res); !errors.Is(res.Err, context.Canceled) || got[prune.Deleted] != 8 || got[prune.Skipped] != 12 {
		t.Errorf("%v, %v; want two images deleted with their parts", got, res.Err)
	}
	if left := len(s.reg.Manifests("team/app")); left != 16 {
		t.Errorf("%d manifests are left, want 4 whole images", left)
	}
}

// What was never sent has not failed.
func TestCancelWhileWaiting(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 30) })
	ctx, cancel := context.WithCancel(t.Context())
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", After: 5, Edit: func(r *registrytest.Response) {
		r.Status, r.Header = 429, http.Header{"Retry-After": {"200"}}
		time.AfterFunc(50*time.Millisecond, cancel)
	}})
	drain, end := context.WithCancel(context.WithoutCancel(t.Context()))
	defer end()
	context.AfterFunc(ctx, func() { time.AfterFunc(50*time.Millisecond, end) })
	res := prune.Execute(registry.WithDrain(ctx, drain), s.plan, s.repo, prune.Options{})
	s.check(t, res)
	sent := s.reg.Count("DELETE", "*")
	if got := count(res); !errors.Is(res.Err, context.Canceled) || got[prune.Failed] > 1 || got[prune.Deleted]+got[prune.Failed] != sent {
		t.Errorf("%v, %v; %d were sent", got, res.Err, sent)
	}
}

// A long run looks again: what is tagged while it goes on lives.
func TestLooksAgainWhileItGoesOn(t *testing.T) {
	t.Parallel()
	var ds []oci.Digest
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { ds = images(p, 10) })
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", After: 3, Before: func() { s.reg.SetTag("team/app", "prod", ds[8]) }})
	res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Workers: 1, LookEvery: time.Nanosecond})
	s.check(t, res)
	if o := res.Outcomes[ds[8]]; o.Status != prune.Skipped || count(res)[prune.Deleted] != 8 {
		t.Errorf("b8: %+v of %v", o, count(res))
	}
}

func TestWorkersAreBounded(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 30) })
	var mu sync.Mutex
	var running, most, calls int
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", Times: -1, Edit: func(*registrytest.Response) {
		mu.Lock()
		defer mu.Unlock()
		running--
	}, Before: func() {
		mu.Lock()
		defer mu.Unlock()
		running++
		most = max(most, running)
	}})
	res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Workers: 9, Traits: registry.Traits{AtOnce: 2}, Progress: func(done, all int) {
		calls++ // never two at a time, says the race detector
		if done != calls || all != 29 {
			t.Errorf("progress %d of %d at call %d", done, all, calls)
		}
	}})
	if most > 2 || calls != 29 || count(res)[prune.Deleted] != 29 {
		t.Errorf("%d at a time, %d calls of progress, %v", most, calls, count(res))
	}
}

func TestDryAndSkip(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 4) })
	if got := count(prune.Dry(s.plan)); got[prune.Planned] != 3 {
		t.Errorf("dry: %v", got)
	}
	if got := count(prune.Skip(s.plan, "because")); got[prune.Skipped] != 3 {
		t.Errorf("skip: %v", got)
	}
}

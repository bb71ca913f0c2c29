package prune_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

// ledger is a journal that remembers every list that was written, beside the requests that had been answered then.
type ledger struct {
	mu    sync.Mutex
	reg   *registrytest.Registry
	lists [][]oci.Digest
	tags  map[string]oci.Digest // of the latest list
	after []int                 // writes to the registry before each list
	fail  func(n int) error     // of the n-th list; nil never fails
	begun map[string]oci.Digest // by an earlier run
}

func (l *ledger) Begun() map[string]oci.Digest { return l.begun }

func (l *ledger) Write(begun []oci.Image) error {
	var digests []oci.Digest
	tags := map[string]oci.Digest{}
	for _, i := range begun {
		digests = append(digests, i.Digest)
		for _, t := range slices.Concat(i.Tags, i.Removed) {
			tags[t] = i.Digest
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		if err := l.fail(len(l.lists)); err != nil {
			return err
		}
	}
	l.tags = tags
	l.lists, l.after = append(l.lists, slices.Clone(digests)), append(l.after, l.reg.Count("DELETE", "*")+l.reg.Count("PUT", "*")-probes(l.reg))
	return nil
}

// probes counts the questions that destroy nothing.
func probes(reg *registrytest.Registry) int {
	n := 0
	for _, r := range reg.Requests() {
		if r.Method == "DELETE" && (r.Status == 404 || r.Status == 400) {
			n++
		}
	}
	return n
}

// last is what the journal lists in the end.
func (l *ledger) last() []oci.Digest {
	if len(l.lists) == 0 {
		return nil
	}
	return l.lists[len(l.lists)-1]
}

// methodCase is one way on a registry that it works on.
type methodCase struct {
	method  prune.Method
	version registrytest.Version
}

var methodCases = []methodCase{
	{prune.ByDigest, registrytest.V2},
	{prune.ByDigest, registrytest.V3},
	{prune.TagsFirst, registrytest.V3},
	{prune.Retag, registrytest.V2},
}

// eachWay runs a test in every way.
func eachWay(t *testing.T, f func(t *testing.T, c methodCase)) {
	for _, c := range methodCases {
		t.Run(fmt.Sprintf("%s on %s", c.method, c.version), func(t *testing.T) {
			t.Parallel()
			f(t, c)
		})
	}
}

// eachTagWay runs a test in the ways that remove tags.
func eachTagWay(t *testing.T, f func(t *testing.T, c methodCase)) {
	eachWay(t, func(t *testing.T, c methodCase) {
		if c.method != prune.ByDigest {
			f(t, c)
		}
	})
}

// removal is the fault that meets the removal of a tag.
func (c methodCase) removal(tag string) registrytest.Fault {
	f := registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + tag}
	if c.method == prune.Retag {
		f.Method = "PUT"
	}
	return f
}

// stage builds a repository for the way.
func (c methodCase) stage(t *testing.T, push func(fixture.Tester)) (*stage, *ledger) {
	t.Helper()
	s := newStage(t, registrytest.Options{Version: c.version}, push)
	return s, &ledger{reg: s.reg}
}

func (c methodCase) execute(t *testing.T, s *stage, l *ledger) prune.Result {
	t.Helper()
	return c.executeWith(t.Context(), t, s, prune.Options{Journal: l})
}

func (c methodCase) executeWith(ctx context.Context, t *testing.T, s *stage, o prune.Options) prune.Result {
	t.Helper()
	o.Method = c.method
	res := prune.Execute(ctx, s.plan, s.repo, o)
	s.check(t, res)
	l, ok := o.Journal.(*ledger)
	if !ok {
		return res
	}
	l.check(t, s, res)
	return res
}

// check holds the promise of the journal: afterwards it lists what is still there and reached by nothing, and only that.
func (l *ledger) check(t *testing.T, s *stage, res prune.Result) {
	t.Helper()
	if len(l.lists) == 0 {
		return
	}
	left := slices.Sorted(slices.Values(l.last()))
	left = slices.DeleteFunc(left, func(d oci.Digest) bool { // its tags are to be put back
		return len(res.Untagged[d]) > 0 && !slices.Contains(res.Unfinished, d)
	})
	if !slices.Equal(left, slices.Sorted(slices.Values(res.Unfinished))) {
		t.Errorf("the journal lists %q, the result says %q", left, res.Unfinished)
	}
	if want := s.stranded(t); !slices.Equal(left, want) {
		t.Errorf("the journal lists %v, but without a name are %v", s.names(left), s.names(want))
	}
}

// stranded are the doomed manifests that are still there and reached by no tag, through nothing.
func (s *stage) stranded(t *testing.T) []oci.Digest {
	t.Helper()
	later, err := s.repo.Refresh(t.Context(), s.plan.Snapshot(), nil)
	if err != nil {
		t.Fatal(err)
	}
	there := s.reg.Manifests("team/app")
	byDigest, attached := map[oci.Digest]oci.Image{}, map[oci.Digest][]oci.Digest{}
	for _, i := range append(s.plan.Snapshot().Images, later.Images...) {
		if !slices.Contains(there, i.Digest) {
			continue
		}
		byDigest[i.Digest] = i
		if i.Subject != "" {
			attached[i.Subject] = append(attached[i.Subject], i.Digest)
		}
	}
	reached := map[oci.Digest]bool{}
	var reach func(d oci.Digest)
	reach = func(d oci.Digest) {
		if _, there := byDigest[d]; !there || reached[d] {
			return
		}
		reached[d] = true
		for _, next := range append(slices.Clone(byDigest[d].Children), attached[d]...) {
			reach(next)
		}
	}
	for _, d := range s.reg.Tags("team/app") {
		reach(d)
	}
	var out []oci.Digest
	for _, d := range s.plan.Deletions() {
		lost := d.Image.Kind == oci.KindAttachment && slices.ContainsFunc(d.Image.Subjects(), func(s oci.Digest) bool { return !slices.Contains(there, s) })
		if slices.Contains(there, d.Image.Digest) && (lost || !reached[d.Image.Digest]) {
			out = append(out, d.Image.Digest)
		}
	}
	slices.Sort(out)
	return out
}

// names are what the plan calls digests.
func (s *stage) names(ds []oci.Digest) []string {
	var out []string
	for _, d := range ds {
		name := d.String()
		for _, i := range s.plan.Snapshot().Images {
			if i.Digest == d {
				name = strings.Join(append(i.Tags, string(i.Kind), name[:14]), " ")
			}
		}
		out = append(out, name)
	}
	return out
}

// mutations are the requests that changed the registry, a line each.
func mutations(reg *registrytest.Registry) []string {
	var out []string
	for _, r := range reg.Requests() {
		if r.Method != "GET" && r.Method != "HEAD" && r.Status < 300 {
			out = append(out, r.Method+" "+r.Path[strings.LastIndex(r.Path, "/")+1:])
		}
	}
	return out
}

func has(reg *registrytest.Registry, d oci.Digest) bool {
	return slices.Contains(reg.Manifests("team/app"), d)
}

func TestEveryWayDeletesTheSame(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, c methodCase) {
		var kept []oci.Digest
		s, l := c.stage(t, func(p fixture.Tester) {
			ds := images(p, 6)
			p.Tag(ds[1], "one", "uno")
			arm := p.Image(fixture.Image{Seed: "arm", Created: now.AddDate(0, 0, -9)})
			index := p.Index(fixture.Index{Tags: []string{"multi"}, Children: []oci.Digest{arm, ds[2]}})
			signature := p.Signature(index, ".sig")
			p.Signature(signature, ".sig")
			p.Referrer(ds[3], "application/spdx+json")
			kept = []oci.Digest{ds[5], p.Signature(ds[5], ".sig")}
		})
		res := c.execute(t, s, l)
		if got := count(res); res.Err != nil || got[prune.Deleted] != 11 || res.Method != c.method {
			t.Errorf("%v, %v by %s; want 11 deleted", got, res.Err, res.Method)
		}
		if left := s.reg.Manifests("team/app"); len(left) != 2 || !has(s.reg, kept[0]) || !has(s.reg, kept[1]) {
			t.Errorf("%d manifests are left, want the kept one and its signature", len(left))
		}
		if len(s.reg.Tags("team/app")) != 2 || len(l.last()) != 0 {
			t.Errorf("left are the tags %v and in the journal %v", s.reg.Tags("team/app"), l.last())
		}
	})
}

// A tag that is read, and then moved before its removal is sent, is left alone however long the removal had to wait.
func TestMovedTagIsLeftAlone(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		s, l := c.stage(t, func(p fixture.Tester) { images(p, 4) })
		var fresh oci.Digest
		move := c.removal("b1")
		// The first try finds the registry busy; while it waits for the second the tag gets a new image.
		move.Status, move.Before = 503, func() { fresh = s.push.Image(fixture.Image{Tags: []string{"b1"}, Seed: "fresh", Created: now}) }
		s.reg.AddFault(move)
		res := c.execute(t, s, l)
		if at := s.reg.Tags("team/app")["b1"]; at != fresh || !has(s.reg, fresh) {
			t.Errorf("b1 points at %q, want the new image %s", at, fresh)
		}
		if got := count(res); res.Err != nil || got[prune.Deleted] != 3 {
			t.Errorf("%v, %v; want the three doomed images deleted", got, res.Err)
		}
	})
}

// A lost answer hides that the tag has gone; what is pushed to it then is not removed by the second try.
func TestTagPushedAgainAfterALostAnswer(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		s, l := c.stage(t, func(p fixture.Tester) { images(p, 4) })
		lost := c.removal("b1")
		lost.Apply, lost.Break = true, true
		s.reg.AddFault(lost)
		look := registrytest.Fault{Method: "HEAD", Path: "*/manifests/b1", After: 1}
		var fresh oci.Digest
		look.Before = func() { fresh = s.push.Image(fixture.Image{Tags: []string{"b1"}, Seed: "fresh", Created: now}) }
		s.reg.AddFault(look)
		c.execute(t, s, l)
		if at := s.reg.Tags("team/app")["b1"]; fresh == "" || at != fresh || !has(s.reg, fresh) {
			t.Errorf("b1 points at %q, want the new image %q", at, fresh)
		}
	})
}

var errWrite = errors.New("disk full")

// An image that gets the same tag back after it was removed is needed, though the tag is the one that the plan knows.
func TestRemovedTagThatComesBack(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var ds []oci.Digest
		s, l := c.stage(t, func(p fixture.Tester) { ds = images(p, 6) })
		back := registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + ds[0].String(), Before: func() { s.push.Tag(ds[3], "b3") }}
		s.reg.AddFault(back)
		res := c.executeWith(t.Context(), t, s, prune.Options{Journal: l, Workers: 1, LookEvery: time.Nanosecond})
		if o := res.Outcomes[ds[3]]; o.Status != prune.Skipped || !has(s.reg, ds[3]) || s.reg.Tags("team/app")["b3"] != ds[3] {
			t.Errorf("b3: %+v", o)
		}
		if got := count(res); got[prune.Deleted] != 4 {
			t.Errorf("%v, want 4 deleted", got)
		}
	})
}

// Without anything left that the plan keeps nothing is deleted, and what has lost its tags stays in the journal.
func TestNothingLeftMeanwhile(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var ds []oci.Digest
		s, l := c.stage(t, func(p fixture.Tester) { ds = images(p, 4) })
		gone := c.removal("b2")
		gone.Before = func() { s.reg.Remove("team/app", ds[3]) }
		s.reg.AddFault(gone)
		res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Method: c.method, Journal: l})
		if got := count(res); got[prune.Skipped] != 3 || len(l.last()) != 3 {
			t.Errorf("%v, %d in the journal, want 3 skipped and in the journal", got, len(l.last()))
		}
	})
}

// The placeholder of a run that is cancelled right after pushing it goes.
func TestPlaceholderOfACancelledRun(t *testing.T) {
	t.Parallel()
	s, l := methodCase{prune.Retag, registrytest.V2}.stage(t, func(p fixture.Tester) { images(p, 4) })
	ctx, cancel := context.WithCancel(t.Context())
	s.reg.AddFault(registrytest.Fault{Method: "PUT", Path: "*/blobs/uploads/*", Before: cancel})
	res := prune.Execute(ctx, s.plan, s.repo, prune.Options{Method: prune.Retag, Journal: l})
	s.check(t, res)
	l.check(t, s, res)
	if n := len(s.reg.Manifests("team/app")); !errors.Is(res.Err, context.Canceled) || n != 4 || len(s.reg.Tags("team/app")) != 4 {
		t.Errorf("%v; %d manifests and the tags %v are left, want what was there", res.Err, n, s.reg.Tags("team/app"))
	}
}

// What is part of several wholes keeps its tag until the last of them has lost its own.
func TestTagOfAPartWaitsForEveryWhole(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var index, part oci.Digest
		s, l := c.stage(t, func(p fixture.Tester) {
			part = p.Image(fixture.Image{Tags: []string{"part"}, Created: now.AddDate(0, 0, -9)})
			inner := p.Index(fixture.Index{Children: []oci.Digest{part}})
			index = p.Index(fixture.Index{Tags: []string{"middle"}, Children: []oci.Digest{inner, inner}})
			p.Index(fixture.Index{Tags: []string{"outer"}, Children: []oci.Digest{index}})
			p.Index(fixture.Index{Tags: []string{"other"}, Children: []oci.Digest{part, part}})
			images(p, 1)
		})
		need := c.removal("middle")
		need.Before = func() { s.push.Tag(index, "prod") }
		s.reg.AddFault(need)
		c.execute(t, s, l)
		if tags := s.reg.Tags("team/app"); tags["prod"] != index || tags["part"] != part {
			t.Errorf("left are %v, want prod and part", tags)
		}
	})
}

// A journal of an earlier run is brought up to date in every way, also when there is nothing to be written down before.
func TestJournalOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, c methodCase) {
		var loose, used oci.Digest
		s, l := c.stage(t, func(p fixture.Tester) {
			images(p, 3)
			loose = p.Image(fixture.Image{Seed: "loose", Created: now.AddDate(0, 0, -20)})
			used = p.Image(fixture.Image{Seed: "used", Created: now.AddDate(0, 0, -20)})
		})
		snapshot, err := s.repo.Snapshot(t.Context(), registry.Query{Digests: []oci.Digest{loose, used}})
		if err != nil {
			t.Fatal(err)
		}
		inUse, err := inuse.Parse("pods", "team/app@"+used.String())
		if err != nil {
			t.Fatal(err)
		}
		s.plan = retain.Decide(snapshot, retain.Policy{KeepLast: 1, InUse: []inuse.Text{inUse}}, retain.Context{Pending: []oci.Digest{loose, used}}, now)
		res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Method: c.method, Journal: l})
		s.check(t, res)
		if has(s.reg, loose) || !has(s.reg, used) || count(res)[prune.Deleted] != 3 {
			t.Errorf("%v", res.Outcomes)
		}
		if len(l.lists) == 0 || !slices.Equal(l.last(), []oci.Digest{used}) {
			t.Errorf("the journal has %v, want what is in use and has no name", s.names(l.last()))
		}
	})
}

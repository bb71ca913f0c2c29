package prune_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

// stored is what the storage of the double holds.
func (s *stage) stored() prune.Stored {
	out := prune.Stored{Tags: s.reg.Tags("team/app"), Manifests: map[oci.Digest]bool{}}
	for _, d := range s.reg.Manifests("team/app") {
		out.Manifests[d] = true
	}
	return out
}

// offline is a removal from the storage of a double.
type offline struct {
	*stage
	*prune.Removal
	journal *ledger
	steps   int // how many removals are carried out, and told; a negative number is all
	told    int // how many of these are told; a negative number is all
}

func newOffline(t *testing.T, push func(fixture.Tester)) *offline {
	t.Helper()
	s := newStage(t, registrytest.Options{Version: registrytest.V2}, push)
	journal := &ledger{reg: s.reg}
	return &offline{s, prune.NewRemoval(s.plan, s.repo, prune.Options{Journal: journal}), journal, -1, -1}
}

// remove does what the storage is told to, up to the number of steps.
func (o *offline) remove(now prune.Stored) (tags []string, levels [][]oci.Digest) {
	tags, levels = o.Choose(now)
	n := 0
	step := func(do, tell func()) {
		if n++; o.steps >= 0 && n > o.steps {
			return
		}
		if do(); o.told < 0 || n <= o.told {
			tell()
		}
	}
	for _, t := range tags {
		step(func() { o.reg.Untag("team/app", t) }, func() { o.SettleTag(t, true, "") })
	}
	for _, d := range slices.Concat(levels...) {
		step(func() { o.reg.Unlink("team/app", d) }, func() { o.Settle(d, prune.Outcome{Status: prune.Deleted}) })
	}
	return tags, levels
}

func (o *offline) end(t *testing.T, why string) prune.Result {
	t.Helper()
	res := o.End(t.Context(), why)
	o.check(t, res)
	return res
}

// An index goes on a level before its children, a subject before what is attached to it, and all tags before that; the
// journal has everything before the storage is changed, and nothing in the end.
func TestRemoval(t *testing.T) {
	t.Parallel()
	var arm, index, inner, outer, signature oci.Digest
	o := newOffline(t, func(p fixture.Tester) {
		arm = p.Image(fixture.Image{Seed: "arm", Created: now.AddDate(0, 0, -9)})
		index = p.Index(fixture.Index{Tags: []string{"old", "old-alias"}, Children: []oci.Digest{arm}})
		inner = p.Index(fixture.Index{Children: []oci.Digest{arm}, Annotations: map[string]string{"a": "b"}})
		outer = p.Index(fixture.Index{Tags: []string{"older"}, Children: []oci.Digest{inner}})
		signature = p.Signature(index, ".sig")
		p.Image(fixture.Image{Tags: []string{"new"}, Created: now})
	})
	if !o.Look(t.Context(), o.stored()) {
		t.Fatal("nothing is to be removed")
	}
	if len(o.journal.lists) != 1 || len(o.journal.last()) != 5 {
		t.Errorf("the journal has %v", o.journal.lists)
	}
	tags, levels := o.remove(o.stored())
	slices.Sort(tags)
	if !slices.Equal(tags[:3], []string{"old", "old-alias", "older"}) || len(tags) != 4 {
		t.Errorf("removed the tags %q", tags)
	}
	at := map[oci.Digest]int{}
	for n, level := range levels {
		for _, d := range level {
			at[d] = n + 1
		}
	}
	if len(at) != 5 || at[index] != 1 || at[outer] != 1 || at[inner] != 2 || at[arm] <= at[inner] || at[signature] <= at[index] {
		t.Errorf("removed on the levels %v", at)
	}
	res := o.end(t, "")
	if count(res)[prune.Deleted] != 5 || res.Err != nil || res.Method != prune.Offline || len(o.journal.last()) != 0 || len(res.Untagged) > 0 {
		t.Errorf("got %+v, in the journal %v", res, o.journal.last())
	}
	if len(o.reg.Manifests("team/app")) != 1 || o.reg.Count("DELETE", "*") != 0 || o.reg.Count("PUT", "*") != 0 {
		t.Errorf("left %v", o.reg.Manifests("team/app"))
	}
}

// Whatever has changed between the last look and the rest, nothing is removed, and it is told. What was to go anyway may be
// gone.
func TestRemovalOfWhatHasChanged(t *testing.T) {
	t.Parallel()
	const other = oci.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	for name, c := range map[string]struct {
		change func(now *prune.Stored, ds []oci.Digest)
		says   string
	}{
		"nothing":                   {func(*prune.Stored, []oci.Digest) {}, ""},
		"a tag that goes is gone":   {func(now *prune.Stored, _ []oci.Digest) { delete(now.Tags, "b0") }, ""},
		"an image that goes is":     {func(now *prune.Stored, ds []oci.Digest) { delete(now.Tags, "b0"); delete(now.Manifests, ds[0]) }, ""},
		"what stays is pushed":      {func(now *prune.Stored, ds []oci.Digest) { now.Rewritten = []oci.Digest{ds[3]} }, ""},
		"a new tag":                 {func(now *prune.Stored, ds []oci.Digest) { now.Tags["stable"] = ds[0] }, "tag stable was pushed"},
		"a new tag of what stays":   {func(now *prune.Stored, ds []oci.Digest) { now.Tags["stable"] = ds[3] }, "tag stable was pushed"},
		"a new image":               {func(now *prune.Stored, _ []oci.Digest) { now.Tags["c"], now.Manifests[other] = other, true }, "tag c was pushed"},
		"a new manifest":            {func(now *prune.Stored, _ []oci.Digest) { now.Manifests[other] = true }, "manifest " + string(other) + " was pushed"},
		"a doomed one again":        {func(now *prune.Stored, ds []oci.Digest) { now.Rewritten = []oci.Digest{ds[1]} }, "pushed again"},
		"a doomed tag is moved":     {func(now *prune.Stored, ds []oci.Digest) { now.Tags["b0"] = ds[3] }, "tag b0 was moved"},
		"a doomed tag among them":   {func(now *prune.Stored, ds []oci.Digest) { now.Tags["b0"] = ds[1] }, "tag b0 was moved"},
		"a kept tag is moved":       {func(now *prune.Stored, ds []oci.Digest) { now.Tags["b3"] = ds[0] }, "tag b3 was moved"},
		"a kept tag is gone":        {func(now *prune.Stored, _ []oci.Digest) { delete(now.Tags, "b3") }, "tag b3 was removed"},
		"a kept image is gone":      {func(now *prune.Stored, ds []oci.Digest) { delete(now.Manifests, ds[3]) }, "does not hold "},
		"a tag that is half there":  {func(now *prune.Stored, _ []oci.Digest) { now.Tags["half"] = "" }, "tag half was pushed"},
		"a kept tag without a link": {func(now *prune.Stored, _ []oci.Digest) { now.Tags["b3"] = "" }, "tag b3 was moved"},
		"a layout of another":       {func(now *prune.Stored, _ []oci.Digest) { now.Odd = "a link" }, "a link"},
		"nothing at all":            {func(now *prune.Stored, _ []oci.Digest) { *now = prune.Stored{} }, "tag b3 was removed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ds []oci.Digest
			o := newOffline(t, func(p fixture.Tester) { ds = images(p, 4) })
			if !o.Look(t.Context(), o.stored()) {
				t.Fatal("nothing is to be removed")
			}
			now := o.stored()
			c.change(&now, ds)
			tags, levels := o.remove(now)
			res := o.end(t, "")
			if c.says == "" {
				if len(slices.Concat(levels...)) != 3 || count(res)[prune.Deleted] != 3 {
					t.Errorf("removed %q, %v: %+v", tags, levels, res)
				}
				return
			}
			if len(tags) > 0 || len(levels) > 0 || count(res)[prune.Skipped] != 3 || !strings.Contains(res.Outcomes[ds[0]].Detail, c.says) || len(o.journal.last()) > 0 || res.Method != "" {
				t.Errorf("removed %q, %v: %+v, want %q", tags, levels, res.Outcomes, c.says)
			}
		})
	}
}

// What the last look over the API shows is kept, and the rest goes. A look that fails, an odd layout and a journal that cannot
// be written keep everything.
func TestRemovalLooksAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(o *offline, ds []oci.Digest, stored *prune.Stored)
		deleted int
		says    string // of b0
		err     error
	}{
		"a new tag": {func(o *offline, ds []oci.Digest, s *prune.Stored) {
			o.reg.SetTag("team/app", "stable", ds[0])
			*s = o.stored()
		}, 2, "needed by tag stable", nil},
		"a new index": {func(o *offline, ds []oci.Digest, s *prune.Stored) { nested(o.push, ds[:1]); *s = o.stored() }, 2, "needed by tag outer", nil},
		"it is empty": {func(o *offline, ds []oci.Digest, s *prune.Stored) { o.reg.Remove("team/app", ds[3]); *s = o.stored() }, 0, "nothing that the plan keeps is left", nil},
		"it is odd":   {func(_ *offline, _ []oci.Digest, s *prune.Stored) { s.Odd = "a symbolic link" }, 0, "not tried: the storage has something", prune.ErrLayout},
		"no list": {func(o *offline, _ []oci.Digest, _ *prune.Stored) {
			o.reg.AddFault(registrytest.Fault{Path: "*/tags/list", Times: -1, Status: 500})
		}, 0, "not tried: look again before deleting", errors.New("look again before deleting")},
		"no look at a tag that was moved": {func(o *offline, ds []oci.Digest, s *prune.Stored) {
			o.reg.SetTag("team/app", "b2", ds[0])
			*s = o.stored()
			o.reg.AddFault(registrytest.Fault{Path: "*/manifests/b2", Times: -1, Status: 500})
		}, 0, "not tried: look again before deleting", errors.New("look again before deleting")},
		"a tag that was moved to it": {func(o *offline, ds []oci.Digest, s *prune.Stored) {
			o.reg.SetTag("team/app", "b2", ds[0])
			*s = o.stored()
		}, 2, "needed by tag b2, which changed after the plan was made", nil},
		"no journal": {func(o *offline, _ []oci.Digest, _ *prune.Stored) {
			o.journal.fail = func(int) error { return errors.New("full") }
		}, 0, "not tried: there is no journal", prune.ErrNoJournal},
		"no one at it": {func(o *offline, _ []oci.Digest, _ *prune.Stored) {
			o.Removal = prune.NewRemoval(o.plan, o.repo, prune.Options{})
		}, 0, "not tried: there is no journal", prune.ErrNoJournal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ds []oci.Digest
			o := newOffline(t, func(p fixture.Tester) { ds = images(p, 4) })
			stored := o.stored()
			c.change(o, ds, &stored)
			if got := o.Look(t.Context(), stored); got != (c.deleted > 0) {
				t.Errorf("something is to be removed: %v", got)
			}
			o.remove(o.stored())
			res := o.End(t.Context(), "")
			if n := count(res); n[prune.Deleted] != c.deleted || !strings.HasPrefix(res.Outcomes[ds[0]].Detail, c.says) {
				t.Errorf("got %v, %+v, want %q", n, res.Outcomes[ds[0]], c.says)
			}
			if c.err != nil && (res.Err == nil || !errors.Is(res.Err, c.err) && !strings.HasPrefix(res.Err.Error(), c.err.Error())) {
				t.Errorf("got the error %v, want %v", res.Err, c.err)
			}
		})
	}
}

// A registry that was not stopped, or not looked at, keeps everything, and the reason is told.
func TestRemovalThatDidNotComeToIt(t *testing.T) {
	t.Parallel()
	for _, looked := range []bool{false, true} {
		o := newOffline(t, func(p fixture.Tester) { images(p, 3) })
		if looked {
			o.Look(t.Context(), o.stored())
		}
		res := o.end(t, "the lock is held")
		if count(res)[prune.Skipped] != 2 || res.Err != nil || len(o.journal.last()) > 0 {
			t.Errorf("got %+v, in the journal %v", res, o.journal.last())
		}
		for _, out := range res.Outcomes {
			if out.Detail != "the lock is held" {
				t.Errorf("got %+v", out)
			}
		}
		if tags, levels := o.Choose(o.stored()); !looked && (len(tags) > 0 || len(levels) > 0) {
			t.Errorf("without a look, %q and %v are chosen", tags, levels)
		}
	}
}

// However a removal is interrupted, nothing is claimed that is not known, and the next run by digest finishes it with the
// journal.
func TestRemovalInterrupted(t *testing.T) {
	t.Parallel()
	for steps := range 8 {
		for _, lost := range []int{0, 1} { // answers
			var index, arm oci.Digest
			o := newOffline(t, func(p fixture.Tester) {
				arm = p.Image(fixture.Image{Seed: "arm", Created: now.AddDate(0, 0, -9)})
				index = p.Index(fixture.Index{Tags: []string{"old", "alias"}, Children: []oci.Digest{arm}})
				p.Signature(index, ".sig")
				images(p, 2)
			})
			o.Look(t.Context(), o.stored())
			o.steps, o.told = steps, max(0, steps-lost)
			o.remove(o.stored())
			res := o.end(t, "the connection was lost")
			left := map[oci.Digest]bool{}
			for _, d := range o.reg.Manifests("team/app") {
				left[d] = true
			}
			if left[index] && !left[arm] {
				t.Errorf("after %d steps the index lacks its child", steps)
			}
			tagged := map[oci.Digest]bool{}
			for _, d := range o.reg.Tags("team/app") {
				tagged[d] = true
			}
			for d, out := range res.Outcomes {
				journaled := slices.Contains(o.journal.last(), d)
				switch {
				case out.Status == prune.Deleted && left[d], out.Status == prune.Skipped && !left[d]:
					t.Errorf("after %d steps, %d answers lost: %s is %s", steps, lost, d, out.Status)
				case left[d] && !tagged[d] && d != arm && !journaled, out.Status == prune.Unsettled && !journaled, out.Status == prune.Deleted && journaled:
					t.Errorf("after %d steps, %d answers lost: %s is %s, in the journal: %v", steps, lost, d, out.Status, journaled)
				}
			}
			o.finish(t)
		}
	}
}

// finish runs the next prune, with what the journal has.
func (o *offline) finish(t *testing.T) {
	t.Helper()
	s := *o.stage
	snapshot, err := s.repo.Snapshot(t.Context(), withDigests(o.journal.last()))
	if err != nil {
		t.Fatal(err)
	}
	s.plan = retain.Decide(snapshot, retain.Policy{KeepLast: 1}, retain.Context{Pending: o.journal.last(), Begun: o.journal.tags}, now)
	next := &ledger{reg: s.reg, begun: o.journal.tags}
	res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Journal: next})
	if left := s.reg.Manifests("team/app"); res.Err != nil || len(left) != 1 || len(next.last()) > 0 {
		t.Errorf("after the next run, %v are left, in the journal %v: %v", left, next.last(), res.Err)
	}
}

// A tag that cannot be removed keeps its image, and the images that were not tried are told so.
func TestRemovalThatFails(t *testing.T) {
	t.Parallel()
	var ds []oci.Digest
	o := newOffline(t, func(p fixture.Tester) { ds = images(p, 4) })
	o.Look(t.Context(), o.stored())
	o.Choose(o.stored())
	o.reg.Untag("team/app", "b0")
	o.SettleTag("b0", true, "")
	o.SettleTag("b1", false, "read-only")
	o.SettleTag("b2", false, "")
	for _, d := range ds[:3] {
		o.Settle(d, prune.Outcome{Status: prune.Skipped, Detail: "not tried"})
	}
	res := o.end(t, "")
	if res.Outcomes[ds[1]].Status != prune.Failed || !strings.Contains(res.Outcomes[ds[1]].Detail, "tag b1: read-only") || count(res)[prune.Skipped] != 2 {
		t.Errorf("got %+v", res.Outcomes)
	}
	if !slices.Equal(o.journal.last(), ds[:1]) || !slices.Equal(res.Untagged[ds[0]], []string{"b0"}) {
		t.Errorf("in the journal %v, untagged %v", o.journal.last(), res.Untagged)
	}
}

// A tag that an earlier run has left without its image goes along.
func TestRemovalClearsGhosts(t *testing.T) {
	t.Parallel()
	var ds []oci.Digest
	s := newStage(t, registrytest.Options{Version: registrytest.V2}, func(p fixture.Tester) {
		ds = images(p, 3)
	})
	s.reg.Unlink("team/app", ds[0])
	snapshot, err := s.repo.Snapshot(t.Context(), withDigests(nil))
	if err != nil {
		t.Fatal(err)
	}
	s.plan = retain.Decide(snapshot, retain.Policy{KeepLast: 1}, retain.Context{}, now)
	journal := &ledger{reg: s.reg, begun: map[string]oci.Digest{"b0": ds[0]}}
	o := &offline{s, prune.NewRemoval(s.plan, s.repo, prune.Options{Journal: journal}), journal, -1, -1}
	o.Look(t.Context(), o.stored())
	tags, _ := o.remove(o.stored())
	slices.Sort(tags)
	res := o.end(t, "")
	if !slices.Equal(tags, []string{"b0", "b1"}) || len(res.Warnings) > 0 || len(journal.last()) > 0 {
		t.Errorf("removed %q, warned %q, in the journal %v", tags, res.Warnings, journal.last())
	}
}

// Execute does not know the method: without a stopped registry it changes nothing.
func TestExecuteRefusesOffline(t *testing.T) {
	t.Parallel()
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { images(p, 3) })
	res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Method: prune.Offline, Journal: &ledger{reg: s.reg}})
	if res.Err == nil || count(res)[prune.Skipped] != 2 || s.reg.Count("DELETE", "*")+s.reg.Count("PUT", "*") > 0 {
		t.Errorf("got %+v", res)
	}
}

// withDigests asks for manifests that no tag leads to as well.
func withDigests(ds []oci.Digest) registry.Query { return registry.Query{Digests: ds} }

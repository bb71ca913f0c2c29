package prune_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
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

// family is a multi-arch image with a signature, a build that goes with it, and one that stays.
type family struct {
	index, arm, amd, signature, kept oci.Digest
}

func (f *family) push(p fixture.Tester) {
	f.arm = p.Image(fixture.Image{Seed: "arm", Created: now.AddDate(0, 0, -9)})
	f.amd = p.Image(fixture.Image{Seed: "amd", Created: now.AddDate(0, 0, -9)})
	f.index = p.Index(fixture.Index{Tags: []string{"old"}, Children: []oci.Digest{f.arm, f.amd}})
	f.signature = p.Signature(f.index, ".sig")
	f.kept = images(p, 2)[1]
}

// next is the run after one that has left the journal.
func (c methodCase) next(t *testing.T, s *stage, l *ledger) prune.Result {
	t.Helper()
	s.reg.ClearFaults()
	c.planNext(t, s, l)
	return c.execute(t, s, l)
}

// nextAmidFaults is that run with the faults that are left, without a check of the journal.
func (c methodCase) nextAmidFaults(t *testing.T, s *stage, l *ledger) prune.Result {
	t.Helper()
	c.planNext(t, s, l)
	return c.executeUnsettled(t, s, l)
}

func (c methodCase) planNext(t *testing.T, s *stage, l *ledger) {
	t.Helper()
	snapshot, err := s.repo.Snapshot(t.Context(), registry.Query{Digests: l.last()})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.tags) > 0 {
		l.begun = l.tags
	}
	s.plan = retain.Decide(snapshot, retain.Policy{KeepLast: 1}, retain.Context{Pending: l.last(), Begun: l.begun}, now)
}

// What was sent and not answered stays in the journal with all that depends on it, however the run ends, and the next
// run settles it.
func TestUnansweredDeletion(t *testing.T) {
	t.Parallel()
	lost := registrytest.Fault{Apply: true, Break: true}
	for name, then := range map[string]registrytest.Fault{
		"then 503":               {Times: -1, Status: http.StatusServiceUnavailable},
		"then 401":               {Times: -1, Status: http.StatusUnauthorized},
		"then 403":               {Times: -1, Status: http.StatusForbidden},
		"then nothing any more":  {Times: -1, Break: true},
		"then a proxy's own 404": {Times: -1, Status: http.StatusNotFound, Body: "<h1>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachWay(t, func(t *testing.T, c methodCase) {
				var f family
				s, l := c.stage(t, f.push)
				lost, then := lost, then
				lost.Method, then.Method = "DELETE", "DELETE"
				lost.Path, then.Path = "*/manifests/"+f.index.String(), "*/manifests/"+f.index.String()
				s.reg.AddFault(lost)
				s.reg.AddFault(then)
				res := c.executeUnsettled(t, s, l)
				if o := res.Outcomes[f.index]; o.Status != prune.Unsettled {
					t.Errorf("the index: %+v", o)
				}
				for _, d := range []oci.Digest{f.index, f.arm, f.amd, f.signature} {
					if !slices.Contains(l.last(), d) {
						t.Errorf("%v is not in the journal", s.names([]oci.Digest{d}))
					}
				}
				c.next(t, s, l)
				if left := s.reg.Manifests("team/app"); len(left) != 1 || left[0] != f.kept || len(l.last()) > 0 {
					t.Errorf("left: %d manifests, in the journal %v", len(left), s.names(l.last()))
				}
			})
		})
	}
}

// executeUnsettled executes without the check that the journal lists nothing that is gone.
func (c methodCase) executeUnsettled(t *testing.T, s *stage, l *ledger) prune.Result {
	t.Helper()
	return prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Method: c.method, Journal: l})
}

// The removal of a tag that was not answered may have left an image without a name.
func TestUnansweredTagRemoval(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"503": 503, "401": 401, "nothing": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachTagWay(t, func(t *testing.T, c methodCase) {
				var ds []oci.Digest
				s, l := c.stage(t, func(p fixture.Tester) { ds = images(p, 3) })
				lost, look := c.removal("b1"), registrytest.Fault{Path: "*/manifests/b1", After: 1, Times: -1, Status: status, Break: status == 0}
				lost.Apply, lost.Break = true, true
				s.reg.AddFault(lost)
				s.reg.AddFault(look) // nobody finds out
				s.reg.AddFault(registrytest.Fault{Path: "*/tags/list", After: 1, Times: -1, Status: 503})
				res := c.executeUnsettled(t, s, l)
				if o := res.Outcomes[ds[1]]; o.Status != prune.Unsettled || !slices.Contains(l.last(), ds[1]) {
					t.Errorf("b1: %+v; in the journal: %v", o, s.names(l.last()))
				}
				s.reg.ClearFaults()
				c.next(t, s, l)
				if left := s.reg.Manifests("team/app"); len(left) != 1 || len(l.last()) > 0 {
					t.Errorf("left: %d manifests, in the journal %v", len(left), s.names(l.last()))
				}
			})
		})
	}
}

// A deletion that is never answered ends with the drain of a cancelled run, and stays in the journal.
func TestDrainBoundsAnAnswerThatNeverComes(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, c methodCase) {
		var f family
		s, l := c.stage(t, f.push)
		ctx, cancel := context.WithCancelCause(t.Context())
		drain, end := context.WithCancelCause(context.WithoutCancel(t.Context()))
		over := errors.New("the time is over")
		s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + f.index.String(), Until: make(chan struct{}), Before: func() {
			cancel(over)
			end(over)
		}})
		res := prune.Execute(registry.WithDrain(ctx, drain), s.plan, s.repo, prune.Options{Method: c.method, Journal: l})
		if o := res.Outcomes[f.index]; !errors.Is(res.Err, over) || o.Status != prune.Unsettled || !slices.Contains(l.last(), f.arm) || !slices.Contains(l.last(), f.index) {
			t.Errorf("%v, %+v, in the journal %v", res.Err, o, s.names(l.last()))
		}
	})
}

// Somebody pushes an index that shares a platform with one that is being deleted. What is pushed before the look at the
// parts stays whole; what is pushed after it is named.
func TestPushThatSharesAPart(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, c methodCase) {
		for name, at := range map[string]func(f family) oci.Digest{
			"before the look": func(f family) oci.Digest { return f.index },
			"after the look":  func(f family) oci.Digest { return f.arm },
		} {
			t.Run(name, func(t *testing.T) {
				var f family
				s, l := c.stage(t, f.push)
				var fresh oci.Digest
				s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + at(f).String(), Before: func() {
					fresh = s.push.Index(fixture.Index{Tags: []string{"fresh"}, Children: []oci.Digest{f.arm}})
				}})
				res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Method: c.method, Journal: l})
				switch broken := !has(s.reg, f.arm); {
				case !broken && (res.Outcomes[f.arm].Status != prune.Skipped || len(res.Broken) > 0):
					t.Errorf("%+v, %v", res.Outcomes[f.arm], res.Broken)
				case broken && name == "before the look":
					t.Errorf("the new image has lost its part")
				case broken && (len(res.Broken) != 1 || res.Broken[0].Name != "fresh" || res.Broken[0].Digest != fresh || !slices.Equal(res.Broken[0].Missing, []oci.Digest{f.arm})):
					t.Errorf("told: %+v, want fresh", res.Broken)
				}
			})
		}
	})
}

// A tag that is still listed after its image was deleted is cleared where the registry can, and told where it cannot.
func TestGhosts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]methodCase{"2.8": {prune.ByDigest, registrytest.V2}, "3.1": {prune.ByDigest, registrytest.V3}, "3.1, tags first": {prune.TagsFirst, registrytest.V3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := func(t *testing.T, s *stage, res prune.Result) {
				t.Helper()
				_, listed := s.reg.Tags("team/app")["b0"]
				if c.version == registrytest.V3 && (listed || len(res.Warnings) > 0) || c.version == registrytest.V2 && (len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "b0")) {
					t.Errorf("listed: %v, warnings: %q", listed, res.Warnings)
				}
			}
			t.Run("this run's", func(t *testing.T) {
				t.Parallel()
				var ds []oci.Digest
				s, l := c.stage(t, func(p fixture.Tester) { ds = images(p, 3) })
				s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + ds[0].String(), Before: func() {
					s.reg.Unlink("team/app", ds[0]) // the registry is killed in the middle of it
					s.reg.SetTag("team/app", "b0", ds[0])
				}, Status: 500})
				check(t, s, c.executeUnsettled(t, s, l))
			})
			t.Run("an earlier run's", func(t *testing.T) {
				t.Parallel()
				var ds []oci.Digest
				s, l := c.stage(t, func(p fixture.Tester) { ds = images(p, 2) })
				s.reg.Unlink("team/app", ds[0])
				s.reg.SetTag("team/app", "elses", "sha256:"+oci.Digest(strings.Repeat("0", 64)))
				l.begun = map[string]oci.Digest{"b0": ds[0], "b1": ds[1]}
				check(t, s, c.next(t, s, l))
				if _, there := s.reg.Tags("team/app")["elses"]; !there {
					t.Error("another's ghost is cleared")
				}
			})
		})
	}
}

// A signature whose tag was removed before its image turned out to be needed gets the tag back.
func TestTagOfASignatureComesBack(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var f family
		s, l := c.stage(t, f.push)
		tag := "sha256-" + f.index.Encoded() + ".sig"
		need := c.removal(tag)
		need.Before = func() { s.push.Tag(f.index, "prod") }
		s.reg.AddFault(need)
		res := c.execute(t, s, l)
		if tags := s.reg.Tags("team/app"); tags["prod"] != f.index || tags[tag] != f.signature || len(res.Untagged[f.signature]) > 0 {
			t.Errorf("left are %v, lost %v", slices.Sorted(maps.Keys(tags)), res.Untagged)
		}
	})
}

// A tag without an image that could not be removed is left to the next run.
func TestGhostThatCannotBeClearedYet(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]registrytest.Fault{
		"nobody knows whether tags can be removed": {Method: "DELETE", Path: "*/manifests/regsweep-probe-*", Times: -1, Status: 405, Body: "<h1>"},
		"the removal fails":                        {Method: "DELETE", Path: "*/manifests/b0", Times: -1, Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := methodCase{prune.ByDigest, registrytest.V3}
			var ds []oci.Digest
			s, l := c.stage(t, func(p fixture.Tester) { ds = images(p, 3) })
			s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + ds[0].String(), Before: func() {
				s.reg.Unlink("team/app", ds[0])
				s.reg.SetTag("team/app", "b0", ds[0])
			}, Status: 500})
			s.reg.AddFault(fault)
			c.executeUnsettled(t, s, l)
			for range 2 {
				if l.tags["b0"] != ds[0] {
					t.Fatalf("the journal has %v", l.tags)
				}
				c.nextAmidFaults(t, s, l)
			}
			c.next(t, s, l)
			if _, listed := s.reg.Tags("team/app")["b0"]; listed || len(l.last()) > 0 {
				t.Errorf("listed: %v, the journal has %v", listed, l.tags)
			}
		})
	}
}

// A 404 to a deletion is not believed where the image is still there under its tag.
func TestGoneThatIsThere(t *testing.T) {
	t.Parallel()
	var ds []oci.Digest
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) { ds = images(p, 3) })
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + ds[0].String(), Times: -1, Status: 404, Body: `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`})
	if res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{}); res.Outcomes[ds[0]].Status != prune.Failed {
		t.Errorf("%+v", res.Outcomes[ds[0]])
	}
}

// An attachment whose subject went while it could not be deleted is in the journal, although it has a tag: the next run
// must know that its subject is not stored elsewhere.
func TestAttachmentWithoutItsSubject(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			c := methodCase{prune.ByDigest, registrytest.V3}
			var f family
			s, l := c.stage(t, f.push)
			s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + f.signature.String(), Times: -1, Status: status})
			res := c.executeUnsettled(t, s, l)
			if o := res.Outcomes[f.signature]; o.Status == prune.Skipped || !slices.Contains(l.last(), f.signature) {
				t.Errorf("%+v, in the journal %v", o, s.names(l.last()))
			}
			c.nextAmidFaults(t, s, l) // in which it cannot be deleted either
			if !slices.Contains(l.last(), f.signature) {
				t.Errorf("after a second run the journal has %v", s.names(l.last()))
			}
			c.next(t, s, l)
			if has(s.reg, f.signature) || len(l.last()) > 0 {
				t.Errorf("the signature is left, in the journal %v", s.names(l.last()))
			}
		})
	}
}

// A part that another image still lists is in the listing of the next run: the journal has no need of it.
func TestSharedPartOfAnImageThatIsLeft(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, c methodCase) {
		var part, second oci.Digest
		s, l := c.stage(t, func(p fixture.Tester) {
			image := func(seed string, days int) oci.Digest {
				return p.Image(fixture.Image{Seed: seed, Created: now.AddDate(0, 0, -days)})
			}
			part = image("part", 9)
			p.Index(fixture.Index{Tags: []string{"first"}, Children: []oci.Digest{part, image("one", 9)}})
			second = p.Index(fixture.Index{Tags: []string{"second"}, Children: []oci.Digest{part, image("two", 8)}})
			images(p, 1)
		})
		stop := c.removal("second")
		if c.method == prune.ByDigest {
			stop.Path = "*/manifests/" + second.String()
		}
		stop.Times, stop.Status = -1, http.StatusForbidden
		s.reg.AddFault(stop)
		c.executeWith(t.Context(), t, s, prune.Options{Journal: l, Workers: 1}) // which looks at the journal
		if !has(s.reg, part) || !has(s.reg, second) {
			t.Error("a part of what is left is deleted, or all of it")
		}
	})
}

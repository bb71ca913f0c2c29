package prune_test

import (
	"context"
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

// A way that cannot be gone is refused before anything is changed, and the journal stays as it was.
func TestRefusedWays(t *testing.T) {
	t.Parallel()
	deny := func(status int) registrytest.Fault {
		return registrytest.Fault{Method: "DELETE", Path: "*/manifests/regsweep-probe-*", Times: -1, Status: status}
	}
	disabled := func(err error) bool { var a *registry.Error; return errors.As(err, &a) && a.Status == 405 }
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	for name, c := range map[string]struct {
		method  prune.Method
		options registrytest.Options
		fault   registrytest.Fault
		journal bool
		is      func(error) bool
	}{
		"tags-first on 2.8":               {prune.TagsFirst, registrytest.Options{Version: registrytest.V2}, registrytest.Fault{}, true, is(prune.ErrNoTagDeletion)},
		"retag on 3.1":                    {prune.Retag, registrytest.Options{}, registrytest.Fault{}, true, is(prune.ErrTagDeletion)},
		"retag on a stranger":             {prune.Retag, registrytest.Options{}, deny(405), true, is(registry.ErrTagDeletionUnclear)},
		"tags-first on a stranger":        {prune.TagsFirst, registrytest.Options{}, deny(403), true, is(registry.ErrTagDeletionUnclear)},
		"tags-first without a journal":    {prune.TagsFirst, registrytest.Options{}, registrytest.Fault{}, false, is(prune.ErrNoJournal)},
		"retag without a journal":         {prune.Retag, registrytest.Options{Version: registrytest.V2}, registrytest.Fault{}, false, is(prune.ErrNoJournal)},
		"tags-first, deletion disabled":   {prune.TagsFirst, registrytest.Options{DisableDelete: true}, registrytest.Fault{}, true, disabled},
		"retag, deletion disabled":        {prune.Retag, registrytest.Options{Version: registrytest.V2, DisableDelete: true}, registrytest.Fault{}, true, disabled},
		"auto, deletion disabled":         {prune.Auto, registrytest.Options{DisableDelete: true}, registrytest.Fault{}, true, disabled},
		"auto, read-only":                 {prune.Auto, registrytest.Options{ReadOnly: true}, registrytest.Fault{}, true, disabled},
		"retag, pushing denied":           {prune.Retag, registrytest.Options{Version: registrytest.V2}, registrytest.Fault{Method: "POST", Times: -1, Status: 403}, true, func(err error) bool { return err != nil }},
		"retag, placeholder not wanted":   {prune.Retag, registrytest.Options{Version: registrytest.V2}, registrytest.Fault{Method: "PUT", Path: "*/manifests/*", Times: -1, Status: 403}, true, func(err error) bool { return err != nil }},
		"retag, upload goes elsewhere":    {prune.Retag, registrytest.Options{Version: registrytest.V2}, registrytest.Fault{Method: "POST", Edit: registrytest.SetHeader("Location", "https://elsewhere.example/")}, true, func(err error) bool { return err != nil }},
		"the registry wants us to log in": {prune.TagsFirst, registrytest.Options{}, registrytest.Fault{Method: "DELETE", Times: -1, Status: 401}, true, func(err error) bool { return errors.Is(err, registry.ErrUnauthorized) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, c.options, func(p fixture.Tester) { images(p, 60) })
			if c.fault.Method != "" {
				s.reg.AddFault(c.fault)
			}
			o := prune.Options{Method: c.method}
			l := &ledger{reg: s.reg}
			if c.journal {
				o.Journal = l
			}
			res := prune.Execute(t.Context(), s.plan, s.repo, o)
			s.check(t, res)
			if got := count(res); !c.is(res.Err) || got[prune.Skipped]+got[prune.Failed] != 59 || got[prune.Failed] > 1 { // one may have shown it
				t.Errorf("%v, %v", res.Err, count(res))
			}
			if len(s.reg.Tags("team/app")) != 60 || len(s.reg.Manifests("team/app")) != 60 || len(l.last()) != 0 {
				t.Errorf("left are %d tags, %d manifests and a journal of %d", len(s.reg.Tags("team/app")), len(s.reg.Manifests("team/app")), len(l.last()))
			}
		})
	}
}

func TestAuto(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version registrytest.Version
		doomed  int
		journal func(int) error
		fault   registrytest.Fault
		method  prune.Method
		probes  int
		warns   bool
	}{
		"a few":                  {registrytest.V3, 49, nil, registrytest.Fault{}, prune.ByDigest, 0, false},
		"enough":                 {registrytest.V3, 50, nil, registrytest.Fault{}, prune.TagsFirst, 2, false},
		"on 2.8":                 {registrytest.V2, 50, nil, registrytest.Fault{}, prune.ByDigest, 2, false},
		"on a stranger":          {registrytest.V3, 50, nil, registrytest.Fault{Method: "DELETE", Path: "*probe*", Status: 405}, prune.ByDigest, 1, false},
		"a journal that is full": {registrytest.V3, 50, func(int) error { return errWrite }, registrytest.Fault{}, prune.ByDigest, 2, true},
		"a journal not brought up": {registrytest.V3, 50, func(n int) error {
			if n > 0 {
				return errWrite
			}
			return nil
		}, registrytest.Fault{}, prune.TagsFirst, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, registrytest.Options{Version: c.version}, func(p fixture.Tester) { images(p, c.doomed+1) })
			if c.fault.Method != "" {
				s.reg.AddFault(c.fault)
			}
			l := &ledger{reg: s.reg, fail: c.journal}
			res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Method: prune.Auto, Journal: l})
			s.check(t, res)
			if got := count(res); res.Err != nil || res.Method != c.method || got[prune.Deleted] != c.doomed || (len(res.Warnings) > 0) != c.warns {
				t.Errorf("%v by %s, %v, warnings %q", got, res.Method, res.Err, res.Warnings)
			}
			if n := probes(s.reg); n != c.probes {
				t.Errorf("%d questions, want %d", n, c.probes)
			}
		})
	}
}

// Asked for by name, a way that needs the journal is not gone without it.
func TestTagsFirstWithAJournalThatIsFull(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		s, l := c.stage(t, func(p fixture.Tester) { images(p, 4) })
		l.fail = func(int) error { return errWrite }
		res := c.execute(t, s, l)
		if !errors.Is(res.Err, prune.ErrNoJournal) || !errors.Is(res.Err, errWrite) || len(mutations(s.reg)) != 0 {
			t.Errorf("%v after %q", res.Err, mutations(s.reg))
		}
	})
}

// The journal lists everything before the first change, and the signatures wait for their images.
func TestOrderOfTheWaves(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var doomed, signature, second oci.Digest
		s, l := c.stage(t, func(p fixture.Tester) {
			doomed = images(p, 3)[0]
			signature = p.Signature(doomed, ".sig")
			second = p.Signature(signature, ".sig")
		})
		if res := c.execute(t, s, l); res.Err != nil {
			t.Fatal(res.Err)
		}
		if len(l.lists[0]) != 4 || l.after[0] != 0 {
			t.Errorf("%d of 4 were written down after %d changes", len(l.lists[0]), l.after[0])
		}
		verb, all := "DELETE ", mutations(s.reg)
		if c.method == prune.Retag {
			verb = "PUT "
		}
		tag := func(d oci.Digest) string { return verb + strings.Replace(d.String(), ":", "-", 1) + ".sig" }
		last := -1
		for _, step := range []string{verb + "b0", tag(doomed), tag(signature), "DELETE " + doomed.String(), "DELETE " + signature.String(), "DELETE " + second.String()} {
			n := slices.Index(all, step)
			if n <= last {
				t.Errorf("%s is step %d of %q", step, n, all)
			}
			last = n
		}
	})
}

// A tag whose removal fails keeps its image, and what was asked of the registry stays in bounds.
func TestRemovalFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  registrytest.Fault
		failed int
		sent   int // removals of tags with an answer of failure
		ends   bool
	}{
		"500 once":     {registrytest.Fault{Status: 500}, 0, 1, false},
		"500 for one":  {registrytest.Fault{Status: 500, Times: 6}, 1, 6, false},
		"429":          {registrytest.Fault{Status: 429, Times: 2}, 0, 2, false},
		"403 at first": {registrytest.Fault{Status: 403, Body: denied, Times: -1}, 1, 1, true},
		"403 for one":  {registrytest.Fault{Status: 403, Body: denied, After: 4}, 1, 1, false},
		"405":          {registrytest.Fault{Status: 405, Times: -1}, 1, 1, true},
		"500 for all":  {registrytest.Fault{Status: 500, Times: -1}, 5, 30, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachTagWay(t, func(t *testing.T, way methodCase) {
				s, l := way.stage(t, func(p fixture.Tester) { images(p, 30) })
				fault, on := c.fault, way.removal("b*")
				fault.Method, fault.Path = on.Method, on.Path
				s.reg.AddFault(fault)
				res := way.execute(t, s, l)
				if got := count(res); got[prune.Failed] != c.failed || (res.Err != nil) != c.ends {
					t.Errorf("%v, %v", got, res.Err)
				}
				sent := 0
				for _, r := range s.reg.Requests() {
					if r.Method == on.Method && r.Status == c.fault.Status && strings.Contains(r.Path, "/manifests/b") {
						sent++
					}
				}
				if sent != c.sent {
					t.Errorf("%d removals failed, want %d", sent, c.sent)
				}
			})
		})
	}
}

// What has lost its tags is deleted even when the run is cancelled, and what has not keeps them.
func TestCancelInEveryPhase(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		for name, at := range map[string]func(s *stage) registrytest.Fault{
			"tags": func(*stage) registrytest.Fault { f := c.removal("b1"); return f },
			"digests": func(*stage) registrytest.Fault {
				return registrytest.Fault{Method: "DELETE", Path: "*/manifests/sha256:*", After: 4}
			},
			"look": func(*stage) registrytest.Fault {
				return registrytest.Fault{Method: "GET", Path: "*/tags/list", After: 1}
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, l := c.stage(t, func(p fixture.Tester) {
					for _, d := range images(p, 12)[:6] {
						p.Signature(d, ".sig")
					}
				})
				ctx, cancel := context.WithCancel(t.Context())
				fault := at(s)
				fault.Before = cancel
				s.reg.AddFault(fault)
				res := c.executeWith(ctx, t, s, prune.Options{Journal: l, Workers: 1})
				if !errors.Is(res.Err, context.Canceled) {
					t.Errorf("got %v", res.Err)
				}
				if name == "tags" && len(s.reg.Tags("team/app")) != 14 { // of 12 builds and 6 signatures
					t.Errorf("%d tags are left of a run that was cancelled at its second image, want 14", len(s.reg.Tags("team/app")))
				}
				if len(res.Unfinished) != 0 {
					t.Errorf("%v are left without a name though the registry answers", s.names(res.Unfinished))
				}
				for _, i := range s.plan.Deletions() { // nothing is half there
					o, there := res.Outcomes[i.Image.Digest], has(s.reg, i.Image.Digest)
					if there == (o.Status == prune.Deleted) {
						t.Errorf("%s: %+v", retain.Name(i.Image), o)
					}
				}
			})
		}
	})
}

// When the look after a wave fails, nothing is deleted, and the journal has what lost its tags.
func TestLookAfterAWaveFails(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		s, l := c.stage(t, func(p fixture.Tester) { images(p, 4) })
		s.reg.AddFault(registrytest.Fault{Method: "GET", Path: "*/tags/list", After: 1, Status: 403})
		res := c.execute(t, s, l)
		if got := count(res); res.Err == nil || got[prune.Skipped] != 3 || len(l.last()) != 3 || len(s.reg.Tags("team/app")) != 1 {
			t.Errorf("%v, %v, %d in the journal", got, res.Err, len(l.last()))
		}
	})
}

// The next run deletes it with its tags, also when another run has taken those away, and finishes what was begun.
func TestPlaceholderThatStays(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(s *stage){
		"with its tags": func(*stage) {},
		"without": func(s *stage) {
			for _, tag := range []string{"b0", "b1", "b2"} {
				s.reg.SetTag("team/app", tag, s.reg.Tags("team/app")["b3"])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, l := methodCase{prune.Retag, registrytest.V2}.stage(t, func(p fixture.Tester) { images(p, 4) })
			s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/manifests/sha256:*", After: 1, Times: -1, Status: 403})
			res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Method: prune.Retag, Journal: l})
			s.check(t, res)
			if res.Err == nil || len(l.last()) != 4 || len(s.reg.Tags("team/app")) != 4 {
				t.Fatalf("%v, journal %v, tags %v", res.Err, s.names(l.last()), s.reg.Tags("team/app"))
			}
			meanwhile(s)
			res = methodCase{prune.ByDigest, registrytest.V2}.next(t, s, l)
			if n := len(s.reg.Manifests("team/app")); res.Err != nil || n != 1 || len(l.last()) != 0 {
				t.Errorf("%v; %d manifests, the tags %v and the journal %v are left", res.Err, n, s.reg.Tags("team/app"), l.last())
			}
		})
	}
}

// What somebody comes to need between the removal of its tags and its deletion lives.
func TestSparedBetweenTagsAndDigests(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		for name, meanwhile := range map[string]func(s *stage, d oci.Digest){
			"a new tag":    func(s *stage, d oci.Digest) { s.reg.SetTag("team/app", "prod", d) },
			"its own tag":  func(s *stage, d oci.Digest) { s.reg.SetTag("team/app", "b0", d) },
			"a doomed tag": func(s *stage, d oci.Digest) { s.reg.SetTag("team/app", "b1", d) },
			"an index": func(s *stage, d oci.Digest) {
				s.push.Index(fixture.Index{Tags: []string{"multi"}, Children: []oci.Digest{d}})
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var ds []oci.Digest
				s, l := c.stage(t, func(p fixture.Tester) { ds = images(p, 5) })
				s.reg.AddFault(registrytest.Fault{Method: "GET", Path: "*/tags/list", After: 1, Before: func() { meanwhile(s, ds[0]) }})
				res := c.execute(t, s, l)
				if o := res.Outcomes[ds[0]]; o.Status != prune.Skipped || !has(s.reg, ds[0]) || !strings.Contains(o.Detail, "need") {
					t.Errorf("b0: %+v", o)
				}
				if got := count(res); got[prune.Deleted] < 2 || res.Err != nil {
					t.Errorf("%v, %v", got, res.Err)
				}
			})
		}
	})
}

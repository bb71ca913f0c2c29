package prune_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
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

// listed is a repository whose registry lists referrers.
type listed struct {
	registry.Repository
	referrers map[string][]oci.Image // by the name of the subject
	endless   bool                   // each manifest has a referrer that was never seen
	warning   string
	err       error
	asked     [][]string // names, by request
}

// WithReferrers adds what the fields say.
func (l *listed) WithReferrers(_ context.Context, s oci.Snapshot, of []oci.Digest) (oci.Snapshot, error) {
	s.Images = slices.Clone(s.Images)
	var names []string
	for _, i := range s.Images {
		if !slices.Contains(of, i.Digest) {
			continue
		}
		names = append(names, retain.Name(i))
		s.Images = slices.Concat(s.Images, l.referrers[retain.Name(i)], l.referrers[string(i.Digest)])
		if l.endless {
			s.Images = append(s.Images, attachedTo(i.Digest, fmt.Sprint("after ", i.Digest)))
		}
	}
	if l.warning != "" {
		s.Warnings = append(slices.Clone(s.Warnings), l.warning)
	}
	l.asked = append(l.asked, names)
	return s, l.err
}

// digestOf makes up a digest.
func digestOf(name string) oci.Digest {
	return oci.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name))))
}

func attachedTo(subject oci.Digest, name string) oci.Image {
	return oci.Image{Digest: digestOf(name), Kind: oci.KindAttachment, Subject: subject}
}

// three is a repository of b1 (the oldest) to b3.
func three() (s oci.Snapshot) {
	for n := range 3 {
		name := fmt.Sprint("b", n+1)
		s.Images = append(s.Images, oci.Image{Digest: digestOf(name), Kind: oci.KindImage, Tags: []string{name}, Created: now.AddDate(0, 0, n-9)})
	}
	return s
}

// decide decides under a policy.
func decide(p retain.Policy) func(oci.Snapshot) retain.Plan {
	return func(s oci.Snapshot) retain.Plan { return retain.Decide(s, p, retain.Context{}, now) }
}

func deleted(p retain.Plan) (names []string) {
	for _, d := range p.Deletions() {
		names = append(names, retain.Name(d.Image))
	}
	slices.Sort(names)
	return names
}

// Only what is to be deleted is asked about, each manifest once, and until nothing new comes to light.
func TestPlanAsksForReferrers(t *testing.T) {
	t.Parallel()
	sbom := attachedTo(digestOf("b1"), "s")
	signature := attachedTo(sbom.Digest, "t")
	l := &listed{referrers: map[string][]oci.Image{
		"b1": {sbom}, string(sbom.Digest): {signature}, "b3": {attachedTo(digestOf("b3"), "kept")},
	}}
	p, whole, err := prune.Plan(t.Context(), l, three(), decide(retain.Policy{KeepLast: 1}))
	if err != nil {
		t.Fatal(err)
	}
	short := func(i oci.Image) string { return retain.ShortDigest(i.Digest) }
	if got, want := fmt.Sprint(l.asked), fmt.Sprintf("[[b1 b2] [%s] [%s]]", short(sbom), short(signature)); got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	if got := len(p.Deletions()); got != 4 || len(whole.Images) != 5 || len(whole.Warnings) > 0 {
		t.Errorf("deletes %v of %d images, with the warnings %v", deleted(p), len(whole.Images), whole.Warnings)
	}
}

// A plan that deletes nothing or that is refused needs to know no more, and a placeholder has no attachments.
func TestPlanAsksForNoReferrers(t *testing.T) {
	t.Parallel()
	placeholder := three()
	placeholder.Images[0].Kind = oci.KindPlaceholder
	limit, err := retain.ParseLimit("1")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		snapshot oci.Snapshot
		policy   retain.Policy
	}{
		"nothing is deleted": {three(), retain.Policy{KeepLast: 3}},
		"refused":            {three(), retain.Policy{KeepLast: 1, MaxDelete: limit}},
		"a placeholder":      {placeholder, retain.Policy{KeepLast: 2}},
	} {
		l := &listed{}
		if _, _, err := prune.Plan(t.Context(), l, c.snapshot, decide(c.policy)); err != nil || len(l.asked) > 0 {
			t.Errorf("%s: asked for %v, %v", name, l.asked, err)
		}
	}
}

// If the attachments of what is deleted are not known, nothing is planned. What a registry warns of is told.
func TestPlanWithoutReferrers(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if p, _, err := prune.Plan(t.Context(), &listed{err: broken}, three(), decide(retain.Policy{KeepLast: 1})); !errors.Is(err, broken) || len(p.Decisions) > 0 {
		t.Errorf("%v, %v", err, p.Decisions)
	}
	l := &listed{endless: true}
	if p, _, err := prune.Plan(t.Context(), l, three(), decide(retain.Policy{KeepLast: 2})); !errors.Is(err, registry.ErrIncomplete) || len(p.Decisions) > 0 || len(l.asked) != 16 {
		t.Errorf("after %d rounds: %v", len(l.asked), err)
	}
	p, whole, err := prune.Plan(t.Context(), &listed{warning: "not allowed"}, three(), decide(retain.Policy{KeepLast: 1}))
	if err != nil || !slices.Equal(whole.Warnings, []string{"not allowed"}) || len(p.Deletions()) != 2 {
		t.Errorf("%v, %v, %v", err, whole.Warnings, deleted(p))
	}
}

// What is known of attachments never lets an image go that the plan keeps without them. It may keep one that goes.
func TestReferrersDeleteNoOtherImage(t *testing.T) {
	t.Parallel()
	l := &listed{referrers: map[string][]oci.Image{"b1": {attachedTo(digestOf("b1"), "s")}}}
	few, all := decide(retain.Policy{KeepLast: 2}), decide(retain.Policy{KeepLast: 1})
	p, whole, err := prune.Plan(t.Context(), l, three(), func(s oci.Snapshot) retain.Plan {
		if len(s.Images) > 3 {
			return all(s)
		}
		return few(s)
	})
	if err != nil || !slices.Equal(deleted(p), []string{"b1"}) || len(whole.Warnings) != 1 || len(whole.Images) != 3 || !strings.Contains(whole.Warnings[0], "would delete b2") {
		t.Errorf("%v, %v, %v", err, deleted(p), whole.Warnings)
	}
	tagged := attachedTo(digestOf("b1"), "s")
	tagged.Tags = []string{"latest"}
	protect, err := retain.ParsePatterns("latest")
	if err != nil {
		t.Fatal(err)
	}
	p, _, err = prune.Plan(t.Context(), &listed{referrers: map[string][]oci.Image{"b1": {tagged}}}, three(), decide(retain.Policy{KeepLast: 1, Protect: protect}))
	if err != nil || !slices.Equal(deleted(p), []string{"b2"}) {
		t.Errorf("%v, %v", err, deleted(p))
	}
}

// Whatever deletion fails, in either order, a fallback index that is left lists no referrer that is gone: what it
// lists waits for it.
func TestFallbackIndexIsTrue(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{false, true} {
		for failing := range 4 {
			t.Run(fmt.Sprint("attachments first ", first, ", failing ", failing), func(t *testing.T) {
				t.Parallel()
				var all []oci.Digest
				s := newStage(t, registrytest.Options{}, func(p fixture.Tester) {
					old := p.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest, Created: now.AddDate(0, 0, -9)})
					images(p, 1)
					sbom, _ := p.Referrer(old, "application/spdx+json")
					other, index := p.Referrer(old, "application/vnd.example")
					all = []oci.Digest{old, sbom, other, index}
				})
				s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/" + string(all[failing]), Times: -1, Status: 405, Body: denied})
				res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Traits: registry.Traits{AttachmentsFirst: first}})
				s.check(t, res)
				left := s.reg.Manifests("team/app")
				if !slices.Contains(left, all[failing]) {
					t.Errorf("%s is not left", all[failing])
				}
				if index := slices.Contains(left, all[3]); index && !(slices.Contains(left, all[1]) && slices.Contains(left, all[2])) {
					t.Errorf("the fallback index lists what is gone: left are %v of %v", left, all)
				} else if index != (failing == 3 || failing == 0 && !first) {
					t.Errorf("the fallback index is left: %v", index)
				}
			})
		}
	}
}

// An earlier version of a referrers index that could not be deleted with its image is left to the next run, with the
// referrers that it lists: it would hold them for good.
func TestFormerReferrersIndexIsFinished(t *testing.T) {
	t.Parallel()
	var old, sbom, former oci.Digest
	s := newStage(t, registrytest.Options{}, func(p fixture.Tester) {
		old = p.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest, Created: now.AddDate(0, 0, -9)})
		images(p, 1)
		sbom, former = p.Referrer(old, "application/spdx+json")
		p.Referrer(old, "application/vnd.example")
	})
	l := &ledger{reg: s.reg}
	plan := func() {
		t.Helper()
		snapshot, err := s.repo.Snapshot(t.Context(), registry.Query{Digests: append(l.last(), former)})
		if err != nil {
			t.Fatal(err)
		}
		s.plan = retain.Decide(snapshot, retain.Policy{KeepLast: 1}, retain.Context{Pending: l.last(), Begun: l.Begun()}, now)
	}
	s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/" + string(former), Times: -1, Status: 400, Body: `{"errors":[{"code":"UNKNOWN"}]}`})
	plan()
	res := prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Journal: l})
	s.check(t, res)
	if has(s.reg, old) || !has(s.reg, former) || !slices.Contains(l.last(), former) || !slices.Contains(l.last(), sbom) {
		t.Fatalf("%v, in the journal %v", count(res), s.names(l.last()))
	}
	s.reg.ClearFaults()
	plan()
	s.check(t, prune.Execute(t.Context(), s.plan, s.repo, prune.Options{Journal: l}))
	if has(s.reg, former) || has(s.reg, sbom) || len(s.reg.Manifests("team/app")) != 1 || len(l.last()) > 0 {
		t.Errorf("left are %v, in the journal %v", s.names(s.reg.Manifests("team/app")), s.names(l.last()))
	}
}

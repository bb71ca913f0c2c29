package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

// TestConformanceWays runs the product's own way, from the snapshot over the plan to the deletions, on every registry
// and in every way of deleting that the registry allows. Each way is held to what deletion by digest leaves behind.
func TestConformanceWays(t *testing.T) {
	t.Parallel()
	table := []struct {
		options registries.Options
		claims  []claim
	}{
		{registries.Options{}, slices.Concat(executions, large, refusedWays)},
		{registries.Options{DisableDelete: true}, whereNothingIsDeleted},
		{registries.Options{ReadOnly: true}, whereNothingIsWritten},
		{registries.Options{Username: "ci", Password: "s3cret"}, behindLogin},
	}
	each(t, func(t *testing.T, r registry) {
		for _, part := range table {
			s := r.start(t, part.options)
			for n, c := range part.claims {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					var byDigest inventory
					for _, way := range ways(s.version) {
						t.Run(string(way), func(t *testing.T) {
							claimed := newStand(t, s, fmt.Sprintf("team/claim%d/%s", n, way), nil)
							claimed.by = way
							c.run(claimed)
							left := claimed.inventory()
							if way == prune.ByDigest {
								byDigest = left
							} else if byDigest.manifests != nil {
								left.equals(t, byDigest, c.loses)
							}
						})
					}
				})
			}
		}
	})
}

// ways are those that a registry's family allows, the one that the others are held to first.
func ways(v registrytest.Version) []prune.Way {
	if v == registrytest.V2 {
		return []prune.Way{prune.ByDigest, prune.Auto, prune.Retag}
	}
	return []prune.Way{prune.ByDigest, prune.Auto, prune.TagsFirst}
}

// way is the one that an execution of the plan has to take.
func (s stand) way(plan retain.Plan) prune.Way {
	tags := 0
	for _, d := range plan.Deletions() {
		tags += len(d.Image.Tags)
	}
	switch {
	case len(plan.Deletions()) == 0:
		return ""
	case s.by == prune.Auto && tags >= 50:
		return by(s.wire, prune.ByDigest, prune.TagsFirst)
	case s.by == prune.Auto, s.by == "":
		return prune.ByDigest
	}
	return s.by
}

// inventory is what a repository holds.
type inventory struct {
	tags      map[string]oci.Digest
	manifests map[oci.Digest]bool // those that were ever pushed, and whether they are there
}

// inventory looks for every manifest that was pushed to the repository. Where the storage can be looked at, there must
// be no other: no placeholder, and nothing that only the storage knows.
func (s stand) inventory() inventory {
	s.t.Helper()
	out := inventory{manifests: map[oci.Digest]bool{}}
	there := []oci.Digest{}
	for d := range s.pushes.pushed {
		if out.manifests[d] = s.do("HEAD", "manifests/"+d.String()).status == http.StatusOK; out.manifests[d] {
			there = append(there, d)
		}
	}
	out.tags = s.targets()
	if s.reg.stored != nil {
		slices.Sort(there)
		equal(s.wire, "stored manifests", fmt.Sprint(s.reg.stored(s.t, s.path)), fmt.Sprint(there))
	}
	return out
}

// targets returns what the tags point at.
func (s stand) targets() map[string]oci.Digest {
	s.t.Helper()
	out := map[string]oci.Digest{}
	if s.do("GET", "tags/list").status != http.StatusOK {
		return out
	}
	tags, _ := s.tags("")
	for _, t := range tags {
		out[t] = oci.Digest(s.do("HEAD", "manifests/"+t).header.Get("Docker-Content-Digest"))
	}
	return out
}

// equals compares with what deletion by digest leaves, but for tags that the other ways remove.
func (i inventory) equals(t *testing.T, byDigest inventory, loses string) {
	t.Helper()
	tags := maps.Clone(byDigest.tags)
	for lost := range strings.FieldsSeq(loses) {
		delete(tags, lost)
		delete(i.tags, lost)
	}
	if !maps.Equal(i.tags, tags) {
		t.Errorf("tags: got %v, deletion by digest leaves %v", i.tags, tags)
	}
	if !maps.Equal(i.manifests, byDigest.manifests) {
		t.Errorf("manifests: got %v, deletion by digest leaves %v", i.manifests, byDigest.manifests)
	}
}

// large has plans of so many tags that it matters how they are removed.
var large = []claim{
	{name: "a large plan of everything that hangs together", run: func(s stand) {
		policy := retain.Policy{KeepLast: 4, Tags: s.tagPattern("b*,m*,l*"), Protect: s.tagPattern("latest")}
		var images []fixture.Image
		for n := range 60 {
			images = append(images, fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: ago(n + 10)})
		}
		ds := s.push.Images(images)
		s.push.Tag(ds[40], "b40-alias", "b40-other") // go with it
		s.push.Tag(ds[41], "latest")
		s.push.Tag(ds[42], "release-1.0") // outside of the scope
		s.push.Tag(ds[0], "b0-alias")
		keptIndex, keptChildren := s.multi("m1", 1, fixture.OCIIndex)
		goes, children := s.multi("m2", 30, fixture.OCIIndex)
		keptList, keptPlatforms := s.multi("l1", 2, fixture.DockerList)
		list, platforms := s.multi("l2", 31, fixture.DockerList)
		held := []oci.Digest{s.push.Signature(ds[41], ".sig"), s.push.Signature(keptChildren[0], ".att")}
		gone := []oci.Digest{s.push.Signature(ds[43], ".sig"), s.push.Signature(children[1], ".sig")}
		referrer, fallback := s.push.Referrer(goes, "application/spdx+json")
		keptReferrer, keptFallback := s.push.Referrer(keptIndex, "application/spdx+json")
		s.push.Tag(platforms[0], "b-platform") // a doomed child with a doomed tag of its own

		res := s.sweep(policy)
		equal(s.wire, "left", len(res.Left), 0)
		s.there(true, slices.Concat(held, keptChildren, keptPlatforms, []oci.Digest{
			ds[0], ds[1], ds[41], ds[42], keptIndex, keptList, keptReferrer, keptFallback,
		})...)
		s.there(false, slices.Concat(gone, children, platforms, ds[2:41], ds[43:], []oci.Digest{goes, list, referrer, fallback})...)
		for _, tag := range []string{"m1", "l1", "b0", "b1", "latest", "release-1.0"} {
			s.pullable(tag)
		}
		equal(s.wire, "the second run", outcomes(s.sweep(policy)), "map[]")
	}},
	{name: "a large plan that somebody works against", run: func(s stand) {
		var images []fixture.Image
		for n := range 60 {
			images = append(images, fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: ago(n + 10)})
		}
		ds := s.push.Images(images)
		plan := s.plan(retain.Policy{})
		s.push.Tag(ds[20], "stable")
		s.push.Index(fixture.Index{Tags: []string{"multi"}, Children: ds[21:22], MediaType: fixture.DockerList})
		signature := s.push.Signature(ds[22], ".sig")
		fresh := s.push.Image(fixture.Image{Tags: []string{"b23"}, Seed: "rebuilt", Created: ago(0)})
		s.do("DELETE", "manifests/"+ds[24].String())
		equal(s.wire, "outcomes", outcomes(s.execute(plan)), "map[deleted:55 gone:1 skipped:3]")
		s.there(true, ds[20], ds[21], ds[22], signature, fresh)
		s.there(false, ds[23], ds[24])
		s.resolves("b23", fresh)
		s.pullable("stable")
		s.pullable("multi")
	}},
}

// refusedWays are told apart before anything is written.
var refusedWays = []claim{
	{name: "the other family's way is refused", run: func(s stand) {
		s.history(4)
		before := s.inventory()
		plan := s.plan(retain.Policy{})
		s.by = by(s.wire, prune.TagsFirst, prune.Retag)
		res := s.try(plan)
		if want := by(s.wire, prune.ErrNoTagDeletion, prune.ErrTagDeletion); !errors.Is(res.Err, want) {
			s.t.Errorf("got error %v, want %v", res.Err, want)
		}
		equal(s.wire, "outcomes", outcomes(res), "map[skipped:3]")
		equal(s.wire, "way", res.Way, "")
		equal(s.wire, "deletions asked for", s.log.asked("DELETE"), 2)
		equal(s.wire, "pushes asked for", s.log.asked("PUT")+s.log.asked("POST"), 0)
		s.inventory().equals(s.t, before, "")
	}},
	{name: "without a journal tags stay until their digest goes", run: func(s stand) {
		ds := s.history(60)
		plan := s.plan(retain.Policy{})
		res := prune.Execute(s.t.Context(), plan, s.repo, prune.Options{By: s.by})
		switch s.by {
		case prune.TagsFirst, prune.Retag:
			if !errors.Is(res.Err, prune.ErrNoJournal) {
				s.t.Errorf("got error %v", res.Err)
			}
			s.there(true, ds...)
			for _, d := range ds[1:] { // what the other ways have deleted
				s.do("DELETE", "manifests/"+d.String())
			}
		default:
			equal(s.wire, "way", res.Way, prune.ByDigest)
			equal(s.wire, "outcomes", outcomes(res), "map[deleted:59]")
			equal(s.wire, "warnings", len(res.Warnings), map[prune.Way]int{prune.Auto: 1}[s.by])
		}
	}},
}

package e2e

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

var executions = []claim{
	{name: "the newest two by date stay, whatever their names and the order of the list", run: func(s stand) {
		for tag, days := range map[string]int{"b9": 1, "a": 2, "b10": 3, "z": 4, "b100": 5, "b1": 6} {
			s.aged(tag, days)
		}
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{KeepLast: 2})), "map[deleted:4]")
		s.left("a", "b9")
	}},
	{name: "a second run deletes nothing", run: func(s stand) {
		for n := range 5 {
			s.aged(fmt.Sprint("b", n), n)
		}
		s.sweep(retain.Policy{KeepLast: 2})
		first := s.log.asked("DELETE")
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{KeepLast: 2})), "map[]")
		equal(s.wire, "deletions asked for", s.log.asked("DELETE"), first)
		s.left("b0", "b1")
	}},
	{name: "deleting twice is no failure", run: func(s stand) {
		s.aged("new", 1)
		old := s.aged("old", 2)
		plan := s.plan(retain.Policy{})
		for _, want := range []bool{true, false} {
			existed, err := s.repo.delete(s.t.Context(), old)
			if err != nil || existed != want {
				s.t.Errorf("got %v, %v, want %v", existed, err, want)
			}
		}
		equal(s.wire, "outcomes", outcomes(s.execute(plan)), "map[gone:1]")
	}},
	{name: "a tag is no digest to delete", run: func(s stand) {
		d := s.aged("a", 1)
		if _, err := s.repo.delete(s.t.Context(), "a"); err == nil {
			s.t.Error("no error")
		}
		s.resolves("a", d)
		equal(s.wire, "deletions asked for", s.log.asked("DELETE"), 0)
	}},
	{name: "an index goes before its children", run: func(s stand) {
		index, children := s.multi("old", 9, fixture.OCIIndex)
		_, kept := s.multi("new", 1, fixture.OCIIndex)
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:3]")
		equal(s.wire, "first deletion", s.log.manifestsDeleted()[0], index)
		s.there(false, append(children, index)...)
		s.there(true, kept...)
		s.left("new")
	}},
	{name: "a docker manifest list goes with its children", run: func(s stand) {
		index, children := s.multi("old", 9, fixture.DockerList)
		kept, _ := s.multi("new", 1, fixture.DockerList)
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:3]")
		s.there(false, append(children, index)...)
		s.resolves("new", kept)
	}},
	{name: "an index inside an index goes from the outside in", run: func(s stand) {
		child := s.push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Created: ago(9)})
		inner := s.push.Index(fixture.Index{Children: []oci.Digest{child}})
		outer := s.push.Index(fixture.Index{Tags: []string{"old"}, Children: []oci.Digest{inner}})
		s.aged("new", 1)
		s.sweep(retain.Policy{})
		equal(s.wire, "order", fmt.Sprint(s.log.manifestsDeleted()), fmt.Sprint([]oci.Digest{outer, inner, child}))
	}},
	{name: "an index inside an index stays with it", run: func(s stand) {
		child := s.push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Created: ago(1)})
		inner := s.push.Index(fixture.Index{Children: []oci.Digest{child}})
		outer := s.push.Index(fixture.Index{Tags: []string{"new"}, Children: []oci.Digest{inner}})
		s.push.Index(fixture.Index{Tags: []string{"flat"}, Children: []oci.Digest{child}, Annotations: map[string]string{
			"org.opencontainers.image.created": "2026-01-01T00:00:00Z",
		}})
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:1]")
		s.there(true, outer, inner, child)
		s.left("new")
	}},
	{name: "a child that a kept index lists stays", run: func(s stand) {
		shared := s.push.Image(fixture.Image{Seed: "base", MediaType: fixture.OCIManifest, Created: ago(9)})
		lone := s.push.Image(fixture.Image{Seed: "arm old", MediaType: fixture.OCIManifest, Platform: "linux/arm64", Created: ago(8)})
		fresh := s.push.Image(fixture.Image{Seed: "arm new", MediaType: fixture.OCIManifest, Platform: "linux/arm64", Created: ago(1)})
		old := s.push.Index(fixture.Index{Tags: []string{"old"}, Children: []oci.Digest{shared, lone}})
		kept := s.push.Index(fixture.Index{Tags: []string{"new"}, Children: []oci.Digest{shared, fresh}})
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:2]")
		s.there(false, old, lone)
		s.there(true, kept, shared, fresh)
	}},
	{name: "a child with a tag of its own stays with its index", run: func(s stand) {
		_, children := s.multi("new", 1, fixture.OCIIndex)
		s.push.Tag(children[0], "amd64-of-new")
		s.aged("old", 2)
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:1]")
		s.left("amd64-of-new", "new")
	}},
	{name: "a signature goes with its subject and stays with a kept one", run: func(s stand) {
		var signatures []oci.Digest
		for days, tag := range []string{1: "new", 2: "old"} {
			if tag != "" {
				signatures = append(signatures, s.push.Signature(s.aged(tag, days), ".sig"), s.push.Signature(s.aged(tag, days), ".att"))
			}
		}
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:3]")
		s.there(true, signatures[:2]...)
		s.there(false, signatures[2:]...)
	}},
	{name: "a signature of a child goes with the index", run: func(s stand) {
		_, children := s.multi("old", 9, fixture.OCIIndex)
		_, kept := s.multi("new", 1, fixture.OCIIndex)
		goes, stays := s.push.Signature(children[0], ".sig"), s.push.Signature(kept[0], ".sig")
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:4]")
		s.there(true, stays)
		s.there(false, goes)
	}},
	{name: "referrers go with their subject and stay with a kept one", run: func(s stand) {
		attach := func(tag string, days int) []oci.Digest {
			d := s.push.Image(fixture.Image{Tags: []string{tag}, MediaType: fixture.OCIManifest, Created: ago(days)})
			first, _ := s.push.Referrer(d, "application/spdx+json")
			second, fallback := s.push.Referrer(d, "application/vnd.example")
			return []oci.Digest{first, second, fallback}
		}
		stay, goes := attach("new", 1), attach("old", 2)
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:4]")
		s.there(true, stay...)
		s.there(false, goes...)
	}},
	{name: "an alias outside the scope keeps the digest", run: func(s stand) {
		s.aged("b3", 1)
		s.push.Tag(s.aged("b2", 2), "release-1.0")
		s.aged("b1", 3)
		s.aged("release-0.9", 4)
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{Tags: s.tagPattern("b*")})), "map[deleted:1]")
		s.left("b2", "b3", "release-0.9", "release-1.0")
	}},
	{name: "a protected alias keeps the digest", run: func(s stand) {
		for n := range 4 {
			s.aged(fmt.Sprint("b", n), n+1)
		}
		s.push.Tag(s.aged("b0", 1), "latest")
		s.sweep(retain.Policy{KeepLast: 2, Protect: s.tagPattern("latest")})
		s.left("b0", "b1", "latest")
	}},
	{name: "what was just pushed and is not there refuses the plan", run: func(s stand) {
		d := s.aged("new", 1)
		s.aged("old", 2)
		for _, ref := range []oci.Reference{{Tag: "newer"}, {Digest: absent}, {Tag: "new", Digest: absent}} {
			ref.Repository = oci.Repository{Host: s.reg.host, Path: s.path}
			plan := s.plan(retain.Policy{}, oci.Pushed{Reference: ref, Source: "test"})
			res := s.try(plan)
			equal(s.wire, "outcomes for "+ref.String(), outcomes(res), "map[skipped:1]")
			equal(s.wire, "refusals for "+ref.String(), len(plan.Refusals), 1)
		}
		equal(s.wire, "deletions asked for", s.log.asked("DELETE"), 0)
		s.resolves("new", d)
	}},
	{name: "what is tagged between the plan and its execution is spared", run: func(s stand) {
		ds := s.history(5)
		plan := s.plan(retain.Policy{})
		s.push.Tag(ds[2], "stable")
		s.spared(plan, ds[2])
	}},
	{name: "a doomed tag that moves saves what it moved to", run: func(s stand) {
		ds := s.history(5)
		plan := s.plan(retain.Policy{})
		s.push.Tag(ds[2], "b3")
		s.spared(plan, ds[2])
	}, loses: "b2"},
	{name: "a doomed tag that is pushed anew stays", run: func(s stand) {
		ds := s.history(3)
		plan := s.plan(retain.Policy{})
		fresh := s.push.Image(fixture.Image{Tags: []string{"b2"}, Seed: "rebuilt", Created: ago(0)})
		s.execute(plan)
		s.resolves("b2", fresh)
		s.there(false, ds[1:]...)
		s.left("b0", "b2")
	}},
	{name: "a new index saves what it lists", run: func(s stand) {
		ds := s.history(5)
		plan := s.plan(retain.Policy{})
		s.push.Index(fixture.Index{Tags: []string{"multi"}, Children: ds[2:3], MediaType: fixture.DockerList})
		s.spared(plan, ds[2])
		s.pullable("multi")
	}},
	{name: "a layer's digest is never deleted", run: func(s stand) {
		for n := range 6 { // they share their base layer
			s.push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: ago(n), Size: 200})
		}
		s.multi("multi", 9, fixture.DockerList)
		var layers []oci.Digest
		for _, i := range s.snapshot().Images {
			for _, b := range i.Blobs {
				layers = append(layers, b.Digest)
			}
		}
		s.sweep(retain.Policy{KeepLast: 2})
		deleted := s.log.manifestsDeleted()
		equal(s.wire, "deletions", len(deleted), 4+3)
		for _, l := range layers {
			if slices.Contains(deleted, l) {
				s.t.Errorf("layer %s was deleted as a manifest", l)
			}
		}
		for _, path := range s.log.sent {
			if method, path, _ := strings.Cut(path, " "); method == "DELETE" && !strings.HasPrefix(path, "/v2/"+s.path+"/manifests/") {
				s.t.Errorf("deleted %s, want manifests alone", path)
			}
		}
	}},
}

// history pushes b0, the newest, to b<n-1>.
func (s stand) history(n int) []oci.Digest {
	s.t.Helper()
	var out []oci.Digest
	for i := range n {
		out = append(out, s.aged(fmt.Sprint("b", i), i+1))
	}
	return out
}

// spared executes a plan that dooms all but the newest of five, and checks that one more is left.
func (s stand) spared(plan retain.Plan, d oci.Digest) {
	s.t.Helper()
	res := s.execute(plan)
	equal(s.wire, "outcomes", outcomes(res), "map[deleted:3 skipped:1]")
	equal(s.wire, "outcome", res.Outcomes[d].Status, prune.Skipped)
	s.there(true, d)
}

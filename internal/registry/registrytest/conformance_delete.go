package registrytest

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
	{name: "the newest two by date stay, whatever their names and the order of the list", run: func(s Stand) {
		for tag, days := range map[string]int{"b9": 1, "a": 2, "b10": 3, "z": 4, "b100": 5, "b1": 6} {
			s.Aged(tag, days)
		}
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{KeepLast: 2})), "map[deleted:4]")
		s.Left("a", "b9")
	}},
	{name: "a second run deletes nothing", run: func(s Stand) {
		for n := range 5 {
			s.Aged(fmt.Sprint("b", n), n)
		}
		s.Sweep(retain.Policy{KeepLast: 2})
		first := s.Log.asked("DELETE")
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{KeepLast: 2})), "map[]")
		Equal(s.Wire, "deletions asked for", s.Log.asked("DELETE"), first)
		s.Left("b0", "b1")
	}},
	{name: "deleting twice is no failure", run: func(s Stand) {
		s.Aged("new", 1)
		old := s.Aged("old", 2)
		plan := s.Plan(retain.Policy{})
		for _, want := range []bool{true, false} {
			existed, err := s.delete(old)
			if err != nil || existed != want {
				s.T.Errorf("got %v, %v, want %v", existed, err, want)
			}
		}
		Equal(s.Wire, "outcomes", outcomes(s.Execute(plan)), "map[gone:1]")
	}},
	{name: "a tag is no digest to delete", run: func(s Stand) {
		d := s.Aged("a", 1)
		if _, err := s.delete("a"); err == nil {
			s.T.Error("no error")
		}
		s.Resolves("a", d)
		Equal(s.Wire, "deletions asked for", s.Log.asked("DELETE"), 0)
	}},
	{name: "an index is deleted before its children", run: func(s Stand) {
		index, children := s.Multi("old", 9, fixture.OCIIndex)
		_, kept := s.Multi("new", 1, fixture.OCIIndex)
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:3]")
		Equal(s.Wire, "first deletion", s.Log.manifestsDeleted()[0], index)
		s.There(false, append(children, index)...)
		s.There(true, kept...)
		s.Left("new")
	}},
	{name: "a docker manifest list goes with its children", run: func(s Stand) {
		index, children := s.Multi("old", 9, fixture.DockerList)
		kept, _ := s.Multi("new", 1, fixture.DockerList)
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:3]")
		s.There(false, append(children, index)...)
		s.Resolves("new", kept)
	}},
	{name: "an index inside an index goes from the outside in", run: func(s Stand) {
		child := s.Push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Created: ago(9)})
		inner := s.Push.Index(fixture.Index{Children: []oci.Digest{child}})
		outer := s.Push.Index(fixture.Index{Tags: []string{"old"}, Children: []oci.Digest{inner}})
		s.Aged("new", 1)
		s.Sweep(retain.Policy{})
		Equal(s.Wire, "order", fmt.Sprint(s.Log.manifestsDeleted()), fmt.Sprint([]oci.Digest{outer, inner, child}))
	}},
	{name: "an index inside an index stays with it", run: func(s Stand) {
		child := s.Push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Created: ago(1)})
		inner := s.Push.Index(fixture.Index{Children: []oci.Digest{child}})
		outer := s.Push.Index(fixture.Index{Tags: []string{"new"}, Children: []oci.Digest{inner}})
		s.Push.Index(fixture.Index{Tags: []string{"flat"}, Children: []oci.Digest{child}, Annotations: map[string]string{
			"org.opencontainers.image.created": "2026-01-01T00:00:00Z",
		}})
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:1]")
		s.There(true, outer, inner, child)
		s.Left("new")
	}},
	{name: "a child that a kept index lists stays", run: func(s Stand) {
		shared := s.Push.Image(fixture.Image{Seed: "base", MediaType: fixture.OCIManifest, Created: ago(9)})
		lone := s.Push.Image(fixture.Image{Seed: "arm old", MediaType: fixture.OCIManifest, Platform: "linux/arm64", Created: ago(8)})
		fresh := s.Push.Image(fixture.Image{Seed: "arm new", MediaType: fixture.OCIManifest, Platform: "linux/arm64", Created: ago(1)})
		old := s.Push.Index(fixture.Index{Tags: []string{"old"}, Children: []oci.Digest{shared, lone}})
		kept := s.Push.Index(fixture.Index{Tags: []string{"new"}, Children: []oci.Digest{shared, fresh}})
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:2]")
		s.There(false, old, lone)
		s.There(true, kept, shared, fresh)
	}},
	{name: "a child with a tag of its own stays with its index", run: func(s Stand) {
		_, children := s.Multi("new", 1, fixture.OCIIndex)
		s.Push.Tag(children[0], "amd64-of-new")
		s.Aged("old", 2)
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:1]")
		s.Left("amd64-of-new", "new")
	}},
	{name: "a signature goes with its subject and stays with a kept one", run: func(s Stand) {
		var signatures []oci.Digest
		for days, tag := range []string{1: "new", 2: "old"} {
			if tag != "" {
				signatures = append(signatures, s.Push.Signature(s.Aged(tag, days), ".sig"), s.Push.Signature(s.Aged(tag, days), ".att"))
			}
		}
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:3]")
		s.There(true, signatures[:2]...)
		s.There(false, signatures[2:]...)
	}},
	{name: "a signature of a child goes with the index", run: func(s Stand) {
		_, children := s.Multi("old", 9, fixture.OCIIndex)
		_, kept := s.Multi("new", 1, fixture.OCIIndex)
		goes, stays := s.Push.Signature(children[0], ".sig"), s.Push.Signature(kept[0], ".sig")
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:4]")
		s.There(true, stays)
		s.There(false, goes)
	}},
	{name: "referrers go with their subject and stay with a kept one", run: func(s Stand) {
		attach := func(tag string, days int) []oci.Digest {
			d := s.Push.Image(fixture.Image{Tags: []string{tag}, MediaType: fixture.OCIManifest, Created: ago(days)})
			first, _ := s.Push.Referrer(d, "application/spdx+json")
			second, fallback := s.Push.Referrer(d, "application/vnd.example")
			return []oci.Digest{first, second, fallback}
		}
		stay, goes := attach("new", 1), attach("old", 2)
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:4]")
		s.There(true, stay...)
		s.There(false, goes...)
	}},
	{name: "an alias outside the scope keeps the digest", run: func(s Stand) {
		s.Aged("b3", 1)
		s.Push.Tag(s.Aged("b2", 2), "release-1.0")
		s.Aged("b1", 3)
		s.Aged("release-0.9", 4)
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{Tags: s.tagPattern("b*")})), "map[deleted:1]")
		s.Left("b2", "b3", "release-0.9", "release-1.0")
	}},
	{name: "a protected alias keeps the digest", run: func(s Stand) {
		for n := range 4 {
			s.Aged(fmt.Sprint("b", n), n+1)
		}
		s.Push.Tag(s.Aged("b0", 1), "latest")
		s.Sweep(retain.Policy{KeepLast: 2, Protect: s.tagPattern("latest")})
		s.Left("b0", "b1", "latest")
	}},
	{name: "what was just pushed and is not there refuses the plan", run: func(s Stand) {
		d := s.Aged("new", 1)
		s.Aged("old", 2)
		for _, ref := range []oci.Reference{{Tag: "newer"}, {Digest: Absent}, {Tag: "new", Digest: Absent}} {
			ref.Repository = oci.Repository{Host: s.Server.Host, Path: s.Path}
			plan := s.Plan(retain.Policy{}, oci.Pushed{Reference: ref, Source: "test"})
			res := s.Try(plan)
			Equal(s.Wire, "outcomes for "+ref.String(), outcomes(res), "map[skipped:1]")
			Equal(s.Wire, "refusals for "+ref.String(), len(plan.Refusals), 1)
		}
		Equal(s.Wire, "deletions asked for", s.Log.asked("DELETE"), 0)
		s.Resolves("new", d)
	}},
	{name: "what is tagged between the plan and its execution is spared", run: func(s Stand) {
		ds := s.History(5)
		plan := s.Plan(retain.Policy{})
		s.Push.Tag(ds[2], "stable")
		s.spared(plan, ds[2])
	}},
	{name: "a doomed tag that moves saves what it moved to", run: func(s Stand) {
		ds := s.History(5)
		plan := s.Plan(retain.Policy{})
		s.Push.Tag(ds[2], "b3")
		s.spared(plan, ds[2])
	}},
	{name: "a tag that is pushed again before its removal stays", run: func(s Stand) {
		ds := s.History(3)
		plan := s.Plan(retain.Policy{})
		fresh := s.Push.Image(fixture.Image{Tags: []string{"b2"}, Seed: "rebuilt", Created: ago(0)})
		s.Execute(plan)
		s.Resolves("b2", fresh)
		s.There(false, ds[1:]...)
		s.Left("b0", "b2")
	}},
	{name: "a new index saves what it lists", run: func(s Stand) {
		ds := s.History(5)
		plan := s.Plan(retain.Policy{})
		s.Push.Index(fixture.Index{Tags: []string{"multi"}, Children: ds[2:3], MediaType: fixture.DockerList})
		s.spared(plan, ds[2])
		s.Pullable("multi")
	}},
	{name: "a layer's digest is never deleted", run: func(s Stand) {
		for n := range 6 { // they share their base layer
			s.Push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: ago(n), Size: 200})
		}
		s.Multi("multi", 9, fixture.DockerList)
		var layers []oci.Digest
		for _, i := range s.Snapshot().Images {
			for _, b := range i.Blobs {
				layers = append(layers, b.Digest)
			}
		}
		s.Sweep(retain.Policy{KeepLast: 2})
		deleted := s.Log.manifestsDeleted()
		Equal(s.Wire, "deletions", len(deleted), 4+3)
		for _, l := range layers {
			if slices.Contains(deleted, l) {
				s.T.Errorf("layer %s was deleted as a manifest", l)
			}
		}
		for _, path := range s.Log.sent {
			if method, path, _ := strings.Cut(path, " "); method == "DELETE" && !strings.HasPrefix(path, "/v2/"+s.Path+"/manifests/") {
				s.T.Errorf("deleted %s, want manifests alone", path)
			}
		}
	}},
}

// History pushes b0, the newest, to b<n-1>.
func (s Stand) History(n int) []oci.Digest {
	s.T.Helper()
	var out []oci.Digest
	for i := range n {
		out = append(out, s.Aged(fmt.Sprint("b", i), i+1))
	}
	return out
}

// spared executes a plan that dooms all but the newest of five, and checks that one more is left.
func (s Stand) spared(plan retain.Plan, d oci.Digest) {
	s.T.Helper()
	res := s.Execute(plan)
	Equal(s.Wire, "outcomes", outcomes(res), "map[deleted:3 skipped:1]")
	Equal(s.Wire, "outcome", res.Outcomes[d].Status, prune.Skipped)
	s.There(true, d)
}

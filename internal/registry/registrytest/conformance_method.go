package registrytest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

// Methods are those that a registry's family allows, the one that the others are held to first.
func Methods(v Version) []prune.Method {
	if v == V2 {
		return []prune.Method{prune.ByDigest, prune.Auto, prune.Retag}
	}
	return []prune.Method{prune.ByDigest, prune.Auto, prune.TagsFirst}
}

// methods are those that the server allows.
func (s Server) methods() []prune.Method {
	if s.Methods != nil {
		return s.Methods
	}
	return Methods(s.Version)
}

// took holds an execution of the plan to its method. Where the registry is not known to read all tags for each deletion, auto
// may take either with many tags, by what it has measured.
func (s Stand) took(plan retain.Plan, method prune.Method) {
	s.T.Helper()
	tags := 0
	for _, d := range plan.Deletions() {
		tags += len(d.Image.Tags)
	}
	want := s.Method
	switch {
	case len(plan.Deletions()) == 0:
		want = ""
	case s.Method == prune.Auto && tags >= 50 && slices.Contains(s.Server.methods(), prune.TagsFirst):
		if !s.scans() && method == prune.ByDigest {
			return
		}
		want = prune.TagsFirst
	case s.Method == prune.Auto, s.Method == "":
		want = prune.ByDigest
	}
	Equal(s.Wire, "way", method, want)
}

// scans reports whether the registry is known to read all tags for each deletion by digest.
func (s Stand) scans() bool {
	scanner, tells := s.Repo.(registry.TagScanner)
	return tells && scanner.ScansTags()
}

// inventory is what a repository holds.
type inventory struct {
	tags      map[string]oci.Digest
	manifests map[oci.Digest]bool // those that were ever pushed, and whether they are there
}

// Inventory looks for every manifest that was pushed to the repository. Where the storage can be looked at, there must
// be no other: no placeholder, and nothing that only the storage knows.
func (s Stand) Inventory() inventory {
	s.T.Helper()
	out := inventory{manifests: map[oci.Digest]bool{}}
	there := []oci.Digest{}
	for d := range s.Pushes.pushed {
		if out.manifests[d] = s.Do("HEAD", "manifests/"+d.String()).Status == http.StatusOK; out.manifests[d] {
			there = append(there, d)
		}
	}
	out.tags = s.Targets()
	if s.Server.Stored != nil {
		slices.Sort(there)
		Equal(s.Wire, "stored manifests", fmt.Sprint(s.Server.Stored(s.T, s.Path)), fmt.Sprint(there))
	}
	return out
}

// Targets returns what the tags point at.
func (s Stand) Targets() map[string]oci.Digest {
	s.T.Helper()
	out := map[string]oci.Digest{}
	if s.Do("GET", "tags/list").Status != http.StatusOK {
		return out
	}
	tags, _ := s.ListTags("")
	for _, t := range tags {
		out[t] = oci.Digest(s.Do("HEAD", "manifests/"+t).Header.Get("Docker-Content-Digest"))
	}
	return out
}

// equals compares with what deletion by digest leaves.
func (i inventory) equals(t *testing.T, byDigest inventory) {
	t.Helper()
	if !maps.Equal(i.tags, byDigest.tags) {
		t.Errorf("tags: got %v, deletion by digest leaves %v", i.tags, byDigest.tags)
	}
	if !maps.Equal(i.manifests, byDigest.manifests) {
		t.Errorf("manifests: got %v, deletion by digest leaves %v", i.manifests, byDigest.manifests)
	}
}

// large has plans of so many tags that it matters how they are removed.
var large = []claim{
	{name: "a large plan of everything that hangs together", run: func(s Stand) {
		policy := retain.Policy{KeepLast: 4, Tags: s.tagPattern("b*,m*,l*"), Protect: s.tagPattern("latest")}
		var images []fixture.Image
		for n := range 60 {
			images = append(images, fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: ago(n + 10)})
		}
		ds := s.Push.Images(images)
		s.Push.Tag(ds[40], "b40-alias", "b40-other") // go with it
		s.Push.Tag(ds[41], "latest")
		s.Push.Tag(ds[42], "release-1.0") // outside of the scope
		s.Push.Tag(ds[0], "b0-alias")
		keptIndex, keptChildren := s.Multi("m1", 1, fixture.OCIIndex)
		goes, children := s.Multi("m2", 30, fixture.OCIIndex)
		keptList, keptPlatforms := s.Multi("l1", 2, fixture.DockerList)
		list, platforms := s.Multi("l2", 31, fixture.DockerList)
		held := []oci.Digest{s.Push.Signature(ds[41], ".sig"), s.Push.Signature(keptChildren[0], ".att")}
		gone := []oci.Digest{s.Push.Signature(ds[43], ".sig"), s.Push.Signature(children[1], ".sig")}
		referrer, fallback := s.Push.Referrer(goes, "application/spdx+json")
		keptReferrer, keptFallback := s.Push.Referrer(keptIndex, "application/spdx+json")
		s.Push.Tag(platforms[0], "b-platform") // a doomed child with a doomed tag of its own

		res := s.Sweep(policy)
		Equal(s.Wire, "left", len(res.Unfinished), 0)
		s.There(true, slices.Concat(held, keptChildren, keptPlatforms, []oci.Digest{
			ds[0], ds[1], ds[41], ds[42], keptIndex, keptList, keptReferrer, keptFallback,
		})...)
		s.There(false, slices.Concat(gone, children, platforms, ds[2:41], ds[43:], []oci.Digest{goes, list, referrer, fallback})...)
		for _, tag := range []string{"m1", "l1", "b0", "b1", "latest", "release-1.0"} {
			s.Pullable(tag)
		}
		Equal(s.Wire, "the second run", outcomes(s.Sweep(policy)), "map[]")
	}},
	{name: "a large plan that somebody works against", run: func(s Stand) {
		var images []fixture.Image
		for n := range 60 {
			images = append(images, fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: ago(n + 10)})
		}
		ds := s.Push.Images(images)
		plan := s.Plan(retain.Policy{})
		s.Push.Tag(ds[20], "stable")
		s.Push.Index(fixture.Index{Tags: []string{"multi"}, Children: ds[21:22], MediaType: fixture.DockerList})
		signature := s.Push.Signature(ds[22], ".sig")
		fresh := s.Push.Image(fixture.Image{Tags: []string{"b23"}, Seed: "rebuilt", Created: ago(0)})
		s.Do("DELETE", "manifests/"+ds[24].String())
		Equal(s.Wire, "outcomes", outcomes(s.Execute(plan)), "map[deleted:55 gone:1 skipped:3]")
		s.There(true, ds[20], ds[21], ds[22], signature, fresh)
		s.There(false, ds[23], ds[24])
		s.Resolves("b23", fresh)
		s.Pullable("stable")
		s.Pullable("multi")
	}},
}

// refusedMethods are told apart before anything is written.
var refusedMethods = []claim{
	{name: "the other family's way is refused", run: func(s Stand) {
		s.History(4)
		before := s.Inventory()
		plan := s.Plan(retain.Policy{})
		s.Method = By(s.Wire, prune.TagsFirst, prune.Retag)
		res := s.Try(plan)
		if want := By(s.Wire, prune.ErrNoTagDeletion, prune.ErrTagDeletion); !errors.Is(res.Err, want) {
			s.T.Errorf("got error %v, want %v", res.Err, want)
		}
		Equal(s.Wire, "outcomes", outcomes(res), "map[skipped:3]")
		Equal(s.Wire, "way", res.Method, "")
		Equal(s.Wire, "deletions asked for", s.Log.asked("DELETE"), 2)
		Equal(s.Wire, "pushes asked for", s.Log.asked("PUT")+s.Log.asked("POST"), 0)
		s.Inventory().equals(s.T, before)
	}},
	{name: "without a journal tags stay until their digest goes", run: func(s Stand) {
		ds := s.History(60)
		plan := s.Plan(retain.Policy{})
		res := prune.Execute(s.T.Context(), plan, s.Repo, prune.Options{Method: s.Method})
		switch s.Method {
		case prune.TagsFirst, prune.Retag:
			if !errors.Is(res.Err, prune.ErrNoJournal) {
				s.T.Errorf("got error %v", res.Err)
			}
			s.There(true, ds...)
			for _, d := range ds[1:] { // what the other ways have deleted
				s.Do("DELETE", "manifests/"+d.String())
			}
		default:
			Equal(s.Wire, "way", res.Method, prune.ByDigest)
			Equal(s.Wire, "outcomes", outcomes(res), "map[deleted:59]")
			if n := len(res.Warnings); n > 1 || n == 1 && s.Method != prune.Auto || n == 0 && s.Method == prune.Auto && s.scans() { // auto says so where it would have gained
				s.T.Errorf("got warnings %q", res.Warnings)
			}
		}
	}},
}

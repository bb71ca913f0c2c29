package prune_test

import (
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
)

// promote has somebody promote the family's index right after its signature has lost the tag, while no tag can be put
// back, and returns that tag.
func (c methodCase) promote(s *stage, f *family, status int) (tag string) {
	tag = "sha256-" + f.index.Encoded() + ".sig"
	need := c.removal(tag)
	need.Before = func() {
		s.push.Tag(f.index, "prod")
		for _, t := range []string{tag, "old"} {
			s.reg.AddFault(registrytest.Fault{Method: "PUT", Path: "*/manifests/" + t, Status: status, Times: -1})
		}
	}
	s.reg.AddFault(need)
	return tag
}

// What could not be put back stays in the journal, and the next run puts it back before it deletes anything, and deletes
// nothing of it.
func TestNextRunPutsTagsBack(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var f family
		s, l := c.stage(t, f.push)
		tag := c.promote(s, &f, http.StatusServiceUnavailable)
		res := c.executeUnsettled(t, s, l)
		if !slices.Equal(res.Untagged[f.signature], []string{tag}) || slices.Contains(res.Unfinished, f.signature) || !slices.Contains(l.last(), f.signature) || l.tags[tag] != f.signature {
			t.Fatalf("lost %v, unfinished %v, in the journal %v with %v", res.Untagged, s.names(res.Unfinished), s.names(l.last()), l.tags)
		}
		if n, most := s.reg.Count("PUT", "*/manifests/"+tag)+s.reg.Count("PUT", "*/manifests/old"), 8; n > most {
			t.Errorf("%d requests although the registry does not answer the first tag, want at most %d", n, most)
		}
		s.reg.ClearFaults()
		// The image has become one that stays: it is the newest but for the just pushed one.
		s.push.Tag(f.index, "latest")
		doomed := s.push.Image(fixture.Image{Tags: []string{"doomed"}, Seed: "doomed", Created: now.AddDate(0, 0, -20)})
		var before []string
		s.reg.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/manifests/*", Times: 1, Before: func() {
			before = slices.Sorted(maps.Keys(s.reg.Tags("team/app")))
		}})
		res = c.nextAmidFaults(t, s, l)
		if tags := s.reg.Tags("team/app"); tags[tag] != f.signature || tags["old"] != f.index || len(res.Untagged) > 0 || len(l.last()) > 0 {
			t.Errorf("left are %v, lost %v, in the journal %v", slices.Sorted(maps.Keys(tags)), res.Untagged, s.names(l.last()))
		}
		if has(s.reg, doomed) || !slices.Contains(before, tag) || !slices.Contains(before, "old") {
			t.Errorf("at the first deletion there were the tags %v", before)
		}
	})
}

// Where the image does not stay either, its signature goes with it in the next run, and no tag is put back.
func TestNextRunDeletesASignatureWithItsImage(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var f family
		s, l := c.stage(t, f.push)
		c.promote(s, &f, http.StatusServiceUnavailable)
		c.executeUnsettled(t, s, l)
		s.reg.ClearFaults()
		c.next(t, s, l)
		if left := s.reg.Manifests("team/app"); len(left) != 1 || left[0] != f.kept || len(l.last()) > 0 {
			t.Errorf("%d manifests are left, in the journal %v", len(left), s.names(l.last()))
		}
	})
}

// Somebody promotes the image while the next run deletes it, with the signature that has no tag any more.
func TestPromotedAgainInTheNextRun(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var f family
		s, l := c.stage(t, f.push)
		tag := c.promote(s, &f, http.StatusServiceUnavailable)
		c.executeUnsettled(t, s, l)
		s.reg.ClearFaults()
		need := c.removal("prod")
		need.Before = func() { s.push.Tag(f.index, "again") }
		s.reg.AddFault(need)
		c.nextAmidFaults(t, s, l)
		if tags := s.reg.Tags("team/app"); tags["again"] != f.index || tags[tag] != f.signature {
			t.Errorf("left are %v", slices.Sorted(maps.Keys(tags)))
		}
	})
}

// A tag that the registry does not take back is told by every run, with its digest, and the signature stays.
func TestTagThatCannotBePutBack(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		var f family
		s, l := c.stage(t, f.push)
		tag := c.promote(s, &f, http.StatusForbidden)
		res := c.executeUnsettled(t, s, l)
		for range 2 {
			if !slices.Equal(res.Untagged[f.signature], []string{tag}) || !has(s.reg, f.signature) || l.tags[tag] != f.signature {
				t.Fatalf("lost %v, in the journal %v", res.Untagged, l.tags)
			}
			if !slices.ContainsFunc(res.Warnings, func(w string) bool { return strings.Contains(w, tag) && strings.Contains(w, f.signature.String()) }) {
				t.Errorf("warnings: %q", res.Warnings)
			}
			s.push.Tag(f.index, "latest")
			res = c.nextAmidFaults(t, s, l)
		}
	})
}

// A run that was killed has left the tag of a signature at its placeholder. The image stays, so the tag comes back once
// the placeholder is deleted.
func TestTagAtThePlaceholderOfAKilledRun(t *testing.T) {
	t.Parallel()
	c := methodCase{prune.Retag, registrytest.V2}
	var f family
	s, l := c.stage(t, f.push)
	tag := "sha256-" + f.index.Encoded() + ".sig"
	tags, can := s.repo.(registry.TagPointer)
	if !can {
		t.Fatal("tags are not pointed at placeholders")
	}
	placeholder, err := tags.PushPlaceholder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for at, d := range map[string]oci.Digest{tag: f.signature, "old": f.index} {
		if done, err := tags.PointTag(t.Context(), at, d); err != nil || !done {
			t.Fatalf("%s: %v, %v", at, done, err)
		}
	}
	begun := []oci.Image{{Digest: f.index, Tags: []string{"old"}}, {Digest: f.signature, Tags: []string{tag}}, {Digest: f.arm}, {Digest: f.amd}, {Digest: placeholder}}
	if err := l.Write(begun); err != nil {
		t.Fatal(err)
	}
	s.push.Tag(f.index, "latest")
	stuck := registrytest.Fault{Method: "DELETE", Path: "*/manifests/" + placeholder.String(), Status: 403, Times: -1}
	s.reg.AddFault(stuck)
	res := c.nextAmidFaults(t, s, l)
	if len(res.Untagged[f.signature]) != 1 || l.tags[tag] != f.signature || !has(s.reg, f.signature) {
		t.Errorf("while the placeholder is there: lost %v, in the journal %v", res.Untagged, l.tags)
	}
	res = c.next(t, s, l)
	if tags := s.reg.Tags("team/app"); tags[tag] != f.signature || tags["old"] != f.index || len(res.Untagged) > 0 || len(l.last()) > 0 {
		t.Errorf("left are %v, lost %v, in the journal %v", tags, res.Untagged, s.names(l.last()))
	}
}

// A tag that somebody has pushed again is theirs.
func TestTagThatSomebodyHasPushedAgain(t *testing.T) {
	t.Parallel()
	c := methodCase{prune.TagsFirst, registrytest.V3}
	var f family
	s, l := c.stage(t, f.push)
	tag := c.promote(s, &f, http.StatusServiceUnavailable)
	c.executeUnsettled(t, s, l)
	s.reg.ClearFaults()
	s.push.Tag(f.index, "latest")
	fresh := s.push.Image(fixture.Image{Seed: "signed again", Tags: []string{tag}, Created: now})
	c.next(t, s, l)
	if tags := s.reg.Tags("team/app"); tags[tag] != fresh || has(s.reg, f.signature) || len(l.last()) > 0 {
		t.Errorf("left are %v, in the journal %v", tags, s.names(l.last()))
	}
}

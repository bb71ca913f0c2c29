package distribution

import (
	"slices"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// What a tag has pointed to is read again after the tag has moved on, with its parts, as long as it is there.
func TestOverwritten(t *testing.T) {
	t.Parallel()
	d := newDeskAt(t, registrytest.Options{})
	read := func(untagged bool) oci.Snapshot {
		t.Helper()
		s, err := d.repository().Snapshot(t.Context(), registry.Query{Untagged: untagged})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	has := func(s oci.Snapshot, digest oci.Digest) bool {
		return slices.ContainsFunc(s.Images, func(i oci.Image) bool { return i.Digest == digest })
	}
	first := d.push.Index(fixture.Index{Tags: []string{"latest"}, Children: []oci.Digest{d.push.Image(fixture.Image{Seed: "amd64"}), d.push.Image(fixture.Image{Seed: "arm64"})}})
	second := d.push.Image(fixture.Image{Seed: "second"})
	never := d.push.Image(fixture.Image{Seed: "never seen under a tag"})
	read(false)
	d.push.Tag(second, "latest")
	if s := read(false); has(s, first) || !has(s, second) {
		t.Fatalf("without being asked for, got %v", s.Images)
	}
	before := len(d.reg.Requests())
	s := read(true)
	if !has(s, first) || len(s.Images) != 4 || has(s, never) {
		t.Fatalf("asked for, got %v", s.Images)
	}
	steady := len(d.reg.Requests()) - before
	d.reg.Remove("team/app", first)
	if s := read(true); has(s, first) || len(s.Images) != 3 {
		t.Fatalf("gone, got %v", s.Images)
	}
	for _, i := range s.Images {
		if i.Digest != second {
			d.reg.Remove("team/app", i.Digest)
		}
	}
	read(true)
	before = len(d.reg.Requests())
	read(true)
	if again := len(d.reg.Requests()) - before; steady != again+3 {
		t.Errorf("%d requests with three manifests to ask for, %d without; want three more", steady, again)
	}
}

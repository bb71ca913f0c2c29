package distribution

import (
	"slices"
	"testing"
	"time"

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

// Where the dates of tagged images do not matter, no config of theirs is read, and every untagged image has its date. Where no
// date matters, no config is read.
func TestDates(t *testing.T) {
	t.Parallel()
	d := newDeskAt(t, registrytest.Options{})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tagged := d.push.Image(fixture.Image{Tags: []string{"b1"}, Seed: "tagged", Created: at})
	part := d.push.Image(fixture.Image{Seed: "part", Created: at, Platform: "linux/amd64"})
	untagged := d.push.Index(fixture.Index{Children: []oci.Digest{part}})
	s, err := d.repository().Snapshot(t.Context(), registry.Query{Digests: []oci.Digest{untagged}, Dates: registry.UntaggedDates})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range s.Images {
		if want := i.Digest != tagged; i.Created.IsZero() == want {
			t.Errorf("%s has the date %s", i.Digest, i.Created)
		}
	}
	if n := d.reg.Count("GET", "*/blobs/*"); n != 1 {
		t.Errorf("%d configs were read, want that of the platform", n)
	}
	none, err := d.repository().Snapshot(t.Context(), registry.Query{Digests: []oci.Digest{untagged}, Dates: registry.ManifestDates})
	if n := d.reg.Count("GET", "*/blobs/*"); err != nil || n != 1 || len(none.Images) != len(s.Images) || len(none.Images[0].Blobs) != len(s.Images[0].Blobs) {
		t.Errorf("without dates, %d configs were read: %+v, %v", n-1, none, err)
	}
}

// Named digests are read once each at most, also when a tag leads to them.
func TestNamedOnce(t *testing.T) {
	t.Parallel()
	d := newDeskAt(t, registrytest.Options{})
	index := func(seed string) oci.Digest {
		return d.push.Index(fixture.Index{Tags: []string{"latest"}, Children: []oci.Digest{d.push.Image(fixture.Image{Seed: seed + "amd64"}), d.push.Image(fixture.Image{Seed: seed + "arm64"})}})
	}
	index("old")
	index("new")
	named := d.reg.Manifests("team/app")
	for range 2 { // without a memory, and with one
		before := len(d.reg.Requests())
		if s, err := d.repository().Snapshot(t.Context(), registry.Query{Digests: named, Untagged: true}); err != nil || len(s.Images) != 6 {
			t.Fatalf("got %d images, %v", len(s.Images), err)
		}
		asked := map[string]int{}
		for _, r := range d.reg.Requests()[before:] {
			asked[r.Method+" "+r.Path]++
		}
		for _, digest := range named {
			if n := asked["GET /v2/team/app/manifests/"+digest.String()]; n > 1 {
				t.Errorf("%s was read %d times", digest, n)
			}
		}
	}
}

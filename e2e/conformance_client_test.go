package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	client "github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

// claim is something that the product does alike on every registry.
type claim struct {
	name string
	run  func(s stand)
	// loses are tags of images that go on living, which only deletion by digest leaves: the other ways have removed them
	// when they see that the image has come to be needed.
	loses string
}

// TestConformanceClient runs what the product reads and plans on every registry.
func TestConformanceClient(t *testing.T) {
	t.Parallel()
	table := []struct {
		options registries.Options
		claims  []claim
	}{
		{registries.Options{}, snapshots},
		{registries.Options{MaxTags: 3}, pages},
	}
	each(t, func(t *testing.T, r registry) {
		for _, part := range table {
			s := r.start(t, part.options)
			for n, c := range part.claims {
				if !s.takes(c.name) {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(newStand(t, s, fmt.Sprintf("team/claim%d", n), nil))
				})
			}
		}
	})
}

var snapshots = []claim{
	{name: "one image for each digest, its tags in natural order", run: func(s stand) {
		d := s.aged("b10", 1)
		s.push.Tag(d, "b9", "b100", "a")
		other := s.aged("b11", 1)
		got := s.snapshot()
		equal(s.wire, "images", len(got.Images), 2)
		equal(s.wire, "tags", strings.Join(s.of(got, d).Tags, " "), "a b9 b10 b100")
		equal(s.wire, "tags", strings.Join(s.of(got, other).Tags, " "), "b11")
		equal(s.wire, "kind", s.of(got, d).Kind, oci.KindImage)
	}},
	{name: "size is that of the config and the layers", run: func(s stand) {
		d := s.push.Image(fixture.Image{Tags: []string{"a"}, Size: 5000})
		i := s.of(s.snapshot(), d)
		var sum int64
		for _, b := range s.blobs("a") {
			sum += int64(len(s.do("GET", "blobs/"+b.String()).body))
		}
		equal(s.wire, "size", i.Size, sum)
		equal(s.wire, "blobs", len(i.Blobs), 3)
	}},
	{name: "a docker manifest list is the list, not one of its children", run: func(s stand) { s.indexed(fixture.DockerList) }},
	{name: "an OCI index is the index", run: func(s stand) { s.indexed(fixture.OCIIndex) }},
	{name: "an index inside an index", run: func(s stand) {
		child := s.push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Created: ago(4)})
		inner := s.push.Index(fixture.Index{Children: []oci.Digest{child, s.push.Provenance(child)}})
		outer := s.push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{inner}})
		got := s.snapshot()
		equal(s.wire, "images", len(got.Images), 4)
		equal(s.wire, "outer", s.of(got, outer).Kind, oci.KindIndex)
		equal(s.wire, "inner", s.of(got, inner).Kind, oci.KindChild)
		equal(s.wire, "child", s.of(got, child).Kind, oci.KindChild)
		equal(s.wire, "date", s.of(got, outer).Created, ago(4))
	}},
	{name: "attachments are known by tag and by subject", run: func(s stand) {
		d := s.push.Image(fixture.Image{Tags: []string{"a"}, MediaType: fixture.OCIManifest})
		signature := s.push.Signature(d, ".sig")
		referrer, fallback := s.push.Referrer(d, "application/spdx+json")
		got := s.snapshot()
		equal(s.wire, "images", len(got.Images), 4)
		for _, a := range []oci.Digest{signature, referrer, fallback} {
			i := s.of(got, a)
			equal(s.wire, "kind", i.Kind, oci.KindAttachment)
			equal(s.wire, "subjects", fmt.Sprint(i.Subjects()), fmt.Sprint([]oci.Digest{d}))
		}
	}},
	{name: "dates come from annotations, configs, histories and labels", run: func(s stand) {
		made := func(t time.Time) map[string]string {
			return map[string]string{"org.opencontainers.image.created": t.Format(time.RFC3339)}
		}
		epoch := time.Unix(0, 0)
		want := map[string]time.Time{
			"config": ago(1), "annotation": ago(2), "history": ago(3), "label": ago(4),
			"epoch": {}, "buildpacks": {}, "none": {}, "chart": {}, "annotated": ago(6), "platforms": ago(7),
		}
		s.push.Image(fixture.Image{Tags: []string{"config"}, Created: ago(1)})
		s.push.Image(fixture.Image{Tags: []string{"annotation"}, MediaType: fixture.OCIManifest, Created: ago(9), Annotations: made(ago(2))})
		s.push.Image(fixture.Image{Tags: []string{"history"}, Created: epoch, History: []time.Time{ago(50), ago(3)}})
		s.push.Image(fixture.Image{Tags: []string{"label"}, Labels: made(ago(4))})
		s.push.Image(fixture.Image{Tags: []string{"epoch"}, Created: epoch})
		s.push.Image(fixture.Image{Tags: []string{"buildpacks"}, Created: time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC)})
		s.push.Image(fixture.Image{Tags: []string{"none"}})
		s.push.Artifact("chart")
		old := s.push.Image(fixture.Image{Seed: "arm", MediaType: fixture.OCIManifest, Created: ago(8)})
		fresh := s.push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Created: ago(7)})
		s.push.Index(fixture.Index{Tags: []string{"annotated"}, Children: []oci.Digest{old, fresh}, Annotations: made(ago(6))})
		s.push.Index(fixture.Index{Tags: []string{"platforms"}, Children: []oci.Digest{old, fresh, s.push.Provenance(fresh)}})
		for _, i := range s.snapshot().Images {
			if len(i.Tags) == 1 {
				equal(s.wire, i.Tags[0], i.Created, want[i.Tags[0]])
				delete(want, i.Tags[0])
			}
		}
		if len(want) > 0 {
			s.t.Errorf("the snapshot misses %v", want)
		}
	}},
	{name: "a ghost is no image and is told of", run: func(s stand) {
		s.aged("b1", 2)
		s.reg.ghost(s.t, s.path, "b9")
		s.aged("b2", 1)
		s.reg.ghost(s.t, s.path, "b10")
		plan := s.plan(retain.Policy{})
		equal(s.wire, "ghosts", fmt.Sprint(plan.Ghosts), "[b9 b10]")
		equal(s.wire, "images", len(plan.Decisions), 2)
		equal(s.wire, "outcomes", outcomes(s.execute(plan)), "map[deleted:1]")
		s.left("b10", "b2", "b9")
	}},
	{name: "an emptied repository has nothing to delete", run: func(s stand) {
		s.do("DELETE", "manifests/"+s.aged("a", 1).String())
		plan := s.plan(retain.Policy{})
		equal(s.wire, "images", len(plan.Decisions), 0)
		equal(s.wire, "outcomes", outcomes(s.execute(plan)), "map[]")
	}},
	{name: "an unknown repository is an error", run: func(s stand) {
		if got, err := s.repo.Snapshot(s.t.Context(), client.Query{}); !errors.Is(err, client.ErrUnknownRepository) {
			s.t.Errorf("got %v, %v", got, err)
		}
	}},
	{name: "a digest that was pushed without a tag is read when asked for", run: func(s stand) {
		s.aged("a", 2)
		d := s.push.Image(fixture.Image{Seed: "untagged", Created: ago(1)})
		got, err := s.repo.Snapshot(s.t.Context(), client.Query{Digests: []oci.Digest{d, absent}})
		if err != nil {
			s.t.Fatal(err)
		}
		equal(s.wire, "images", len(got.Images), 2)
		equal(s.wire, "kind", s.of(got, d).Kind, oci.KindImage)
	}},
	{name: "a repository in order costs a listing, and a manifest and a config for each image", run: func(s stand) {
		for n := range 10 {
			s.aged(fmt.Sprint("b", n), n)
		}
		equal(s.wire, "outcomes", outcomes(s.execute(s.plan(retain.Policy{KeepLast: 10}))), "map[]")
		if got := len(s.log.sent); got != 21 {
			s.t.Errorf("got %d requests, want 1 + 10 + 10: %q", got, s.log.sent)
		}
	}},
}

// indexed checks what a snapshot says of an index of two platforms.
func (s stand) indexed(mediaType string) {
	s.t.Helper()
	index, children := s.multi("a", 3, mediaType)
	got := s.snapshot()
	equal(s.wire, "images", len(got.Images), 3)
	i := s.of(got, index)
	equal(s.wire, "kind", i.Kind, oci.KindIndex)
	equal(s.wire, "media type", i.MediaType, mediaType)
	equal(s.wire, "tags", fmt.Sprint(i.Tags), "[a]")
	equal(s.wire, "children", fmt.Sprint(i.Children), fmt.Sprint(children))
	equal(s.wire, "date", i.Created, ago(3))
	for _, c := range children {
		equal(s.wire, "kind of child", s.of(got, c).Kind, oci.KindChild)
		equal(s.wire, "tags of child", len(s.of(got, c).Tags), 0)
	}
}

// pages has claims for a server that sends three tags a page to whoever asks for pages.
var pages = []claim{
	{name: "a listing is read to its end", run: func(s stand) {
		d := s.aged("b1", 1)
		for n := range 30 {
			s.push.Tag(d, fmt.Sprint("b", n))
		}
		for _, query := range []string{"", "n=3", "n=1000", "n=1", "n=5"} { // 30 tags: with n=3 the last page is empty
			s.log.query, s.log.sent = query, nil
			got := s.of(s.snapshot(), d).Tags
			equal(s.wire, "tags with "+query, len(got), 30)
			equal(s.wire, "natural order", slices.IsSortedFunc(got, oci.NaturalCompare), true)
			if asked := s.log.asked("GET"); query != "" && asked < by(s.wire, 31, 40) {
				s.t.Errorf("%s: got %d requests, so there were no pages", query, asked)
			}
		}
	}},
}

// denied checks that an error ends every further deletion.
func (s stand) denied(err error, kind error) {
	s.t.Helper()
	if !errors.Is(err, kind) {
		s.t.Errorf("got error %v", err)
	}
}

var whereNothingIsDeleted = []claim{
	{name: "disabled deletion stops the execution at the first", run: func(s stand) {
		for n := range 20 {
			s.aged(fmt.Sprint("b", n), n)
		}
		res := s.try(s.plan(retain.Policy{}))
		s.denied(res.Err, client.ErrDeletionDisabled)
		want := "map[failed:1 skipped:18]"
		if s.by == prune.TagsFirst || s.by == prune.Retag {
			want = "map[skipped:19]" // the probe was refused
		}
		equal(s.wire, "outcomes", outcomes(res), want)
		equal(s.wire, "deletions asked for", s.log.asked("DELETE"), 1)
		equal(s.wire, "pushes asked for", s.log.asked("PUT")+s.log.asked("POST"), 0)
		equal(s.wire, "images left", len(s.snapshot().Images), 20)
	}},
}

var whereNothingIsWritten = []claim{
	{name: "read-only is told from disabled", run: func(s stand) {
		_, err := s.repo.delete(s.t.Context(), absent)
		s.denied(err, client.ErrReadOnly)
		equal(s.wire, "deletions asked for", s.log.asked("DELETE"), 1)
	}},
	{name: "the probe and the push of a placeholder are refused", run: func(s stand) {
		_, probed := s.repo.CanDeleteTags(s.t.Context())
		_, pushed := s.repo.PushPlaceholder(s.t.Context())
		for _, err := range []error{probed, pushed} {
			s.denied(err, client.ErrReadOnly)
		}
		equal(s.wire, "requests", len(s.log.sent), 2)
	}},
}

var behindLogin = []claim{
	{name: "with the right password everything works", run: func(s stand) {
		s.aged("old", 2)
		s.aged("new", 1)
		equal(s.wire, "outcomes", outcomes(s.sweep(retain.Policy{})), "map[deleted:1]")
		s.left("new")
	}},
	{name: "without it nothing does", run: func(s stand) {
		d := s.aged("a", 1)
		for name, c := range map[string]client.Credentials{"wrong": login("ci", "wr0ng"), "none": {}} {
			stranger := newStand(s.t, s.reg, s.path, func(o *client.Options) { o.Credentials = c })
			_, err := stranger.repo.Snapshot(s.t.Context(), client.Query{})
			_, deleting := stranger.repo.delete(s.t.Context(), d)
			for _, err := range []error{err, deleting} {
				if !errors.Is(err, client.ErrUnauthorized) || strings.Contains(fmt.Sprint(err), "wr0ng") {
					s.t.Errorf("%s: got error %v", name, err)
				}
				s.denied(err, client.ErrUnauthorized)
			}
		}
		s.there(true, d)
	}},
}

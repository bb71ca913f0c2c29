package registrytest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

var snapshots = []claim{
	{name: "one image for each digest, its tags in natural order", run: func(s Stand) {
		d := s.Aged("b10", 1)
		s.Push.Tag(d, "b9", "b100", "a")
		other := s.Aged("b11", 1)
		got := s.Snapshot()
		Equal(s.Wire, "images", len(got.Images), 2)
		Equal(s.Wire, "tags", strings.Join(s.of(got, d).Tags, " "), "a b9 b10 b100")
		Equal(s.Wire, "tags", strings.Join(s.of(got, other).Tags, " "), "b11")
		Equal(s.Wire, "kind", s.of(got, d).Kind, oci.KindImage)
	}},
	{name: "size is that of the config and the layers", run: func(s Stand) {
		d := s.Push.Image(fixture.Image{Tags: []string{"a"}, Size: 5000})
		i := s.of(s.Snapshot(), d)
		var sum int64
		for _, b := range s.Blobs("a") {
			sum += int64(len(s.Do("GET", "blobs/"+b.String()).Body))
		}
		Equal(s.Wire, "size", i.Size, sum)
		Equal(s.Wire, "blobs", len(i.Blobs), 3)
	}},
	{name: "a docker manifest list is the list, not one of its children", run: func(s Stand) { s.indexed(fixture.DockerList) }},
	{name: "an OCI index is the index", run: func(s Stand) { s.indexed(fixture.OCIIndex) }},
	{name: "an index inside an index", run: func(s Stand) {
		child := s.Push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Created: ago(4)})
		inner := s.Push.Index(fixture.Index{Children: []oci.Digest{child, s.Push.Provenance(child)}})
		outer := s.Push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{inner}})
		got := s.Snapshot()
		Equal(s.Wire, "images", len(got.Images), 4)
		Equal(s.Wire, "outer", s.of(got, outer).Kind, oci.KindIndex)
		Equal(s.Wire, "inner", s.of(got, inner).Kind, oci.KindChild)
		Equal(s.Wire, "child", s.of(got, child).Kind, oci.KindChild)
		Equal(s.Wire, "date", s.of(got, outer).Created, ago(4))
	}},
	{name: "attachments are known by tag and by subject", run: func(s Stand) {
		d := s.Push.Image(fixture.Image{Tags: []string{"a"}, MediaType: fixture.OCIManifest})
		signature := s.Push.Signature(d, ".sig")
		referrer, fallback := s.Push.Referrer(d, "application/spdx+json")
		got := s.Snapshot()
		Equal(s.Wire, "images", len(got.Images), 4)
		for _, a := range []oci.Digest{signature, referrer, fallback} {
			i := s.of(got, a)
			Equal(s.Wire, "kind", i.Kind, oci.KindAttachment)
			Equal(s.Wire, "subjects", fmt.Sprint(i.Subjects()), fmt.Sprint([]oci.Digest{d}))
		}
	}},
	{name: "dates come from annotations, configs, histories and labels", run: func(s Stand) {
		made := func(t time.Time) map[string]string {
			return map[string]string{"org.opencontainers.image.created": t.Format(time.RFC3339)}
		}
		epoch := time.Unix(0, 0)
		want := map[string]time.Time{
			"config": ago(1), "annotation": ago(2), "history": ago(3), "label": ago(4),
			"epoch": {}, "buildpacks": {}, "none": {}, "chart": {}, "annotated": ago(6), "platforms": ago(7),
		}
		s.Push.Image(fixture.Image{Tags: []string{"config"}, Created: ago(1)})
		s.Push.Image(fixture.Image{Tags: []string{"annotation"}, MediaType: fixture.OCIManifest, Created: ago(9), Annotations: made(ago(2))})
		s.Push.Image(fixture.Image{Tags: []string{"history"}, Created: epoch, History: []time.Time{ago(50), ago(3)}})
		s.Push.Image(fixture.Image{Tags: []string{"label"}, Labels: made(ago(4))})
		s.Push.Image(fixture.Image{Tags: []string{"epoch"}, Created: epoch})
		s.Push.Image(fixture.Image{Tags: []string{"buildpacks"}, Created: time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC)})
		s.Push.Image(fixture.Image{Tags: []string{"none"}})
		s.Push.Artifact("chart")
		old := s.Push.Image(fixture.Image{Seed: "arm", MediaType: fixture.OCIManifest, Created: ago(8)})
		fresh := s.Push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Created: ago(7)})
		s.Push.Index(fixture.Index{Tags: []string{"annotated"}, Children: []oci.Digest{old, fresh}, Annotations: made(ago(6))})
		s.Push.Index(fixture.Index{Tags: []string{"platforms"}, Children: []oci.Digest{old, fresh, s.Push.Provenance(fresh)}})
		for _, i := range s.Snapshot().Images {
			if len(i.Tags) == 1 {
				Equal(s.Wire, i.Tags[0], i.Created, want[i.Tags[0]])
				delete(want, i.Tags[0])
			}
		}
		if len(want) > 0 {
			s.T.Errorf("the snapshot misses %v", want)
		}
	}},
	{name: "a ghost is no image and is told of", run: func(s Stand) {
		s.Aged("b1", 2)
		s.Server.Ghost(s.T, s.Path, "b9")
		s.Aged("b2", 1)
		s.Server.Ghost(s.T, s.Path, "b10")
		plan := s.Plan(retain.Policy{})
		Equal(s.Wire, "ghosts", fmt.Sprint(plan.Ghosts), "[b9 b10]")
		Equal(s.Wire, "images", len(plan.Decisions), 2)
		Equal(s.Wire, "outcomes", outcomes(s.Execute(plan)), "map[deleted:1]")
		s.Left("b10", "b2", "b9")
	}},
	{name: "an emptied repository has nothing to delete", run: func(s Stand) {
		s.Do("DELETE", "manifests/"+s.Aged("a", 1).String())
		plan := s.Plan(retain.Policy{})
		Equal(s.Wire, "images", len(plan.Decisions), 0)
		Equal(s.Wire, "outcomes", outcomes(s.Execute(plan)), "map[]")
	}},
	{name: "an unknown repository is an error", run: func(s Stand) {
		if got, err := s.Repo.Snapshot(s.T.Context(), registry.Query{}); !errors.Is(err, registry.ErrUnknownRepository) {
			s.T.Errorf("got %v, %v", got, err)
		}
	}},
	{name: "a digest that was pushed without a tag is read when asked for", run: func(s Stand) {
		s.Aged("a", 2)
		d := s.Push.Image(fixture.Image{Seed: "untagged", Created: ago(1)})
		got, err := s.Repo.Snapshot(s.T.Context(), registry.Query{Digests: []oci.Digest{d, Absent}})
		if err != nil {
			s.T.Fatal(err)
		}
		Equal(s.Wire, "images", len(got.Images), 2)
		Equal(s.Wire, "kind", s.of(got, d).Kind, oci.KindImage)
	}},
	{name: "a repository in order costs a listing, and a manifest and a config for each image", run: func(s Stand) {
		for n := range 10 {
			s.Aged(fmt.Sprint("b", n), n)
		}
		Equal(s.Wire, "outcomes", outcomes(s.Execute(s.Plan(retain.Policy{KeepLast: 10}))), "map[]")
		if got := len(s.Log.sent); got != 21 {
			s.T.Errorf("got %d requests, want 1 + 10 + 10: %q", got, s.Log.sent)
		}
	}},
}

// indexed checks what a snapshot says of an index of two platforms.
func (s Stand) indexed(mediaType string) {
	s.T.Helper()
	index, children := s.Multi("a", 3, mediaType)
	got := s.Snapshot()
	Equal(s.Wire, "images", len(got.Images), 3)
	i := s.of(got, index)
	Equal(s.Wire, "kind", i.Kind, oci.KindIndex)
	Equal(s.Wire, "media type", i.MediaType, mediaType)
	Equal(s.Wire, "tags", fmt.Sprint(i.Tags), "[a]")
	Equal(s.Wire, "children", fmt.Sprint(i.Children), fmt.Sprint(children))
	Equal(s.Wire, "date", i.Created, ago(3))
	for _, c := range children {
		Equal(s.Wire, "kind of child", s.of(got, c).Kind, oci.KindChild)
		Equal(s.Wire, "tags of child", len(s.of(got, c).Tags), 0)
	}
}

// pages has claims for a server that sends three tags a page to whoever asks for pages.
var pages = []claim{
	{name: "a listing is read to its end", run: func(s Stand) {
		d := s.Aged("b1", 1)
		for n := range 30 {
			s.Push.Tag(d, fmt.Sprint("b", n))
		}
		for _, query := range []string{"", "n=3", "n=1000", "n=1", "n=5"} { // 30 tags: with n=3 the last page is empty
			s.Log.query, s.Log.sent = query, nil
			got := s.of(s.Snapshot(), d).Tags
			Equal(s.Wire, "tags with "+query, len(got), 30)
			Equal(s.Wire, "natural order", slices.IsSortedFunc(got, oci.NaturalCompare), true)
			if asked := s.Log.asked("GET"); query != "" && asked < By(s.Wire, 31, 40) {
				s.T.Errorf("%s: got %d requests, so there were no pages", query, asked)
			}
		}
	}},
}

// denied checks that an error ends every further deletion.
func (s Stand) denied(err error, kind error) {
	s.T.Helper()
	if !errors.Is(err, kind) {
		s.T.Errorf("got error %v", err)
	}
}

var whereNothingIsDeleted = []claim{
	{name: "disabled deletion stops the execution at the first", run: func(s Stand) {
		for n := range 20 {
			s.Aged(fmt.Sprint("b", n), n)
		}
		res := s.Try(s.Plan(retain.Policy{}))
		s.denied(res.Err, registry.ErrDeletionDisabled)
		want := "map[failed:1 skipped:18]"
		if s.Method == prune.TagsFirst || s.Method == prune.Retag {
			want = "map[skipped:19]" // the probe was refused
		}
		Equal(s.Wire, "outcomes", outcomes(res), want)
		Equal(s.Wire, "deletions asked for", s.Log.asked("DELETE"), 1)
		Equal(s.Wire, "pushes asked for", s.Log.asked("PUT")+s.Log.asked("POST"), 0)
		Equal(s.Wire, "images left", len(s.Snapshot().Images), 20)
	}},
}

var whereNothingIsWritten = []claim{
	{name: "read-only is told from disabled", run: func(s Stand) {
		_, err := s.delete(Absent)
		s.denied(err, registry.ErrReadOnly)
		Equal(s.Wire, "deletions asked for", s.Log.asked("DELETE"), 1)
	}},
	{name: "the probe and the push of a placeholder are refused", run: func(s Stand) {
		_, probed := s.Repo.(registry.TagDeleter).CanDeleteTags(s.T.Context())
		_, pushed := s.Repo.(registry.TagPointer).PushPlaceholder(s.T.Context())
		for _, err := range []error{probed, pushed} {
			s.denied(err, registry.ErrReadOnly)
		}
		Equal(s.Wire, "requests", len(s.Log.sent), 2)
	}},
}

var behindLogin = []claim{
	{name: "with the right password everything works", run: func(s Stand) {
		s.Aged("old", 2)
		s.Aged("new", 1)
		Equal(s.Wire, "outcomes", outcomes(s.Sweep(retain.Policy{})), "map[deleted:1]")
		s.Left("new")
	}},
	{name: "without it nothing does", run: func(s Stand) {
		d := s.Aged("a", 1)
		for name, c := range map[string]registry.Credentials{"wrong": login("ci", "wr0ng"), "none": {}} {
			stranger := NewStand(s.T, s.Server, s.Path, func(o *registry.Options) { o.Credentials = c })
			_, err := stranger.Repo.Snapshot(s.T.Context(), registry.Query{})
			_, deleting := stranger.delete(d)
			for _, err := range []error{err, deleting} {
				if !errors.Is(err, registry.ErrUnauthorized) || strings.Contains(fmt.Sprint(err), "wr0ng") {
					s.T.Errorf("%s: got error %v", name, err)
				}
				s.denied(err, registry.ErrUnauthorized)
			}
		}
		s.There(true, d)
	}},
}

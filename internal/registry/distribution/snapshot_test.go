package distribution_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

var built = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// client returns a client of the double that does not wait long between tries.
func client(reg *registrytest.Registry) opened {
	return openHost(reg.Host(), registry.Options{RetryBase: time.Millisecond})
}

// versions runs a test against the double of each registry.
func versions(t *testing.T, f func(t *testing.T, v registrytest.Version)) {
	for _, v := range []registrytest.Version{registrytest.V2, registrytest.V3} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			f(t, v)
		})
	}
}

func snapshot(t *testing.T, reg *registrytest.Registry, also ...oci.Digest) oci.Snapshot {
	t.Helper()
	s, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{Digests: also})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func find(t *testing.T, s oci.Snapshot, d oci.Digest) oci.Image {
	t.Helper()
	for _, i := range s.Images {
		if i.Digest == d {
			return i
		}
	}
	t.Fatalf("%s is not in the snapshot", d)
	return oci.Image{}
}

func TestSnapshotOfEverything(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, v registrytest.Version) {
		reg := registrytest.New(t, registrytest.Options{Version: v})
		push := reg.Pusher(t, "team/app")
		plain := push.Image(fixture.Image{Tags: []string{"b1", "stable"}, Created: built, Size: 2048})
		arm := push.Image(fixture.Image{Seed: "arm", Platform: "linux/arm64", Created: built.Add(time.Hour), MediaType: fixture.OCIManifest})
		amd := push.Image(fixture.Image{Seed: "amd", Created: built, MediaType: fixture.OCIManifest})
		att := push.Provenance(amd)
		multi := push.Index(fixture.Index{Tags: []string{"b2"}, Children: []oci.Digest{arm, amd, att}})
		inner := push.Index(fixture.Index{Children: []oci.Digest{amd}})
		nested := push.Index(fixture.Index{Tags: []string{"nested"}, Children: []oci.Digest{inner, arm}})
		sig := push.Signature(plain, ".sig")
		referrer, fallback := push.Referrer(plain, "application/spdx+json")
		chart := push.Artifact("chart")
		reg.SetTag("team/app", "ghost", oci.Digest("sha256:"+strings.Repeat("0", 64)))

		s := snapshot(t, reg)
		if want := []string{"ghost"}; !slices.Equal(s.Ghosts, want) {
			t.Errorf("ghosts %q, want %q", s.Ghosts, want)
		}
		for name, c := range map[string]struct {
			digest   oci.Digest
			kind     oci.Kind
			tags     []string
			created  time.Time
			children int
			subjects int
		}{
			"image":             {plain, oci.KindImage, []string{"b1", "stable"}, built, 0, 0},
			"index":             {multi, oci.KindIndex, []string{"b2"}, built.Add(time.Hour), 3, 0},
			"child":             {arm, oci.KindChild, nil, built.Add(time.Hour), 0, 0},
			"attestation child": {att, oci.KindChild, nil, time.Time{}, 0, 0},
			"nested index":      {nested, oci.KindIndex, []string{"nested"}, built.Add(time.Hour), 2, 0},
			"inner index":       {inner, oci.KindChild, nil, built, 1, 0},
			"signature":         {sig, oci.KindAttachment, nil, time.Time{}, 0, 1},
			"referrer":          {referrer, oci.KindAttachment, nil, time.Time{}, 0, 1},
			"referrers index":   {fallback, oci.KindAttachment, nil, time.Time{}, 1, 1},
			"artifact":          {chart, oci.KindImage, []string{"chart"}, time.Time{}, 0, 0},
		} {
			i := find(t, s, c.digest)
			if i.Kind != c.kind || len(i.Children) != c.children || len(i.Subjects()) != c.subjects || !i.Created.Equal(c.created) {
				t.Errorf("%s: got %s created %s with %d children and %d subjects, want %s, %s, %d, %d", name, i.Kind, i.Created, len(i.Children), len(i.Subjects()), c.kind, c.created, c.children, c.subjects)
			}
			if c.tags != nil && !slices.Equal(i.Tags, c.tags) {
				t.Errorf("%s: tags %q, want %q", name, i.Tags, c.tags)
			}
		}
		if len(s.Images) != 11 {
			t.Errorf("%d images, want 11: each digest once", len(s.Images))
		}
		var sum int64
		i := find(t, s, plain)
		for _, b := range i.Blobs {
			sum += b.Size
		}
		if i.Size != sum || sum < 2048+1024 || len(i.Blobs) != 3 {
			t.Errorf("size %d of %d blobs with %d bytes", i.Size, len(i.Blobs), sum)
		}
		if !slices.IsSortedFunc(s.Images, func(a, b oci.Image) int { return strings.Compare(string(a.Digest), string(b.Digest)) }) {
			t.Error("images are not sorted by digest")
		}
	})
}

// A step with nothing to do must cost no more than a listing and two reads an image.
func TestSnapshotRequests(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, v registrytest.Version) {
		reg := registrytest.New(t, registrytest.Options{Version: v})
		push := reg.Pusher(t, "team/app")
		for n := range 10 {
			push.Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", n)}, Created: built.Add(time.Duration(n) * time.Hour)})
		}
		snapshot(t, reg)
		lists, manifests, configs, all := reg.Count("GET", "*/tags/list"), reg.Count("GET", "*/manifests/*"), reg.Count("GET", "*/blobs/*"), len(reg.Requests())
		if lists != 1 || manifests != 10 || configs != 10 || all != 21 {
			t.Errorf("%d listings, %d manifests, %d configs, %d requests in all; want 1, 10, 10, 21", lists, manifests, configs, all)
		}
	})
}

func TestSnapshotReadsPagesByLink(t *testing.T) {
	t.Parallel()
	for _, tags := range []int{1, 4, 8, 9} { // 4 and 8 end with a page that is full
		t.Run(fmt.Sprint(tags), func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{MaxTags: 4, AlwaysPage: true})
			push := reg.Pusher(t, "team/app")
			for n := range tags {
				push.Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", n)}})
			}
			if s := snapshot(t, reg); len(s.Images) != tags {
				t.Errorf("%d images, want %d", len(s.Images), tags)
			}
		})
	}
}

func TestSnapshotOfWhatWasPushedByDigest(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	push.Image(fixture.Image{Tags: []string{"b1"}})
	loose := push.Image(fixture.Image{Seed: "loose", Created: built})
	never := oci.Digest("sha256:" + strings.Repeat("1", 64))
	s := snapshot(t, reg, loose, never)
	if i := find(t, s, loose); i.Kind != oci.KindImage || len(s.Images) != 2 || !i.Created.Equal(built) {
		t.Errorf("got %s of %s among %d images, want a dated image among 2", i.Kind, i.Created, len(s.Images))
	}
}

func TestSnapshotOfABrokenIndex(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	arm := push.Image(fixture.Image{Seed: "arm", Platform: "linux/arm64", Created: built})
	amd := push.Image(fixture.Image{Seed: "amd", Created: built.Add(time.Hour)})
	multi := push.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{arm, amd}})
	reg.Remove("team/app", amd)
	i := find(t, snapshot(t, reg), multi)
	if !slices.Equal(i.Missing, []oci.Digest{amd}) || !i.Created.Equal(built) {
		t.Errorf("missing %v, created %s; want the missing child noted and the date of the platform that is there", i.Missing, i.Created)
	}
}

func TestSnapshotDates(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return built.AddDate(0, 0, n) }
	text := func(n int) string { return day(n).Format(time.RFC3339) }
	const made = "org.opencontainers.image.created"
	epoch := time.Unix(0, 0)
	for name, c := range map[string]struct {
		image fixture.Image
		want  time.Time
	}{
		"config":                            {fixture.Image{Created: day(1)}, day(1)},
		"annotation before config":          {fixture.Image{MediaType: fixture.OCIManifest, Created: day(1), Annotations: map[string]string{made: text(2)}}, day(2)},
		"sentinel annotation":               {fixture.Image{MediaType: fixture.OCIManifest, Created: day(1), Annotations: map[string]string{made: "1970-01-01T00:00:00Z"}}, day(1)},
		"nothing":                           {fixture.Image{}, time.Time{}},
		"1970":                              {fixture.Image{Created: epoch}, time.Time{}},
		"1980":                              {fixture.Image{Created: time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC)}, time.Time{}},
		"last step of the history":          {fixture.Image{Created: epoch, History: []time.Time{day(1), day(3)}}, day(3)},
		"base image's history is not ours":  {fixture.Image{Created: epoch, History: []time.Time{day(1), epoch}}, time.Time{}},
		"label":                             {fixture.Image{Created: epoch, Labels: map[string]string{made: text(4)}}, day(4)},
		"build-date label":                  {fixture.Image{Created: epoch, Labels: map[string]string{"build-date": text(4)}}, day(4)},
		"label after the base's history":    {fixture.Image{Created: epoch, History: []time.Time{day(1), epoch}, Labels: map[string]string{made: text(4)}}, day(4)},
		"label inherited from the base":     {fixture.Image{Created: epoch, History: []time.Time{day(1), epoch}, Labels: map[string]string{made: text(1)}}, time.Time{}},
		"label that is no date":             {fixture.Image{Created: epoch, Labels: map[string]string{made: "yesterday"}}, time.Time{}},
		"a date in another zone":            {fixture.Image{MediaType: fixture.OCIManifest, Annotations: map[string]string{made: "2026-11-20T10:00:00+02:00"}}, built},
		"year 1 of an empty Go time":        {fixture.Image{Created: time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)}, time.Time{}},
		"the future is the policy's affair": {fixture.Image{Created: day(9000)}, day(9000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			c.image.Tags = []string{"b1"}
			d := reg.Pusher(t, "team/app").Image(c.image)
			if got := find(t, snapshot(t, reg), d).Created; !got.Equal(c.want) {
				t.Errorf("created %s, want %s", got, c.want)
			}
		})
	}
}

// Whatever of a repository cannot be read or trusted is an error, and says what it is about.
func TestSnapshotIsWholeOrAnError(t *testing.T) {
	t.Parallel()
	const manifests = "*/manifests/b1"
	for name, c := range map[string]struct {
		fault      registrytest.Fault
		want       string
		incomplete bool
	}{
		"another body than the digest says":  {registrytest.Fault{Path: manifests, Edit: registrytest.SetBody(`{"schemaVersion":2}`)}, "has the digest", true},
		"a body that is no JSON":             {registrytest.Fault{Path: manifests, Edit: both(registrytest.SetBody("<html>"), registrytest.SetHeader("Docker-Content-Digest", ""))}, "not JSON", true},
		"a media type never seen":            {registrytest.Fault{Path: manifests, Edit: registrytest.SetHeader("Content-Type", "application/vnd.example+json")}, `"application/vnd.example+json" is not understood`, true},
		"a schema 1 manifest":                {registrytest.Fault{Path: manifests, Edit: registrytest.SetHeader("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws")}, "is not understood", true},
		"header and body disagree":           {registrytest.Fault{Path: manifests, Edit: registrytest.SetHeader("Content-Type", fixture.OCIIndex)}, "the header says", true},
		"a digest that is none":              {registrytest.Fault{Path: manifests, Edit: registrytest.SetHeader("Docker-Content-Digest", "sha256:abc")}, "the digest \"sha256:abc\"", true},
		"a manifest that stays out of reach": {registrytest.Fault{Path: manifests, Times: -1, Status: 500}, "500", false},
		"a 404 that is not the registry's":   {registrytest.Fault{Path: manifests, Status: 404, Body: "<h1>Not Found</h1>"}, "404", false},
		"a manifest that is denied":          {registrytest.Fault{Path: manifests, Status: 403}, "403", false},
		"a config that is no JSON":           {registrytest.Fault{Path: "*/blobs/*", Edit: registrytest.SetBody("no")}, "has the digest", true},
		"a config that stays out of reach":   {registrytest.Fault{Path: "*/blobs/*", Times: -1, Status: 503}, "503", false},
		"a list that is no JSON":             {registrytest.Fault{Path: "*/tags/list", Edit: registrytest.SetBody("<html>")}, "not a list", true},
		"a list of something else":           {registrytest.Fault{Path: "*/tags/list", Edit: registrytest.SetBody(`{"name":"team/app"}`)}, "not a list", true},
		"a list without end":                 {registrytest.Fault{Path: "*/tags/list", Times: -1, Edit: registrytest.SetHeader("Link", `</v2/team/app/tags/list?last=b1>; rel="next"`)}, "has no end", true},
		"a list that goes elsewhere":         {registrytest.Fault{Path: "*/tags/list", Edit: registrytest.SetHeader("Link", `<https://elsewhere.example/v2/x>; rel="next"`)}, "another host", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			push := reg.Pusher(t, "team/app")
			push.Image(fixture.Image{Tags: []string{"b1"}, Created: built})
			push.Image(fixture.Image{Tags: []string{"b2"}, Created: built})
			reg.AddFault(c.fault)
			s, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v and %d images, want one line with %q", err, len(s.Images), c.want)
			}
			if got := errors.Is(err, registry.ErrIncomplete); got != c.incomplete {
				t.Errorf("incomplete is %v: %v", got, err)
			}
			if len(s.Images) > 0 {
				t.Error("a snapshot came with the error")
			}
		})
	}
}

func both(a, b func(*registrytest.Response)) func(*registrytest.Response) {
	return func(r *registrytest.Response) { a(r); b(r) }
}

// BuildKit's cache is an index whose entries are layers.
func TestSnapshotOfABuildCache(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, v registrytest.Version) {
		reg := registrytest.New(t, registrytest.Options{Version: v})
		push := reg.Pusher(t, "team/app")
		layer := oci.Digest("sha256:" + strings.Repeat("2", 64))
		push.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{push.Image(fixture.Image{Seed: "x"})}})
		reg.AddFault(registrytest.Fault{Path: "*/manifests/b1", Edit: func(r *registrytest.Response) {
			r.Header.Del("Docker-Content-Digest")
			r.Header.Set("Content-Type", fixture.OCIIndex)
			r.Body = fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":%q,"size":7}]}`, fixture.OCIIndex, layer)
		}})
		s := snapshot(t, reg)
		if len(s.Images) != 1 || !slices.Equal(s.Images[0].Children, []oci.Digest{layer}) || s.Images[0].Size != 7 || s.Images[0].Blobs[0].Digest != layer {
			t.Errorf("got %+v, want one index with a blob that it holds on to", s.Images)
		}
		if n := reg.Count("", "*"+layer.String()); n != 0 {
			t.Errorf("the layer was asked for %d times", n)
		}
	})
}

// What an index names is its child, whatever type the entry gives it or leaves out.
func TestSnapshotOfAnIndexWithOddEntries(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"", fixture.OCIManifest + "; charset=utf-8", "application/vnd.docker.distribution.manifest.v1+json", "application/vnd.example.manifest.v9+json"} {
		t.Run(entry, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			push := reg.Pusher(t, "team/app")
			arm := push.Image(fixture.Image{Seed: "arm", MediaType: fixture.OCIManifest, Created: built})
			push.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{arm}})
			reg.AddFault(registrytest.Fault{Path: "*/manifests/b1", Edit: func(r *registrytest.Response) {
				r.Header.Del("Docker-Content-Digest")
				r.Body = []byte(strings.ReplaceAll(string(r.Body), `"mediaType":"`+fixture.OCIManifest+`"`, `"mediaType":"`+entry+`"`))
			}})
			s := snapshot(t, reg)
			if i := find(t, s, arm); i.Kind != oci.KindChild || !i.Created.Equal(built) {
				t.Errorf("the child is %s of %s", i.Kind, i.Created)
			}
		})
	}
}

func TestSnapshotRefusesAnImageThatIsAnIndexToo(t *testing.T) {
	t.Parallel()
	for mediaType, body := range map[string]string{
		fixture.OCIManifest: `{"config":{"digest":"sha256:%[1]s"},"layers":[],"manifests":[{"digest":"sha256:%[1]s"}]}`,
		fixture.OCIIndex:    `{"manifests":[],"layers":[{"digest":"sha256:%[1]s"}]}`,
		fixture.DockerList:  `{"manifests":[],"config":{"digest":"sha256:%[1]s"}}`,
	} {
		reg := registrytest.New(t, registrytest.Options{})
		reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
		reg.AddFault(registrytest.Fault{Path: "*/manifests/b1", Status: 200, Body: fmt.Sprintf(body, strings.Repeat("3", 64)), Header: http.Header{"Content-Type": {mediaType}}})
		_, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
		if !errors.Is(err, registry.ErrIncomplete) || !strings.Contains(err.Error(), "at once") {
			t.Errorf("%s: got %v", mediaType, err)
		}
	}
}

// Indexes that list the same index twice, level over level, are read and dated in time.
func TestSnapshotOfADeepIndex(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	d := push.Image(fixture.Image{Seed: "deep", Created: built})
	for range 40 {
		d = push.Index(fixture.Index{Children: []oci.Digest{d, d}})
	}
	top := push.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{d}})
	if i := find(t, snapshot(t, reg), top); !i.Created.Equal(built) {
		t.Errorf("created %s", i.Created)
	}
}

func TestSnapshotListingWithVariedLoop(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
	n := 0
	reg.AddFault(registrytest.Fault{Path: "*/tags/list", Times: -1, Edit: func(r *registrytest.Response) {
		n++
		r.Header.Set("Link", fmt.Sprintf(`<?page=%d>; rel="next"`, n))
	}})
	_, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
	if err == nil || !strings.Contains(err.Error(), "bring nothing new") {
		t.Errorf("got %v, want an error about a listing without end", err)
	}
}

func TestSnapshotWithoutDigestHeader(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}, Created: built})
	reg.AddFault(registrytest.Fault{Path: "*/manifests/*", Times: -1, Edit: registrytest.SetHeader("Docker-Content-Digest", "")})
	s := snapshot(t, reg)
	find(t, s, d)
	later, err := client(reg).Repository("team/app").Refresh(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	find(t, later, d)
}

func TestSnapshotOfNothing(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, v registrytest.Version) {
		reg := registrytest.New(t, registrytest.Options{Version: v})
		_, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
		if !errors.Is(err, registry.ErrUnknownRepository) {
			t.Errorf("got %v, want an unknown repository", err)
		}
		d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
		reg.Remove("team/app", d)
		if s := snapshot(t, reg); len(s.Images)+len(s.Ghosts) != 0 {
			t.Errorf("got %d images, want none", len(s.Images))
		}
	})
}

// Two clients would read such a manifest differently, so what it depends on is a matter of opinion.
func TestSnapshotRefusesAmbiguousManifests(t *testing.T) {
	t.Parallel()
	entry := `{"digest":"sha256:` + strings.Repeat("3", 64) + `"}`
	for body, mediaType := range map[string]string{
		`{"manifests":[],"manifests":[` + entry + `]}`:     fixture.OCIIndex,
		`{"manifests":[],"Manifests":[` + entry + `]}`:     fixture.OCIIndex,
		`{"Manifests":[` + entry + `]}`:                    fixture.OCIIndex,
		`{"config":` + entry + `,"config":{},"layers":[]}`: fixture.OCIManifest,
		`{"subject":` + entry + `,"Subject":null}`:         fixture.OCIManifest,
		`{"mediaType":"` + fixture.OCIIndex + `"}`:         fixture.OCIManifest,
		`null`: fixture.OCIManifest,
		``:     fixture.OCIManifest,
	} {
		reg := registrytest.New(t, registrytest.Options{})
		builds(t, reg, 2)
		reg.AddFault(registrytest.Fault{Path: "*/manifests/b1", Status: 200, Body: body, Header: http.Header{"Content-Type": {mediaType}}})
		_, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
		if !errors.Is(err, registry.ErrIncomplete) || !strings.Contains(err.Error(), "b1") {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

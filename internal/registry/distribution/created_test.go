package distribution_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const made = "org.opencontainers.image.created"

// answer is the body of a manifest for whoever asks for a tag or digest.
func answer(reg *registrytest.Registry, reference, mediaType, body string) {
	reg.AddFault(registrytest.Fault{Path: "*/manifests/" + reference, Times: -1, Status: 200, Body: body, Header: http.Header{"Content-Type": {mediaType}}})
}

// An unusable date is not a date, whatever it is, and nobody else's affair.
func TestDateOfOddConfigs(t *testing.T) {
	t.Parallel()
	date := built.Format(time.RFC3339)
	for config, want := range map[string]time.Time{
		"": {}, "[]": {}, "null": {}, "7": {}, "<html>": {}, `{"created":1700000000}`: {}, `{"created":"yesterday"}`: {}, `{"created":{}}`: {}, `{"created":null}`: {},
		`{"created":"` + date + `"}`: built,
		`{"created":"` + date + `","config":"none","history":[{"created":7}]}`:         built,
		`{"created":7,"history":[{"created":"` + date + `"}]}`:                         built,
		`{"created":"` + date + `","created":"2020-01-01T00:00:00Z"}`:                  {},
		`{"created":"` + date + `","Created":"2020-01-01T00:00:00Z"}`:                  {},
		`{"created":"` + date + `","config":{"Labels":{"Created":"a","created":"b"}}}`: built,
	} {
		for _, mediaType := range []string{"application/vnd.oci.image.config.v1+json", "application/vnd.wasm.config.v0+json", "application/json"} {
			reg := registrytest.New(t, registrytest.Options{})
			builds(t, reg, 2)
			reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"odd"}, MediaType: fixture.OCIManifest, ConfigType: mediaType, Config: []byte(config)})
			if config == "" { // the pusher makes one up
				reg.SetTag("team/app", "odd", digest.FromString("odd"))
				answer(reg, "odd", fixture.OCIManifest, `{"config":{"mediaType":"`+mediaType+`","digest":"`+digest.FromString("").String()+`","size":0},"layers":[]}`)
				reg.AddFault(registrytest.Fault{Path: "*/blobs/" + digest.FromString("").String(), Status: 200})
			}
			s := snapshot(t, reg)
			if i := s.Images[slices.IndexFunc(s.Images, func(i oci.Image) bool { return slices.Equal(i.Tags, []string{"odd"}) })]; len(s.Images) != 3 || !i.Created.Equal(want) {
				t.Errorf("%s %q: created %s, want %s", mediaType, config, i.Created, want)
			}
		}
	}
}

func TestDateOfOtherArtifacts(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	wasm := `{"created":"` + built.Format(time.RFC3339) + `","os":"wasip2"}`
	want := map[string]time.Time{"wasm": built, "annotated": built.AddDate(0, 0, 1), "binary": {}, "empty": {}}
	push.Image(fixture.Image{Tags: []string{"wasm"}, MediaType: fixture.OCIManifest, ConfigType: "application/vnd.wasm.config.v0+json", Config: []byte(wasm)})
	push.Image(fixture.Image{
		Tags: []string{"annotated"}, MediaType: fixture.OCIManifest, ConfigType: "application/vnd.wasm.config.v0+json", Config: []byte(wasm),
		Annotations: map[string]string{made: want["annotated"].Format(time.RFC3339)},
	})
	push.Image(fixture.Image{Tags: []string{"binary"}, MediaType: fixture.OCIManifest, ConfigType: "application/octet-stream", Config: []byte(wasm + " ")})
	push.Image(fixture.Image{Tags: []string{"empty"}, MediaType: fixture.OCIManifest, ConfigType: "application/vnd.oci.empty.v1+json", Config: []byte("{}")})
	for _, i := range snapshot(t, reg).Images {
		if !i.Created.Equal(want[i.Tags[0]]) {
			t.Errorf("%s: created %s, want %s", i.Tags[0], i.Created, want[i.Tags[0]])
		}
	}
	if n := reg.Count("", "*/blobs/*"); n != 1 {
		t.Errorf("%d configs were read, want that of the wasm module alone", n)
	}
}

// Of the parts of an index, only platforms say how old it is.
func TestDateOfAnIndexIsThatOfItsPlatforms(t *testing.T) {
	t.Parallel()
	const nothing = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for name, c := range map[string]struct {
		more string // entries in addition to the platform
		want time.Time
	}{
		"a platform alone":             {"", built},
		"an artifact by its entry":     {`,{"mediaType":"MANIFEST","digest":"LATER","artifactType":"application/vnd.amazon.soci.index.v2+json"}`, built},
		"an artifact by its config":    {`,{"mediaType":"MANIFEST","digest":"CHART"}`, built},
		"an artifact of an artifact":   {`,{"mediaType":"INDEX","digest":"CHARTS"}`, built},
		"an index that is an artifact": {`,{"mediaType":"INDEX","digest":"SET"}`, built},
		"unknown/unknown":              {`,{"mediaType":"MANIFEST","digest":"LATER","platform":{"os":"unknown","architecture":"unknown"}}`, built},
		"a later platform":             {`,{"mediaType":"MANIFEST","digest":"LATER","platform":{"os":"linux","architecture":"arm64"}}`, built.Add(time.Hour)},
		"a platform without a date":    {`,{"mediaType":"MANIFEST","digest":"UNDATED"}`, time.Time{}},
		"a platform that is not there": {`,{"mediaType":"MANIFEST","digest":"` + nothing + `"}`, built},
		"text":                         {`,{"mediaType":"text/markdown","digest":"` + nothing + `","size":7}`, built},
		"a disk image":                 {`,{"mediaType":"application/vnd.example.disk+xz","digest":"` + nothing + `","size":7}`, built},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			push := reg.Pusher(t, "team/app")
			oci1 := func(i fixture.Image) string {
				i.MediaType = fixture.OCIManifest
				return push.Image(i).String()
			}
			chart := push.Image(fixture.Image{Seed: "chart", MediaType: fixture.OCIManifest, ConfigType: "application/vnd.cncf.helm.config.v1+json", Config: []byte(`{"name":"chart"}`)})
			later := oci1(fixture.Image{Seed: "later", Created: built.Add(time.Hour)})
			body := fmt.Sprintf(`{"artifactType":"application/vnd.example.set","manifests":[{"mediaType":%q,"digest":%q}]}`, fixture.OCIManifest, later)
			set := digest.FromString(body).String()
			answer(reg, set, fixture.OCIIndex, body)
			entries := strings.NewReplacer("MANIFEST", fixture.OCIManifest, "INDEX", fixture.OCIIndex,
				"LATER", later, "UNDATED", oci1(fixture.Image{Seed: "undated"}),
				"SET", set, "CHARTS", push.Index(fixture.Index{Children: []oci.Digest{chart}}).String(), "CHART", chart.String(),
			).Replace(`{"mediaType":"MANIFEST","digest":"` + oci1(fixture.Image{Seed: "amd", Created: built}) + `"}` + c.more)
			push.Image(fixture.Image{Tags: []string{"b1"}, Created: built})
			reg.SetTag("team/app", "multi", digest.FromString("multi"))
			answer(reg, "multi", fixture.OCIIndex, `{"schemaVersion":2,"manifests":[`+entries+`]}`)
			for _, i := range snapshot(t, reg).Images {
				if slices.Equal(i.Tags, []string{"multi"}) && !i.Created.Equal(c.want) {
					t.Errorf("created %s, want %s", i.Created, c.want)
				}
			}
			if n := reg.Count("", "*"+nothing); strings.Contains(c.more, `"size":7`) && n != 0 {
				t.Errorf("the blob was asked for %d times", n)
			}
		})
	}
}

// A part that cannot be read is told with what lists it.
func TestPartThatCannotBeRead(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	part := push.Image(fixture.Image{Seed: "part", Created: built})
	inner := push.Index(fixture.Index{Children: []oci.Digest{part}})
	push.Index(fixture.Index{Tags: []string{"many"}, Children: []oci.Digest{inner}})
	push.Image(fixture.Image{Tags: []string{"b1"}, Created: built})
	r := client(reg).Repository("team/app")
	for path, want := range map[string]string{
		"*/manifests/" + part.String():  fmt.Sprintf("many: its part %s: its part %s: GET ", inner, part),
		"*/manifests/" + inner.String(): fmt.Sprintf("many: its part %s: GET ", inner),
		"*/blobs/*":                     ": its part sha256:",
	} {
		reg.AddFault(registrytest.Fault{Path: path, Times: -1, Status: 403, Body: `{"errors":[{"code":"DENIED","message":"not this one"}]}`})
		if _, err := r.Snapshot(t.Context(), registry.Query{}); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, registry.ErrForbidden) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
		reg.ClearFaults()
	}
}

func TestTagWithTooManyParts(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(t, reg, 1)
	list := func(name string, n int) string {
		var entries []string
		for i := range n {
			entries = append(entries, fmt.Sprintf(`{"mediaType":%q,"digest":%q}`, fixture.OCIIndex, digest.FromString(fmt.Sprint(name, i))))
		}
		return `{"manifests":[` + strings.Join(entries, ",") + `]}`
	}
	inner := []string{list("a", 6000), list("b", 6000)}
	for _, body := range inner {
		answer(reg, digest.FromString(body).String(), fixture.OCIIndex, body)
	}
	reg.SetTag("team/app", "wide", digest.FromString("wide"))
	answer(reg, "wide", fixture.OCIIndex, fmt.Sprintf(`{"manifests":[{"digest":%q},{"digest":%q}]}`, digest.FromString(inner[0]), digest.FromString(inner[1])))
	_, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
	if !errors.Is(err, registry.ErrIncomplete) || !strings.Contains(err.Error(), "wide: more than 10000 manifests") {
		t.Errorf("got %v", err)
	}
	if n := len(reg.Requests()); n > 10 {
		t.Errorf("%d requests", n)
	}
}

// The base layers of Windows are elsewhere.
func TestLayersThatAreElsewhere(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(t, reg, 1)
	const foreign = `{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","size":1000,"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","urls":["https://example.com/x"]}`
	reg.SetTag("team/app", "windows", digest.FromString("windows"))
	answer(reg, "windows", fixture.DockerManifest, `{"layers":[`+foreign+`,{"size":7,"digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222"}]}`)
	for _, i := range snapshot(t, reg).Images {
		if i.Tags[0] == "windows" && (i.Size != 7 || len(i.Blobs) != 1) {
			t.Errorf("%d bytes in %d blobs, want the layer that is here alone", i.Size, len(i.Blobs))
		}
	}
}

package e2e

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// oddConfigs are configs without a usable date, by tag.
var oddConfigs = map[string]string{
	"nothing": "", "array": "[]", "null": "null", "number": "7", "text": `"2026-11-01T00:00:00Z"`, "page": "<html></html>", "half": `{"created":"2026-`,
	"not-utf8": "{\"created\":\"\xff\"}", "mark": "\ufeff" + dated(9), "two-values": dated(9) + dated(8), "two-dates": `{"created":"` + date(9) + `","created":"` + date(1) + `"}`,
	"created-number": `{"created":1700000000}`, "created-0": `{"created":0}`, "created-object": `{"created":{}}`, "created-list": `{"created":["` + date(9) + `"]}`, "created-true": `{"created":true}`,
	"created-null": `{"created":null}`, "created-empty": `{"created":""}`, "created-word": `{"created":"yesterday"}`, "created-day": `{"created":"2026-11-01"}`,
	"created-no-zone": `{"created":"2026-11-01 10:00:00"}`, "created-year-0": `{"created":"0000-00-00T00:00:00Z"}`, "created-year-1": `{"created":"0001-01-01T00:00:00Z"}`,
	"created-1970": `{"created":"1970-01-01T00:00:00Z"}`, "created-1980": `{"created":"1980-01-01T00:00:01Z"}`, "created-2199": `{"created":"2199-01-01T00:00:00Z"}`,
	"created-10000": `{"created":"10000-01-01T00:00:00Z"}`, "history-text": `{"history":"none"}`, "labels-list": `{"config":{"Labels":[]}}`, "empty-object": `{ }`,
	"deep": strings.Repeat("[", 20000),
	// The date of a model is not that of this build: one that was packed again would look as old as what it was made of.
	"model": `{"descriptor":{"createdAt":"` + date(9) + `"}}`,
}

// TestOddConfigs has images whose configs are odd, all in one repository: each of them is undated, and the rest goes on.
func TestOddConfigs(t *testing.T) {
	t.Parallel()
	var tags []string
	for tag := range oddConfigs {
		tags = append(tags, tag)
	}
	all := strings.Join(tags, " ")
	var oddities []oddity
	for _, kind := range []string{ociConfig, dockerConfig, "application/vnd.wasm.config.v0+json", "application/vnd.cncf.helm.config.v1+json"} {
		push := func(o *odd) {
			for tag, config := range oddConfigs {
				o.image(tag, tag, kind, config)
			}
		}
		oddities = append(oddities,
			oddity{name: kind, make: push, left: "b3 b4 " + all, never: []string{"json:", "Go struct", "imageConfig", "warning: odd"}},
			oddity{name: kind + " as the oldest", make: push, args: []string{"--keep-last", "2", "--undated", "oldest"}, gone: all},
		)
	}
	testOdd(t, "config", oddities)
}

// TestOddDates has images with a date where docker does not write it.
func TestOddDates(t *testing.T) {
	t.Parallel()
	testOdd(t, "date", dates)
}

// aged makes two rows of an artifact: built nine days ago it goes, and built today it stays in the place of b3.
func aged(name, configType string, config func(date string) string, more func(date string) []string) []oddity {
	push := func(days int) func(o *odd) {
		return func(o *odd) {
			var members []string
			if more != nil {
				members = more(date(days))
			}
			o.image("odd", "odd", configType, config(date(days)), members...)
		}
	}
	return []oddity{{name: name, make: push(9), gone: "odd"}, {name: name + " of today", make: push(0), left: "b4 odd"}}
}

func created(date string) string { return `{"created":"` + date + `"}` }

var dates = func() []oddity {
	annotated := func(date string) []string {
		return []string{`"annotations":{"org.opencontainers.image.created":"` + date + `"}`}
	}
	never := func(string) string { return created(date(100)) }
	nothing := func(string) string { return "{}" }
	var out []oddity
	for _, rows := range [][]oddity{
		aged("a wasm module", "application/vnd.wasm.config.v0+json", created, nil),
		aged("plain JSON", "application/json", created, nil),
		aged("JSON with a parameter", "application/json; charset=utf-8", created, nil),
		aged("the annotation before the config", "application/vnd.wasm.config.v0+json", never, annotated),
		aged("the annotation before the config of an image", ociConfig, never, annotated),
		aged("a Helm chart with the annotation", "application/vnd.cncf.helm.config.v1+json", nothing, annotated),
		aged("a Flux artifact with the annotation", "application/vnd.cncf.flux.config.v1+json", nothing, annotated),
		aged("an artifact without a config", emptyType, nothing, annotated),
		aged("fractions and another zone", ociConfig, func(date string) string { return created(strings.Replace(date, "Z", ".123456789+02:00", 1)) }, nil),
		aged("the last step of the history", ociConfig, func(date string) string {
			return `{"created":"1970-01-01T00:00:00Z","history":[` + created(date) + `]}`
		}, nil),
	} {
		out = append(out, rows...)
	}
	return out
}()

// TestOddLayers has images whose base layers are elsewhere, as those of Windows are.
func TestOddLayers(t *testing.T) {
	t.Parallel()
	const elsewhere = `{"mediaType":"%s","digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","size":1700000000,"urls":["https://mcr.microsoft.com/v2/windows/blobs/sha256:1111111111111111111111111111111111111111111111111111111111111111"]}`
	windows := func(o *odd, days int, kind, config, foreign string) made {
		o.T.Helper()
		return o.manifest("windows", "windows", kind, `{"schemaVersion":2,"mediaType":"`+kind+`","config":`+o.blob(dated(days)).entry(config)+`,"layers":[`+
			strings.Replace(elsewhere, "%s", foreign, 1)+`,`+o.blob("layer").entry(ociLayer)+`]}`)
	}
	var oddities []oddity
	for _, kind := range []struct{ name, manifest, config, layer string }{
		{"docker", fixture.DockerManifest, dockerConfig, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"},
		{"OCI", fixture.OCIManifest, ociConfig, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
		{"OCI with a usual layer", fixture.OCIManifest, ociConfig, ociLayer},
	} {
		oddities = append(oddities,
			oddity{
				name: kind.name, make: func(o *odd) { windows(o, 9, kind.manifest, kind.config, kind.layer) },
				gone: "windows", never: []string{"GiB", "warning"},
			},
			oddity{
				name: kind.name + " of today", make: func(o *odd) { windows(o, 0, kind.manifest, kind.config, kind.layer) },
				left: "b4 windows", never: []string{"GiB", "warning"},
			},
			oddity{
				name: kind.name + " in an index",
				make: func(o *odd) {
					m := windows(o, 9, kind.manifest, kind.config, kind.layer)
					o.index("multi", o.platform("amd64", "", 9), m.entry(kind.manifest, `"platform":{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1"}`))
				},
				gone: "multi amd64 windows", never: []string{"GiB", "warning"},
			})
	}
	testOdd(t, "layer", oddities)
}

// TestOddDatelessRepositories has repositories in which nothing has a date: the report says so, and what would help.
func TestOddDatelessRepositories(t *testing.T) {
	t.Parallel()
	charts := func(o *odd) {
		for name := range o.named {
			o.remove(name)
		}
		for _, version := range []string{"1.0.0", "1.1.0", "1.2.0", "2.0.0"} {
			o.image(version, version, "application/vnd.cncf.helm.config.v1+json", `{"name":"app","version":"`+version+`"}`)
		}
	}
	const all = "1.0.0 1.1.0 1.2.0 2.0.0"
	said := []string{"4 kept images have no usable date, and the rules need one", "--sort semver", "--undated oldest", "nothing to delete"}
	testOdd(t, "dateless", []oddity{
		{name: "keep the last", make: charts, left: all, says: said},
		{name: "keep by age", make: charts, args: []string{"--keep-younger-than", "7d"}, left: all, says: []string{"4 kept images have no usable date"}},
		{name: "keep by days", make: charts, args: []string{"--keep-daily", "2"}, left: all, says: []string{"4 kept images have no usable date"}},
		{name: "by version", make: charts, args: []string{"--keep-last", "2", "--sort", "semver"}, left: "1.2.0 2.0.0", never: []string{"no usable date, and"}},
		{
			name: "by the rule of versions", make: charts, args: []string{"--keep-semver", "2"}, left: all,
			says: []string{"--keep-semver applies to no image: none of the 4 images with a semantic version has a usable date", "--sort semver"},
		},
		{name: "by the rule of versions in their order", make: charts, args: []string{"--keep-semver", "2", "--sort", "semver"}, left: "1.2.0 2.0.0", never: []string{"no usable date, and"}},
		{name: "a dry run", make: charts, args: []string{"--keep-last", "2", "--dry-run"}, left: all, says: said},
		{
			name: "charts and builds", make: func(o *odd) { o.image("chart", "chart", "application/vnd.cncf.helm.config.v1+json", `{"name":"app"}`) },
			left: "b3 b4 chart", says: []string{"deleted 2 images"},
		},
	})
}

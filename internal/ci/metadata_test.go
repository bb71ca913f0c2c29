package ci_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
)

const d3 = "sha256:3333333333333333333333333333333333333333333333333333333333333333"

// TestMetadataForms reads a file of each form, as the repository's only source and beside an argument.
func TestMetadataForms(t *testing.T) {
	t.Parallel()
	const app = "h.example/team/app"
	for _, tt := range []struct {
		file string
		args []string
		want []string // FILE stands for the path
	}{
		{"buildx.json", nil, []string{app, "+ " + app + ":1@" + d1 + " FILE", "+ " + app + ":latest@" + d1 + " FILE"}},
		{"buildx.json", []string{"docker.io/team/app"}, []string{"docker.io/team/app", "+ docker.io/team/app:1@" + d1 + " FILE"}},
		{"buildx-by-digest.json", nil, []string{app, "+ " + app + "@" + d1 + " FILE"}},
		{"buildx-without-name.json", []string{app}, []string{app, "+ " + app + "@" + d1 + " FILE"}},
		{"bake.json", nil, []string{
			"h.example/team/api", "h.example/team/web",
			"+ h.example/team/api:1@" + d1 + " FILE", "+ h.example/team/web:1@" + d2 + " FILE", "+ h.example/team/web:edge@" + d2 + " FILE",
		}},
		{"bake.json", []string{"h.example/team/web"}, []string{"h.example/team/web", "+ h.example/team/web:1@" + d2 + " FILE", "+ h.example/team/web:edge@" + d2 + " FILE"}},
		{"imagetools.json", nil, []string{app, "+ " + app + "@" + d1 + " FILE"}},
		{"metadata-action.json", nil, []string{app, "+ " + app + ":1.2 FILE", "+ " + app + ":latest FILE"}},
		{"jib.json", nil, []string{app, "+ " + app + ":1@" + d1 + " FILE", "+ " + app + ":latest@" + d1 + " FILE"}},
		{"jib-of-old.json", nil, []string{"docker.io/team/app", "+ docker.io/team/app@" + d1 + " FILE", "+ docker.io/team/app:latest@" + d1 + " FILE"}},
		{"kaniko-digest", []string{app}, []string{app, "+ " + app + "@" + d1 + " FILE"}},
		{"kaniko-names", nil, []string{app, "h.example/team/other", "+ " + app + "@" + d1 + " FILE", "+ h.example/team/other@" + d1 + " FILE"}},
		{"kaniko-tags", nil, []string{app, "+ " + app + ":1@" + d1 + " FILE"}},
		{"ko", nil, []string{app + "-0c1", "+ " + app + "-0c1@" + d1 + " FILE", "+ " + app + "-0c1@" + d2 + " FILE", "+ " + app + "-0c1@" + d3 + " FILE"}},
		{"podman-digestfile", []string{app}, []string{app, "+ " + app + "@" + d1 + " FILE"}},
		{"podman-iidfile", []string{app}, []string{app, "+ " + app + "@" + d3 + " FILE"}},
		{"tekton-images", nil, []string{app, "h.example/team/web", "+ " + app + "@" + d1 + " FILE", "+ h.example/team/web@" + d2 + " FILE"}},
	} {
		t.Run(tt.file+" "+strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", "metadata", tt.file)
			built, err := ci.ReadMetadata([]string{path})
			if err != nil {
				t.Fatal(err)
			}
			got, err := ci.System{}.Images(environment(nil), tt.args, built)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.ReplaceAll(strings.Join(tt.want, "\n"), "FILE", path); text(got) != want {
				t.Errorf("got\n%s\nwant\n%s", text(got), want)
			}
		})
	}
}

// TestMetadataFixtures holds that each fixture is read by a case.
func TestMetadataFixtures(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("metadata_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/metadata/*")
	if err != nil || len(files) < 15 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		if !strings.Contains(string(source), `{"`+filepath.Base(file)+`", `) {
			t.Errorf("%s is in no case", file)
		}
	}
}

func TestMetadataValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "digest")
	write(t, file, d1+"\r\n")
	inline := `{"containerimage.digest":"` + d2 + `","image.name":"h.example/a:2,h.example/a:latest"}`
	for _, tt := range []struct {
		name   string
		values []string
		vars   env
		want   []string
	}{
		{"none", nil, env{"INPUT_IMAGES": "h.example/a"}, []string{"h.example/a"}},
		{"inline", []string{" \n" + inline + "\n"}, nil, []string{"h.example/a", "+ h.example/a:2@" + d2 + " --metadata", "+ h.example/a:latest@" + d2 + " --metadata"}},
		{"both, and two digests bind no tag", []string{file, `{"containerimage.digest":"` + d2 + `"}`}, env{"INPUT_TAGS": "h.example/a:1"}, []string{
			"h.example/a", "+ h.example/a:1 INPUT_TAGS", "+ h.example/a@" + d1 + " " + file, "+ h.example/a@" + d2 + " --metadata",
		}},
		{"files in one value", []string{file + ",\n " + file}, env{"INPUT_TAGS": "h.example/a:1"}, []string{
			"h.example/a", "+ h.example/a:1 INPUT_TAGS", "+ h.example/a@" + d1 + " " + file,
		}},
		{"a digest binds the tags of the inputs", []string{file}, env{"INPUT_TAGS": "h.example/a:1"}, []string{
			"h.example/a", "+ h.example/a:1@" + d1 + " INPUT_TAGS", "+ h.example/a@" + d1 + " " + file,
		}},
		{"a digest of several repositories", []string{file}, env{"INPUT_IMAGES": "h.example/a,h.example/b"}, []string{
			"h.example/a", "h.example/b", "? h.example/a@" + d1 + " " + file, "? h.example/b@" + d1 + " " + file,
		}},
		{"what the workflow says comes before what the tool wrote", []string{inline}, env{"INPUT_TAGS": "h.example/b:1"}, []string{"h.example/b", "+ h.example/b:1 INPUT_TAGS"}},
		{"the tool comes before what lies about", []string{inline}, env{"DOCKER_METADATA_OUTPUT_TAGS": "h.example/b:1"}, []string{
			"h.example/a", "+ h.example/a:2@" + d2 + " --metadata", "+ h.example/a:latest@" + d2 + " --metadata",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			built, err := ci.ReadMetadata(tt.values)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ci.System{}.Images(environment(tt.vars), nil, built)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Join(tt.want, "\n"); text(got) != want {
				t.Errorf("got\n%s\nwant\n%s", text(got), want)
			}
		})
	}
}

func TestMetadataMalformed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "known form"},
		{"blank", " \n", "known form"},
		{"separators", ",\n,", "known form"},
		{"no JSON", `{"containerimage.digest":`, "known form"},
		{"two values", `{"containerimage.digest":"` + d1 + `"} {}`, "known form"},
		{"another object", `{"auths":{"h.example":{"auth":"czNjcmV0"}}}`, "known form"},
		{"a list", `["h.example/a:1"]`, "known form"},
		{"nothing was pushed", `{"buildx.build.ref":"default/default/x"}`, "known form"},
		{"no target was pushed", `{"a":{"buildx.build.ref":"x"},"buildx.build.warnings":[]}`, "known form"},
		{"digest of another type", `{"containerimage.digest":7}`, "known form"},
		{"digest that is none", `{"containerimage.digest":"sha256:12"}`, `"sha256:12"`},
		{"digest that is none in bake", `{"api":{"containerimage.digest":"sha256:12"}}`, "target api"},
		{"name that is none", `{"containerimage.digest":"` + d1 + `","image.name":"h.example/A b:1"}`, "A b"},
		{"name alone", `{"image.name":"h.example/a"}`, "neither tag nor digest"},
		{"tags of another type", `{"tags":"h.example/a:1"}`, "known form"},
		{"no tags", `{"tags":[]}`, "known form"},
		{"jib has not pushed", `{"image":"h.example/a:1","imageDigest":"` + d1 + `","imagePushed":false}`, "not pushed"},
		{"text without a tag", "h.example/a", "item 1"},
		{"one bad line of several", "h.example/a:1\nh.example/a\n", "item 2"},
		{"a password", "s3cret", "item 1"},
		{"HTML", "<!doctype html>\n<title>404</title>", "item 1"},
		{"binary", "\x7fELF\x00\x01", "item 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "built")
			write(t, path, tt.text)
			_, err := ci.ReadMetadata([]string{path})
			if err == nil {
				t.Fatal("no error")
			}
			message := err.Error()
			for _, want := range []string{path, tt.want, "buildx", "kaniko", "Jib", "docker/metadata-action"} {
				if !strings.Contains(message, want) {
					t.Errorf("got %q, want %s in it", message, want)
				}
			}
			if strings.Contains(message, "\n") || strings.Contains(message, "s3cret") || strings.Contains(message, "czNj") {
				t.Errorf("got %q", message)
			}
		})
	}
	for _, values := range [][]string{{filepath.Join(t.TempDir(), "missing")}, {t.TempDir()}, {","}, {""}} {
		if _, err := ci.ReadMetadata(values); err == nil {
			t.Errorf("%q: no error", values)
		}
	}
}

package ci_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/ci"
)

func TestSection(t *testing.T) {
	t.Parallel()
	begin, end := time.Unix(1700000000, 0), time.Unix(1700000009, 0)
	for _, tt := range []struct {
		system, want string
	}{
		{ci.GitHub, "::group::a title\ntable\n::endgroup::\nline\n"},
		{ci.Forgejo, "::group::a title\ntable\n::endgroup::\nline\n"},
		{ci.Azure, "##[group]a title\ntable\n##[endgroup]\nline\n"},
		{ci.GitLab, "\x1b[0Ksection_start:1700000000:regsweep\r\x1b[0Ka title\ntable\n\x1b[0Ksection_end:1700000009:regsweep\r\x1b[0K\n"},
		{ci.Buildkite, "+++ a title\ntable\n"},
		{ci.Jenkins, "table\n"},
		{ci.None, "table\n"},
	} {
		system, err := ci.Detect(environment(nil), tt.system)
		if err != nil {
			t.Fatal(err)
		}
		var w strings.Builder
		moment := begin
		err = system.Section(&w, func() time.Time { return moment }, "a title", "line", func() error {
			moment = end
			w.WriteString("table\n")
			return errBroken
		})
		if w.String() != tt.want || !errors.Is(err, errBroken) {
			t.Errorf("%s: got %q, %v, want %q", tt.system, w.String(), err, tt.want)
		}
		err = system.Section(brokenWriter{}, func() time.Time { return begin }, "a title", "line", func() error { return nil })
		if told := strings.HasSuffix(tt.want, "line\n"); told && !errors.Is(err, errBroken) {
			t.Errorf("%s: got %v from a broken log", tt.system, err)
		}
	}
}

func TestDebug(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, system string
		vars         env
		want         string
	}{
		{"github", ci.GitHub, env{"RUNNER_DEBUG": "1"}, "::debug::50%25 of\n"},
		{"github, nobody asked", ci.GitHub, nil, ""},
		{"azure", ci.Azure, env{"SYSTEM_DEBUG": "True"}, "##[debug]50% of\n"},
		{"azure, nobody asked", ci.Azure, env{"SYSTEM_DEBUG": "False"}, ""},
		{"elsewhere", ci.GitLab, env{"RUNNER_DEBUG": "1", "SYSTEM_DEBUG": "true"}, ""},
	} {
		system, err := ci.Detect(environment(nil), tt.system)
		if err != nil {
			t.Fatal(err)
		}
		if got := system.Debug(environment(tt.vars), "50% of"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A cancelled job has time for its report, but not for the 20 s that a drain may take elsewhere.
func TestGrace(t *testing.T) {
	t.Parallel()
	want := map[string]time.Duration{
		ci.GitHub: 7500 * time.Millisecond, ci.Gitea: 7500 * time.Millisecond, ci.Forgejo: 7500 * time.Millisecond, ci.Azure: 7500 * time.Millisecond,
		ci.GitLab: 10 * time.Second, ci.Buildkite: 9 * time.Second, ci.Jenkins: 20 * time.Second, ci.Woodpecker: 20 * time.Second,
	}
	for _, name := range append(ci.Names(), "") {
		if got := (ci.System{Name: name}).Grace(); got != want[name] {
			t.Errorf("%s: got %s, want %s", name, got, want[name])
		}
	}
}

func TestWriteResults(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tekton", "results")
	out := ci.Outputs{Deleted: 3, Kept: 2, Failed: 1, Planned: 9, Skipped: 8, UnreferencedBytes: 1 << 40, FreedBytes: 7, Report: "a.md\nb.json", Line: "deleted 3 images"}
	if err := ci.WriteResults(dir, out); err != nil {
		t.Fatal(err)
	}
	for name, want := range (env{"deleted": "3", "kept": "2", "failed": "1", "planned": "9", "skipped": "8", "unreferenced-bytes": "1099511627776", "freed-bytes": "7", "report": "a.md\nb.json", "line": "deleted 3 images"}) {
		if got := read(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for _, dir := range []string{filepath.Join(dir, "deleted"), filepath.Join(dir, "deleted", "x")} {
		if err := ci.WriteResults(dir, out); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", dir, err)
		}
	}
}

func TestPublishAzure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	getenv := environment(env{"AGENT_TEMPDIRECTORY": dir})
	var w strings.Builder
	out := ci.Outputs{Deleted: 3, Kept: 2, Failed: 1, UnreferencedBytes: 4096, FreedBytes: 7, Report: "a.md\nb];json"}
	azure, markdown := ci.System{Name: ci.Azure}, func(int) (string, error) { return "# pruned\n", nil }
	if failed := azure.Publish(&w, getenv, markdown, out); failed != nil {
		t.Fatal(failed)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(files) != 1 || !filepath.IsAbs(files[0]) || read(t, files[0]) != "# pruned\n" {
		t.Fatalf("got %q, %v", files, err)
	}
	want := `##vso[task.uploadsummary]` + files[0] + `
##vso[task.setvariable variable=deleted;isOutput=true]3
##vso[task.setvariable variable=kept;isOutput=true]2
##vso[task.setvariable variable=failed;isOutput=true]1
##vso[task.setvariable variable=planned;isOutput=true]0
##vso[task.setvariable variable=skipped;isOutput=true]0
##vso[task.setvariable variable=unreferencedBytes;isOutput=true]4096
##vso[task.setvariable variable=freedBytes;isOutput=true]7
##vso[task.setvariable variable=report;isOutput=true]a.md%0Ab%5D%3Bjson
`
	if w.String() != want {
		t.Errorf("got\n%s\nwant\n%s", w.String(), want)
	}
	if failed := azure.Publish(io.Discard, environment(env{"AGENT_TEMPDIRECTORY": filepath.Join(dir, "missing")}), markdown, out); len(failed) != 1 {
		t.Errorf("a folder that is not there: got %v", failed)
	}
	if failed := azure.Publish(brokenWriter{}, getenv, markdown, out); len(failed) != 1 || !errors.Is(failed[0], errBroken) {
		t.Errorf("a broken log: got %v", failed)
	}
}

func TestOutputImages(t *testing.T) {
	t.Parallel()
	image := ci.ImageOutput{Repository: "h.example/a", Digest: d1, Tags: []string{"b1", "latest"}, Outcome: "kept"}
	for _, tt := range []struct {
		name  string
		n     int
		want  string
		fails bool
	}{
		{"none", 0, "images=[]", false},
		{"one", 1, `images=[{"repository":"h.example/a","digest":"` + d1 + `","tags":["b1","latest"],"outcome":"kept"}]`, false},
		{"too many", 10000, "images=[]", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "output")
			var images []ci.ImageOutput
			for range tt.n {
				images = append(images, image)
			}
			err := publish(ci.GitHub, env{"GITHUB_OUTPUT": path}, "", ci.Outputs{Images: images, Report: "r.json"})
			if (err != nil) != tt.fails {
				t.Errorf("got error %v", err)
			}
			got := outputs(t, read(t, path))
			if len(got) != 9 || got[7] != tt.want || got[8] != "report=r.json" {
				t.Errorf("got %q", got)
			}
		})
	}
}

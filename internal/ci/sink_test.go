package ci_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
)

// publish shows a report and outputs on a system.
func publish(system string, vars env, markdown string, o ci.Outputs) error {
	write := func(int) (string, error) { return markdown, nil }
	return errors.Join(ci.System{Name: system}.Publish(io.Discard, environment(vars), write, o)...)
}

func TestSummaryAppends(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, before, want string }{
		{"missing file", "-", "# pruned\n"},
		{"empty file", "", "# pruned\n"},
		{"text of others", "# built\n", "# built\n\n\n# pruned\n"},
		{"text without a newline", "built", "built\n\n# pruned\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "summary.md")
			if tt.before != "-" {
				write(t, path, tt.before)
			}
			if err := publish(ci.GitHub, env{"GITHUB_STEP_SUMMARY": path}, "# pruned", ci.Outputs{}); err != nil {
				t.Fatal(err)
			}
			if got := read(t, path); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSummaryRoom(t *testing.T) {
	t.Parallel()
	const limit = 900 << 10
	for _, used := range []int{0, 1, 1000, limit - 10, limit, 2 * limit} {
		path := filepath.Join(t.TempDir(), "summary.md")
		write(t, path, strings.Repeat("x", used))
		room := -1
		fill := func(more int) error {
			write := func(given int) (string, error) { room = given; return strings.Repeat("y", given+more), nil }
			return errors.Join(ci.System{Name: ci.GitHub}.Publish(io.Discard, environment(env{"GITHUB_STEP_SUMMARY": path}), write, ci.Outputs{})...)
		}
		if err := fill(1); err == nil {
			t.Errorf("%d bytes used: more than the room was taken", used)
		}
		if got := len(read(t, path)); got != used || room < 0 {
			t.Errorf("%d bytes used: a refused text left %d", used, got)
		}
		if room == 0 {
			continue
		}
		if err := fill(0); err != nil {
			t.Errorf("%d bytes used: %v", used, err)
		}
		if got := len(read(t, path)); got > limit || got < used+room {
			t.Errorf("%d bytes used: %d afterwards, the limit is %d", used, got, limit)
		}
	}
}

func TestPublishWithoutFiles(t *testing.T) {
	t.Parallel()
	for _, system := range append(ci.Names(), "") {
		if system == ci.Azure {
			continue // it needs no variable
		}
		if err := publish(system, nil, "# pruned", ci.Outputs{Report: "r.json"}); err != nil {
			t.Errorf("%s: %v", system, err)
		}
	}
}

// TestPublishUnwritable holds that the library's panic comes out as an error. A folder stands where the file should be:
// root may write anything else.
func TestPublishUnwritable(t *testing.T) {
	t.Parallel()
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing", "file")} {
		if err := publish(ci.GitHub, env{"GITHUB_STEP_SUMMARY": path, "GITHUB_OUTPUT": path}, "# pruned", ci.Outputs{}); err == nil || strings.Count(err.Error(), path) < 2 {
			t.Errorf("not an error for each: got %v", err)
		}
	}
}

// A report that cannot be written does not cost the outputs.
func TestPublishWithoutMarkdown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "output")
	vars := environment(env{"GITHUB_STEP_SUMMARY": file + ".md", "GITHUB_OUTPUT": file})
	failed := ci.System{Name: ci.GitHub}.Publish(io.Discard, vars, func(int) (string, error) { return "", errBroken }, ci.Outputs{Kept: 2})
	if len(failed) != 1 || !errors.Is(failed[0], errBroken) || !strings.Contains(read(t, file), "kept") {
		t.Errorf("got %v", failed)
	}
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	const counts = "deleted=1868 kept=2 failed=3 planned=5 skipped=4 unreferenced-bytes=4096 freed-bytes=7 images=[] "
	for _, tt := range []struct {
		name, report, want string
		fails              bool
	}{
		{"a report", "regsweep-report.json", counts + "report=regsweep-report.json", false},
		{"no report", "", counts + "report=", false},
		{"two reports", "a.md\nb.json", counts + "report=a.md\nb.json", false},
		{"a report that looks like an output", "x\ndeleted=0", counts + "report=x\ndeleted=0", false},
		{"a report that opens another output", "x\ndeleted<<EOF\n0\nEOF", counts + "report=x\ndeleted<<EOF\n0\nEOF", false},
		{"a report that closes its own", "x\n_GitHubActionsFileCommandDelimeter_\nkept=9", strings.TrimSpace(counts), true},
		{"a report that closes its own by carriage return", "x\r_GitHubActionsFileCommandDelimeter_\rkept=9", strings.TrimSpace(counts), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "output")
			write(t, path, "earlier=1\n")
			err := publish(ci.GitHub, env{"GITHUB_OUTPUT": path}, "", ci.Outputs{Deleted: 1868, Kept: 2, Failed: 3, Planned: 5, Skipped: 4, UnreferencedBytes: 4096, FreedBytes: 7, Report: tt.report})
			if (err != nil) != tt.fails {
				t.Errorf("got error %v", err)
			}
			if got, want := strings.Join(outputs(t, read(t, path)), " "), "earlier=1 "+tt.want; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// outputs reads an output file as the runner does, in both of its forms.
func outputs(t *testing.T, file string) []string {
	t.Helper()
	var out []string
	lines := strings.Split(strings.ReplaceAll(strings.TrimSuffix(file, "\n"), "\r", "\n"), "\n")
	for len(lines) > 0 {
		head := lines[0]
		lines = lines[1:]
		name, delimiter, isBlock := strings.Cut(head, "<<")
		if !isBlock {
			out = append(out, head)
			continue
		}
		var value []string
		for ; len(lines) > 0 && lines[0] != delimiter; lines = lines[1:] {
			value = append(value, lines[0])
		}
		if len(lines) == 0 {
			t.Fatalf("output %s does not end", name)
		}
		lines = lines[1:]
		out = append(out, name+"="+strings.Join(value, "\n"))
	}
	return out
}

func TestAnnotate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		system         string
		level          ci.Level
		title, message string
		want           string
	}{
		{"elsewhere", ci.Jenkins, ci.Error, "regsweep", "x", ""},
		{"Azure's issue", ci.Azure, ci.Error, "regsweep", "100% refused]\n##vso[x]", "##vso[task.logissue type=error]regsweep: 100%AZP25 refused%5D%0A##vso[x%5D\n"},
		{"Azure's warning", ci.Azure, ci.Warning, "regsweep", "x", "##vso[task.logissue type=warning]regsweep: x\n"},
		{"Azure has no notice", ci.Azure, ci.Notice, "regsweep", "x", ""},
		{"notice", ci.GitHub, ci.Notice, "regsweep", "deleted 3 images, kept 2", "::notice title=regsweep::deleted 3 images, kept 2\n"},
		{"warning", ci.Gitea, ci.Warning, "regsweep", "100% done", "::warning title=regsweep::100%25 done\n"},
		{"error", ci.Forgejo, ci.Error, "a:b,c", "%s\r\n::set-output name=x::y", "::error title=a%3Ab%2Cc::%25s%0D%0A::set-output name=x::y\n"},
		{"no level", ci.GitHub, "", "regsweep", "x", "::notice title=regsweep::x\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var w strings.Builder
			system, err := ci.Detect(environment(nil), tt.system)
			if err != nil {
				t.Fatal(err)
			}
			if err := system.Annotate(&w, tt.level, tt.title, tt.message); err != nil {
				t.Fatal(err)
			}
			if got := lines(w.String()); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

var errBroken = errors.New("broken pipe")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestAnnotateBrokenWriter(t *testing.T) {
	t.Parallel()
	for _, s := range []ci.System{{Name: ci.GitHub}, {Name: ci.Azure}} {
		if err := s.Annotate(brokenWriter{}, ci.Warning, "regsweep", "x"); !errors.Is(err, errBroken) {
			t.Errorf("%s: got %v, want %v", s.Name, err, errBroken)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return lines(string(b))
}

// lines ends lines as on Unix. On Windows go-githubactions ends them as Windows does, which GitHub's runner reads as well.
func lines(text string) string {
	if runtime.GOOS == "windows" {
		return strings.ReplaceAll(text, "\r\n", "\n")
	}
	return text
}

package ci_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
)

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
			if err := ci.AppendSummary(environment(env{"GITHUB_STEP_SUMMARY": path}), "# pruned"); err != nil {
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
	if room, ok := ci.SummaryRoom(environment(nil)); ok || room != 0 {
		t.Errorf("without a variable: got %d, %t", room, ok)
	}
	for _, used := range []int{0, 1, 1000, ci.SummaryLimit - 10, ci.SummaryLimit, 2 * ci.SummaryLimit} {
		path := filepath.Join(t.TempDir(), "summary.md")
		write(t, path, strings.Repeat("x", used))
		getenv := environment(env{"GITHUB_STEP_SUMMARY": path})
		room, ok := ci.SummaryRoom(getenv)
		if !ok || room < 0 {
			t.Fatalf("%d bytes used: got %d, %t", used, room, ok)
		}
		if err := ci.AppendSummary(getenv, strings.Repeat("y", room+1)); err == nil {
			t.Errorf("%d bytes used: more than the room was taken", used)
		}
		if got := len(read(t, path)); got != used {
			t.Errorf("%d bytes used: a refused text left %d", used, got)
		}
		if room == 0 {
			continue
		}
		if err := ci.AppendSummary(getenv, strings.Repeat("y", room)); err != nil {
			t.Errorf("%d bytes used: %v", used, err)
		}
		if got := len(read(t, path)); got > ci.SummaryLimit || got < used+room {
			t.Errorf("%d bytes used: %d afterwards, the limit is %d", used, got, ci.SummaryLimit)
		}
	}
}

func TestSinksWithoutFile(t *testing.T) {
	t.Parallel()
	if err := ci.AppendSummary(environment(nil), "# pruned"); err != nil {
		t.Errorf("summary: %v", err)
	}
	if err := ci.WriteOutputs(environment(nil), ci.Outputs{Report: "r.json"}); err != nil {
		t.Errorf("outputs: %v", err)
	}
}

// TestSinksUnwritable holds that the library's panic comes out as an error. A folder stands where the file should be:
// root may write anything else.
func TestSinksUnwritable(t *testing.T) {
	t.Parallel()
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing", "file")} {
		getenv := environment(env{"GITHUB_STEP_SUMMARY": path, "GITHUB_OUTPUT": path})
		if err := ci.AppendSummary(getenv, "# pruned"); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("summary: got %v", err)
		}
		if err := ci.WriteOutputs(getenv, ci.Outputs{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("outputs: got %v", err)
		}
	}
}

func TestWriteOutputs(t *testing.T) {
	t.Parallel()
	const counts = "deleted=1868 kept=2 failed=3 unreferenced-bytes=4096 freed-bytes=7 images=[] "
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
			err := ci.WriteOutputs(environment(env{"GITHUB_OUTPUT": path}), ci.Outputs{Deleted: 1868, Kept: 2, Failed: 3, UnreferencedBytes: 4096, FreedBytes: 7, Report: tt.report})
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
			if w.String() != tt.want {
				t.Errorf("got %q, want %q", w.String(), tt.want)
			}
		})
	}
}

var errBroken = errors.New("broken pipe")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestAnnotateBrokenWriter(t *testing.T) {
	t.Parallel()
	for _, s := range []ci.System{{Name: ci.GitHub, Actions: true}, {Name: ci.Azure}} {
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
	return string(b)
}

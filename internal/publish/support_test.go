package publish_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// testNow is the time of every clock that stands still.
var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func now() time.Time { return testNow }

// ticking returns a clock that goes on by a second each time that somebody looks at it.
func ticking() func() time.Time {
	var looks atomic.Int64
	return func() time.Time { return testNow.Add(time.Duration(looks.Add(1)) * time.Second) }
}

// ran is what a run did that kept one image of a repository and deleted another.
func ran() report.Summary {
	name := oci.Repository{Host: "registry.example.com", Path: "team/app"}
	image := func(digit, tag string) oci.Image {
		return oci.Image{Digest: oci.Digest("sha256:" + strings.Repeat(digit, 64)), Kind: oci.KindImage, Tags: []string{tag}, Created: testNow.Add(-time.Hour), Size: 4096}
	}
	kept, gone := image("a", "build-2"), image("b", "build-1")
	return report.Summary{
		Started: testNow, Elapsed: 2 * time.Second, Policy: "keep the last 1",
		Repositories: []report.Outcome{{
			Name: name, Outcomes: map[oci.Digest]prune.Outcome{gone.Digest: {Status: prune.Deleted}},
			Plan: &retain.Plan{Repository: name, Decisions: []retain.Decision{
				{Image: kept, Verdict: retain.Keep, Reasons: []retain.Reason{{Rule: retain.RuleLast, Detail: "last 1 of 1"}}},
				{Image: gone, Verdict: retain.Delete, Reasons: []retain.Reason{{Rule: retain.RuleLast, Detail: "beyond the last 1"}}},
			}},
		}},
	}
}

// as returns what the report package writes in a form.
func as(t *testing.T, form report.Form, sum report.Summary) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, form, sum); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// opened opens report files for a summary.
func opened(t *testing.T, paths ...string) []publish.File {
	t.Helper()
	files, err := publish.OpenFiles(paths, report.FormOf)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// env is an environment that has these variables alone.
func env(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// put writes a file, and the folders that it is in.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get reads a file, whose lines end as on Unix. What cannot be read, or has no end, has a text that no file has.
func get(path string) string {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "unreadable: not a file"
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return lines(string(text))
}

// lines ends lines as on Unix. On Windows, what GitHub's runner reads has the ends of Windows.
func lines(text string) string {
	if runtime.GOOS == "windows" {
		return strings.ReplaceAll(text, "\r\n", "\n")
	}
	return text
}

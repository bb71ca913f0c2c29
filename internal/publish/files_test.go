package publish_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
)

// A mistake in one path of --report is bad input, and costs the reports of an earlier run nothing: not those before it in
// the list, and not those after it.
func TestOpenFilesKeepsEarlierReports(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wrong string // in the test's folder
		says  string
	}{
		"unknown ending":          {"x.pdf", ".pdf"},
		"standard output":         {"-", "no ending"},
		"no such folder":          {"nowhere/x.json", "nowhere"},
		"a folder has the name":   {"taken.json", "taken.json"},
		"a file is in its way":    {"earlier.json/", "earlier.json"},
		"the page cannot be made": {"pageless/", report.PageFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			in := func(path string) string { return dir + "/" + path }
			earlier := []string{in("earlier.json"), in("earlier/" + report.PageFile), in("later.md")}
			for _, path := range earlier {
				put(t, path, "of an earlier run")
			}
			for _, folder := range []string{"taken.json", "pageless/" + report.PageFile} {
				if err := os.MkdirAll(in(folder), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			wrong := in(c.wrong)
			if c.wrong == "-" {
				wrong = "-"
			}
			_, err := publish.OpenFiles([]string{in("earlier.json") + "," + in("earlier/"), wrong, in("later.md")}, report.FormOf)
			if err == nil || !strings.HasPrefix(err.Error(), "--report: ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got error %v, want one about %q", err, c.says)
			}
			for _, path := range earlier {
				if got := get(path); got != "of an earlier run" {
					t.Errorf("%s has %q", path, got)
				}
			}
		})
	}
}

// Nobody takes the report of an earlier run for that of this one: it is gone as soon as this run begins, and a shorter
// report leaves nothing of a longer one.
func TestReportReplacesEarlierOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "x.json"), filepath.Join(dir, "page")
	page := filepath.Join(folder, report.PageFile)
	for _, path := range []string{file, page} {
		put(t, path, strings.Repeat("of an earlier run\n", 10_000))
	}
	files := opened(t, file, folder+"/")
	for _, path := range []string{file, page} {
		if got := get(path); got != "" {
			t.Errorf("when the run begins, %s has %d bytes", path, len(got))
		}
	}
	publish.Sinks{Out: io.Discard, Form: report.FormTable, Console: publish.NewConsole(io.Discard, now), Files: files}.Summary(ran())
	if got := get(file); got != as(t, report.FormJSON, ran()) {
		t.Errorf("%s has\n%s", file, got)
	}
	compareFolder(t, folder, ran())
}

// compareFolder holds a folder to the files of a report that is one.
func compareFolder(t *testing.T, dir string, sum report.Summary) {
	t.Helper()
	want, err := report.Folder(sum)
	if err != nil {
		t.Fatal(err)
	}
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != len(want) {
		t.Errorf("%s has the files %v, %v, want %d", dir, found, err, len(want))
	}
	for _, file := range want {
		if got := get(filepath.Join(dir, file.Name)); got != string(file.Content) {
			t.Errorf("%s has\n%s", file.Name, got)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	got := publish.Paths([]string{"a.json, b c.md\n", "", " ,\n", "\td/\r\ne.xml"})
	if want := "a.json|b c.md|d/|e.xml"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %s", got, want)
	}
}

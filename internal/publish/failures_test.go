package publish_test

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
)

// failure is a place that cannot be written.
type failure struct {
	place  string // that has nothing then, or what it had before
	ruin   func(t *testing.T, p *places)
	before string
	says   []string // in the only warning
}

// failures are the ways in which places fail.
func failures() map[string]failure {
	all := map[string]failure{
		"standard output is closed": {place: "stdout", ruin: closeStdout, says: []string{"write table", "pipe"}},
		"the summary is full": {
			place: "summary", before: strings.Repeat("x", 900<<10), ruin: fill("summary", 900<<10), says: []string{report.ErrBudget.Error()},
		},
		"the summary has room for another's text alone": {
			place: "summary", before: strings.Repeat("x", 900<<10-60), ruin: fill("summary", 900<<10-60), says: []string{report.ErrBudget.Error()},
		},
		"the summary is a folder":      {place: "summary", ruin: folder("summary"), says: []string{"append step summary: ", "DIR"}},
		"the outputs are a folder":     {place: "output", ruin: folder("output"), says: []string{"set output deleted: ", "DIR"}},
		"the results are a file":       {place: "results", before: "xx", ruin: fill("results", 2), says: []string{"--results-dir: write results: ", "DIR"}},
		"a file of the folder is one":  {place: "page", ruin: folder("page/" + report.StyleFile), says: []string{"--report: DIR", "page", report.StyleFile}},
		"standard error cannot be had": {place: "stderr", ruin: func(_ *testing.T, p *places) { p.Console = publish.NewConsole(broken{}, now) }},
	}
	if runtime.GOOS == "linux" { // which has a device that is always full
		all["the disk is full"] = failure{place: "x.json", ruin: fullDisk, says: []string{"--report: DIR/x.json: ", syscall.ENOSPC.Error()}}
	}
	return all
}

// A place that fails costs a warning, which names it and says why. Every other place has what it has without the failure.
func TestFailureCostsOnePlace(t *testing.T) {
	t.Parallel()
	sound := newPlaces(t, ci.GitHub, report.FormTable, everyReport...)
	sound.Summary(ran())
	want := sound.all(t)
	if want["stderr"] != "" {
		t.Fatalf("without a failure: %s", want["stderr"])
	}
	for name, c := range failures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlaces(t, ci.GitHub, report.FormTable, everyReport...)
			c.ruin(t, p)
			p.Summary(ran())
			got := p.all(t)
			compare(t, got, want, c.place, "stderr")
			if c.place != "stderr" && c.place != "page" && got[c.place] != c.before && !strings.HasPrefix(got[c.place], "unreadable") {
				t.Errorf("%s has %q, want what it had before", c.place, got[c.place])
			}
			if said := got["stderr"]; strings.Count(said, "\n") != min(len(c.says), 1) || len(c.says) > 0 && !strings.HasPrefix(said, "regsweep: warning: ") {
				t.Errorf("want one warning, got %q", said)
			}
			for _, part := range c.says {
				if !strings.Contains(got["stderr"], part) {
					t.Errorf("got %q, want %q in it", got["stderr"], part)
				}
			}
			if page := get(p.at("page/" + report.PageFile)); c.place == "page" && page != "" {
				t.Errorf("a page without its style sheet: %q", page)
			}
		})
	}
}

// When all places fail, each has its warning.
func TestEveryPlaceFails(t *testing.T) {
	t.Parallel()
	p := newPlaces(t, ci.GitHub, report.FormTable, everyReport...)
	for _, ruin := range []func(*testing.T, *places){
		closeStdout, folder("summary"), folder("output"), fill("results", 2), folder("page/" + report.StyleFile),
	} {
		ruin(t, p)
	}
	p.Summary(ran())
	if said := p.stderr.String(); strings.Count(said, "regsweep: warning: ") != 5 || strings.Count(said, "\n") != 5 {
		t.Errorf("got %s", said)
	}
}

// A ranking and a check whose reader has left are in their files all the same.
func TestFailureOfOtherReports(t *testing.T) {
	t.Parallel()
	for name, show := range map[string]func(p *places){
		"ranking": func(p *places) { p.Ranking(ranking(), 1) },
		"checks":  func(p *places) { p.Checks(checks()) },
	} {
		p := newPlaces(t, ci.None, report.FormTable, name+".json")
		closeStdout(t, p)
		show(p)
		if said := p.stderr.String(); strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "regsweep: warning: write ") {
			t.Errorf("%s: got %q", name, said)
		}
		if got := get(p.at(name + ".json")); !strings.HasSuffix(got, "}\n") || !strings.Contains(got, "team/app") {
			t.Errorf("%s: the file has %q", name, got)
		}
	}
}

// broken is a writer that nobody reads from any more.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("it is closed") }

// closeStdout makes standard output a pipe whose reader has left.
func closeStdout(t *testing.T, p *places) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	_ = r.Close()
	p.Out = w
}

// fill puts so many bytes into a place.
func fill(place string, n int) func(*testing.T, *places) {
	return func(t *testing.T, p *places) {
		t.Helper()
		put(t, p.at(place), string(bytes.Repeat([]byte("x"), n)))
	}
}

// folder puts a folder where a file should be: not even an administrator can write to it.
func folder(place string) func(*testing.T, *places) {
	return func(t *testing.T, p *places) {
		t.Helper()
		if err := os.MkdirAll(p.at(place), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// fullDisk makes a report file one that takes nothing.
func fullDisk(t *testing.T, p *places) {
	t.Helper()
	paths := []string{p.at("x.json"), p.at("x.txt"), p.at("page") + "/"}
	if err := errors.Join(os.Remove(paths[0]), os.Symlink("/dev/full", paths[0])); err != nil {
		t.Fatal(err)
	}
	p.Files = opened(t, paths...)
}

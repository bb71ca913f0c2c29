package publish_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
)

// On GitHub, a run is in the log as a group, on the page of the run, in the outputs, the results and the report files.
func TestSummaryIsEverywhere(t *testing.T) {
	t.Parallel()
	sum := ran()
	p := newPlaces(t, ci.GitHub, report.FormTable, everyReport...)
	p.Summary(sum)
	got := p.all(t)
	table := as(t, report.FormTable, sum)
	var markdown bytes.Buffer
	if err := report.WriteMarkdown(&markdown, sum, math.MaxInt); err != nil {
		t.Fatal(err)
	}
	const reports = "DIR/x.json\nDIR/x.txt\nDIR/page/"
	compare(t, got, map[string]string{
		"stdout": "::group::regsweep: what it keeps and deletes, and why\n" + table + "::endgroup::\n" + sum.Line() + "\n",
		"stderr": "", "summary": markdown.String() + "\n", "x.json": as(t, report.FormJSON, sum), "x.txt": table,
		"results": "deleted: 1failed: 0freed-bytes: 0kept: 1line: " + sum.Line() + "planned: 0report: " + reports + "skipped: 0unreferenced-bytes: 0",
	})
	compareFolder(t, p.at("page"), sum)
	for _, output := range []string{"deleted<<D\n1\nD\n", "kept<<D\n1\nD\n", "report<<D\n" + reports + "\nD\n", "images<<D\n[{"} {
		if !strings.Contains(strings.ReplaceAll(got["output"], "_GitHubActionsFileCommandDelimeter_", "D"), output) {
			t.Errorf("no output %q in\n%s", output, got["output"])
		}
	}
}

// Standard output has the report alone in every form that a program reads; what the CI system reads is then on standard error.
func TestStandardOutput(t *testing.T) {
	t.Parallel()
	azure := func(where string) string { return where + " has ##vso[task.uploadsummary]" }
	for _, c := range []struct {
		system   string
		form     report.Form
		alone    bool
		commands string // which of the streams has Azure's
	}{
		{ci.None, report.FormTable, true, ""},
		{ci.GitHub, report.FormTable, false, ""},
		{ci.GitHub, report.FormJSON, true, ""},
		{ci.GitHub, report.FormLine, true, ""},
		{ci.GitHub, report.FormMarkdown, true, ""},
		{ci.GitLab, report.FormTable, false, ""},
		{ci.GitLab, report.FormJSON, true, ""},
		{ci.Azure, report.FormTable, false, azure("stdout")},
		{ci.Azure, report.FormJSON, true, azure("stderr")},
	} {
		p := newPlaces(t, c.system, c.form)
		p.Summary(ran())
		name := fmt.Sprint(c.system, " ", c.form)
		want := as(t, c.form, ran())
		if got := p.stdout.String(); (got == want) != c.alone || !strings.Contains(got, want) {
			t.Errorf("%s: standard output has\n%s", name, got)
		}
		commands := ""
		for stream, text := range map[string]string{"stdout": p.stdout.String(), "stderr": p.stderr.String()} {
			if strings.Contains(text, "##vso[task.uploadsummary]") {
				commands += azure(stream)
			}
		}
		if commands != c.commands {
			t.Errorf("%s: got %q, want %q", name, commands, c.commands)
		}
	}
}

// A run that needs attention has one annotation, on standard error and in the words of the report's line; others have none.
func TestAnnotation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		system string
		code   int
		cause  error
		want   string // before the line
	}{
		{"done", ci.GitHub, 0, nil, ""},
		{"failed", ci.GitHub, 1, nil, "::error title=regsweep::"},
		{"late", ci.GitHub, 0, fmt.Errorf("ended: %w", report.ErrTimeout), "::warning title=regsweep::" + report.ErrTimeout.Error() + ": "},
		{"late and failed", ci.GitHub, 1, report.ErrTimeout, "::error title=regsweep::"},
		{"cancelled", ci.GitHub, 0, context.Canceled, ""},
		{"failed on Azure", ci.Azure, 1, nil, "##vso[task.logissue type=error]regsweep: "},
		{"failed on GitLab", ci.GitLab, 1, nil, ""},
		{"failed elsewhere", ci.None, 1, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sum := ran()
			sum.ExitCode, sum.Cause = c.code, c.cause
			p := newPlaces(t, c.system, report.FormTable)
			p.Summary(sum)
			want := ""
			if c.want != "" {
				want = c.want + sum.Line() + "\n"
			}
			if got := lines(p.stderr.String()); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// Without a file for its summary, a system gets none, and nothing but the report is written.
func TestSinksThatNobodyNames(t *testing.T) {
	t.Parallel()
	p := newPlaces(t, ci.GitHub, report.FormLine)
	p.Getenv, p.ResultsDir = env(nil), ""
	p.Summary(ran())
	files, err := os.ReadDir(p.dir)
	if err != nil || len(files) != 0 || p.stderr.Len() != 0 || p.stdout.String() != ran().Line()+"\n" {
		t.Errorf("files %v, %v, standard output %q, standard error %q", files, err, p.stdout.String(), p.stderr.String())
	}
}

// Of the environment, which has logins, the places of a run have the paths of the system's files alone.
func TestEnvironmentStaysOut(t *testing.T) {
	t.Parallel()
	for _, system := range ci.Names() {
		p := newPlaces(t, system, report.FormTable, everyReport...)
		known := p.Getenv
		p.Getenv = func(name string) string { return cmp.Or(known(name), "s3cret") }
		p.Summary(ran())
		for place, text := range p.all(t) {
			if strings.Contains(text, "s3cret") {
				t.Errorf("%s: %s has\n%s", system, place, text)
			}
		}
	}
}

// The table of a file has every image when that is asked for, and no colours although the terminal has them.
func TestTableOfFile(t *testing.T) {
	t.Parallel()
	sum := ran()
	for i := range 20 { // more than a table shows
		decisions := &sum.Repositories[0].Plan.Decisions
		one := (*decisions)[1]
		one.Image.Digest = oci.Digest(fmt.Sprintf("sha256:%064d", i))
		*decisions = append(*decisions, one)
		sum.Repositories[0].Outcomes[one.Image.Digest] = prune.Outcome{Status: prune.Deleted}
	}
	var want [2]bytes.Buffer
	for i, o := range []report.TableOptions{{All: true}, {All: true, Color: true}} {
		if err := report.WriteTable(&want[i], sum, o); err != nil {
			t.Fatal(err)
		}
	}
	p := newPlaces(t, ci.None, report.FormTable, "x.txt")
	p.All, p.Color = true, true
	p.Summary(sum)
	if got := get(p.at("x.txt")); got != want[0].String() || strings.Contains(got, "\x1b") {
		t.Errorf("the file has\n%q", got)
	}
	if got := p.stdout.String(); got != want[1].String() || !strings.Contains(got, "\x1b") {
		t.Errorf("standard output has\n%q", got)
	}
}

// The console of a broken standard error does not stop a run.
func TestAnnotateBrokenConsole(t *testing.T) {
	t.Parallel()
	c := publish.NewConsole(broken{}, now)
	if err := publish.Annotate(ci.System{Name: ci.GitHub}, c, ci.Error, "x"); err != nil {
		t.Error(err)
	}
	c.Errorf("x")
	c.Together(func(c *publish.Console) { c.Errorf("x") })
	c.Progress("a", "reads", 1, 2)
	if err := c.Plan(ran()); err == nil {
		t.Error("the plan was not shown, and nothing says so")
	}
}

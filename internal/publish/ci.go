package publish

import (
	"errors"
	"fmt"
	"strings"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/report"
)

// toCI shows the run in the places of the CI system, with one annotation if the run needs attention, and writes the
// files of --results-dir.
func (s Sinks) toCI(sum report.Summary) {
	out := s.outputs(sum)
	if s.ResultsDir != "" {
		if err := ci.WriteResults(s.ResultsDir, out); err != nil {
			s.Console.Warningf("--results-dir: %v", err)
		}
	}
	markdown := func(limit int) (string, error) {
		var page strings.Builder
		err := report.WriteMarkdown(&page, sum, limit)
		return page.String(), err
	}
	w := s.Out
	if s.Form == report.FormJSON { // a program reads it
		w = rawWriter{s.Console}
	}
	for _, err := range s.CI.Publish(w, s.Getenv, markdown, out) {
		s.warn(err)
	}
	switch {
	case sum.ExitCode != 0:
		s.warn(Annotate(s.CI, s.Console, ci.Error, out.Line))
	case errors.Is(sum.Cause, report.ErrTimeout):
		s.warn(Annotate(s.CI, s.Console, ci.Warning, fmt.Sprintf("%v: %s", report.ErrTimeout, out.Line)))
	}
}

// rawWriter writes to a console without changing the text.
type rawWriter struct{ *Console }

func (r rawWriter) Write(p []byte) (int, error) {
	r.Raw(string(p))
	return len(p), nil
}

// Annotate shows a message on the page of the run, if the CI system has such a page.
func Annotate(system ci.System, c *Console, level ci.Level, text string) error {
	return system.Annotate(rawWriter{c}, level, "regsweep", text)
}

// section prints the table as a section of the CI system's log, if the log has sections.
func (s Sinks) section(sum report.Summary, table func() error) error {
	if s.Form != report.FormTable {
		return table()
	}
	return s.CI.Section(s.Out, s.Now, "regsweep: what it keeps and deletes, and why", sum.Line(), table)
}

// outputs are the outputs of a run.
func (s Sinks) outputs(sum report.Summary) ci.Outputs {
	var paths []string
	for _, f := range s.Files {
		paths = append(paths, f.path)
	}
	total := sum.Totals()
	out := ci.Outputs{Deleted: total.Deleted, Kept: total.Kept, Failed: total.Failed, Planned: total.Planned, Skipped: total.Skipped, Report: strings.Join(paths, "\n"), Line: sum.Line()}
	out.FreedBytes = sum.Freed()
	if !sum.DryRun {
		out.UnreferencedBytes = total.UniqueBytes
	}
	for _, i := range sum.Images() {
		out.Images = append(out.Images, ci.ImageOutput(i))
	}
	return out
}

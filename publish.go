package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/report"
)

// output is a report file that has been opened before anything was deleted, so that a path that cannot be written is
// found while nothing is lost.
type output struct {
	path string
	form report.Form
	file *os.File
}

// openOutputs opens the files of --report, which are separated by commas or newlines. formOf picks the form of each.
func openOutputs(lists []string, formOf func(path string) (report.Form, error)) ([]output, error) {
	var out []output
	for _, path := range paths(lists) {
		form, err := formOf(path)
		if err != nil {
			return nil, fmt.Errorf("--report: %w", err)
		}
		out = append(out, output{path: path, form: form})
	}
	for i := range out { // only now, so that a mistake in one does not empty another
		f, err := os.OpenFile(out[i].path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return nil, fmt.Errorf("--report: %w", err)
		}
		out[i].file = f
	}
	return out, nil
}

// publish writes the reports and returns the exit code. A report that cannot be written any more is a warning: what
// was deleted stays deleted, and the other reports still say so.
func (s *session) publish(sum report.Summary) int {
	var paths []string
	for _, o := range s.outputs {
		if err := o.write(func(w io.Writer) error { return report.Write(w, o.form, sum) }); err != nil {
			s.say.warningf("--report: %v", err)
		}
		paths = append(paths, o.path)
	}
	out := outcomes(sum, paths)
	s.publishToCI(sum, out)
	err := s.section(sum, s.process.stdout, func() error { return s.print(sum) })
	if err != nil { // last, because its reader may be gone
		s.say.warningf("%v", err)
	}
	return sum.ExitCode
}

// write writes the file, of which text makes the content.
func (o output) write(text func(io.Writer) error) error {
	err := text(o.file)
	if closed := o.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o.path, err)
	}
	return nil
}

// print writes the report to standard output, a table as wide as the terminal where there is one.
func (s *session) print(sum report.Summary) error {
	if width := terminalWidth(s.process.stdout); width > 0 && s.form == report.FormTable {
		return report.WriteTable(s.process.stdout, sum, report.TableOptions{Width: width})
	}
	return report.Write(s.process.stdout, s.form, sum)
}

// terminalWidth returns how wide the terminal is that w leads to; 0 when it leads to none.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// publishToCI shows the run in the CI's own places, with one annotation when somebody has to look, and leaves the results
// of --results-dir.
func (s *session) publishToCI(sum report.Summary, out ci.Outputs) {
	if s.resultsDir != "" {
		if err := ci.WriteResults(s.resultsDir, out); err != nil {
			s.say.warningf("--results-dir: %v", err)
		}
	}
	w := s.process.stdout
	if s.form == report.FormJSON { // a program reads it
		w = s.process.stderr
	}
	markdown := func(limit int) (string, error) {
		var b strings.Builder
		err := report.WriteMarkdown(&b, sum, limit)
		return b.String(), err
	}
	failed := s.system.Publish(w, s.process.getenv, markdown, out)
	switch {
	case sum.ExitCode != exitDone:
		failed = append(failed, s.system.Annotate(s.process.stderr, ci.Error, "regsweep", out.Line))
	case errors.Is(sum.Cause, report.ErrTimeout):
		failed = append(failed, s.system.Annotate(s.process.stderr, ci.Warning, "regsweep", fmt.Sprintf("%v: %s", report.ErrTimeout, out.Line)))
	}
	for _, err := range failed {
		if err != nil {
			s.say.warningf("%v", err)
		}
	}
}

// Package publish shows what a run did: report files, standard output, the places of a CI system, and messages and
// progress on standard error. It decides nothing.
package publish

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/rank"
	"github.com/regsweep/regsweep/internal/report"
)

// Sinks are the places where the results of a run are shown.
type Sinks struct {
	// Out is standard output, and Form what it gets.
	Out  io.Writer
	Form report.Form
	// Console is standard error.
	Console *Console
	// Files are the files of --report.
	Files []File
	// CI is the system of the run and Getenv its environment.
	CI     ci.System
	Getenv func(string) string
	// ResultsDir is where the results go as files; "" for nowhere.
	ResultsDir string
	// Now is the clock of a log's sections.
	Now func() time.Time
}

// Summary shows what a run did. A report that cannot be written is a warning: what was deleted stays deleted, and the
// other reports still say so.
func (s Sinks) Summary(sum report.Summary) {
	for _, f := range s.Files {
		s.warn(f.write(func(w io.Writer) error { return report.Write(w, f.form, sum) }))
	}
	s.toCI(sum)
	// Standard output comes last, because its reader may be gone.
	s.warn(s.section(sum, func() error { return s.print(sum) }))
}

// Ranking shows which repositories hold the most, the first top of them where a form does not show all.
func (s Sinks) Ranking(r rank.Ranking, top int) {
	for _, f := range s.Files {
		s.warn(f.write(func(w io.Writer) error {
			return report.WriteRanking(w, f.form, r, report.RankingOptions{Top: top})
		}))
	}
	s.warn(report.WriteRanking(s.Out, s.Form, r, report.RankingOptions{Top: top, Width: terminalWidth(s.Out)}))
}

func (s Sinks) warn(err error) {
	if err != nil {
		s.Console.Warningf("%v", err)
	}
}

// print writes the report to standard output, a table as wide as the terminal where there is one.
func (s Sinks) print(sum report.Summary) error {
	if width := terminalWidth(s.Out); width > 0 && s.Form == report.FormTable {
		return report.WriteTable(s.Out, sum, report.TableOptions{Width: width})
	}
	return report.Write(s.Out, s.Form, sum)
}

// terminalWidth returns how many columns the terminal has that w writes to; 0 when w is not a terminal.
func terminalWidth(w io.Writer) int {
	if !IsTerminal(w) {
		return 0
	}
	width, _, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil {
		return 0
	}
	return width
}

// IsTerminal reports whether a stream, such as [os.Stdin], is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && file != nil && term.IsTerminal(int(file.Fd()))
}

// Package publish shows what a run did: in report files, on standard output, in the places of a CI system, and as messages
// and progress on standard error. It makes no decisions.
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
	// Out is standard output, and Form is the format of the report there.
	Out  io.Writer
	Form report.Form
	// All is true when tables leave out no image.
	All bool
	// Color is true where standard output shows colours.
	Color bool
	// Console is standard error.
	Console *Console
	// Files are the files of --report.
	Files []File
	// CI is the system of the run and Getenv its environment.
	CI     ci.System
	Getenv func(string) string
	// ResultsDir is the folder for the results as files; "" means none.
	ResultsDir string
	// Now is the clock of a log's sections.
	Now func() time.Time
}

// Summary shows what a run did. A report that cannot be written is a warning, because the deletions are done and the other
// reports still show them.
func (s Sinks) Summary(sum report.Summary) {
	for _, f := range s.Files {
		s.warn(f.write(func(w io.Writer) error {
			if f.form == report.FormTable {
				return report.WriteTable(w, sum, report.TableOptions{All: s.All})
			}
			return report.Write(w, f.form, sum)
		}, func() ([]report.FolderFile, error) { return report.Folder(sum) }))
	}
	s.toCI(sum)
	// Standard output comes last, because its reader may have closed it.
	s.warn(s.section(sum, func() error { return s.print(sum) }))
}

// Ranking shows which repositories use the most space. Formats that do not show all of them show the first top.
func (s Sinks) Ranking(r rank.Ranking, top int) {
	for _, f := range s.Files {
		s.warn(f.write(func(w io.Writer) error {
			return report.WriteRanking(w, f.form, r, report.RankingOptions{Top: top})
		}, func() ([]report.FolderFile, error) { return report.RankingFolder(r, top) }))
	}
	s.warn(report.WriteRanking(s.Out, s.Form, r, report.RankingOptions{Top: top, Width: terminalWidth(s.Out)}))
}

// Checks shows what registries and a login can do.
func (s Sinks) Checks(c report.Checks) {
	for _, f := range s.Files {
		s.warn(f.write(func(w io.Writer) error { return report.WriteChecks(w, f.form, c, 0) }, nil))
	}
	s.warn(report.WriteChecks(s.Out, s.Form, c, terminalWidth(s.Out)))
}

func (s Sinks) warn(err error) {
	if err != nil {
		s.Console.Warningf("%v", err)
	}
}

// print writes the report to standard output; a table is as wide as the terminal, if there is one.
func (s Sinks) print(sum report.Summary) error {
	if s.Form == report.FormTable {
		return report.WriteTable(s.Out, sum, report.TableOptions{Width: terminalWidth(s.Out), All: s.All, Color: s.Color})
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

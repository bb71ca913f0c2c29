package publish

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/report"
)

// Console writes messages and progress to standard error. Each message is one line that starts with "regsweep:", without a
// capital letter and a full stop; a terminal that is too narrow for it gets several. Control characters from outside are escaped, because terminals and CI runners interpret
// them. A Console may be used by several goroutines.
type Console struct {
	now      func() time.Time
	terminal bool
	screen   io.Writer // what decides how wide a line may be

	mu       sync.Mutex
	w        io.Writer
	progress progress
}

// NewConsole returns a console that writes to w. It shows a progress bar if w is a terminal.
func NewConsole(w io.Writer, now func() time.Time) *Console {
	return &Console{w: w, screen: w, now: now, terminal: IsTerminal(w), progress: newProgress(now())}
}

// Errorf says what failed.
func (c *Console) Errorf(format string, args ...any) { c.line("", format, args...) }

// Hintf says what helps with the error of the previous line.
func (c *Console) Hintf(format string, args ...any) { c.line("hint: ", format, args...) }

// Warningf says what the reader should know although nothing failed.
func (c *Console) Warningf(format string, args ...any) { c.line("warning: ", format, args...) }

// Notef says what the run is doing.
func (c *Console) Notef(format string, args ...any) { c.line("", format, args...) }

// Raw writes text without changing it, such as a log command of the CI system.
func (c *Console) Raw(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.WriteString(c.w, text) // there is nowhere to report a broken standard error to
}

// Plan writes what a run is about to do as a table that fits the terminal.
func (c *Console) Plan(sum report.Summary) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.clear()
	return report.WriteTable(c.w, sum, report.TableOptions{Width: terminalWidth(c.w), Plan: true})
}

// Together calls say and writes its messages in one piece, so that messages about another repository do not separate an
// error from its hint.
func (c *Console) Together(say func(*Console)) {
	var text lines
	say(&Console{w: &text, screen: c.screen, now: c.now, progress: newProgress(c.now())})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.clear()
	_, _ = c.w.Write(text)
}

// lines are what was written to it.
type lines []byte

func (l *lines) Write(p []byte) (int, error) {
	*l = append(*l, p...)
	return len(p), nil
}

// messageIndent stands before what continues a message on a terminal.
const messageIndent = "  "

func (c *Console) line(kind, format string, args ...any) {
	text := report.Visible(fmt.Sprintf(format, args...))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.clear()
	fmt.Fprintln(c.w, report.Wrap("regsweep: "+kind+text, terminalWidth(c.screen), messageIndent))
}

package publish

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/report"
)

// Console writes to standard error: messages, and how far a run is. Each message is one line with "regsweep:" in front,
// without a capital at the start and a full stop at the end, and without control characters from outside, because
// terminals and CI runners obey those. A Console may be used by several goroutines.
type Console struct {
	now      func() time.Time
	terminal bool

	mu       sync.Mutex
	w        io.Writer
	progress progress
}

// NewConsole returns a console on a writer, which shows a progress bar when it is a terminal.
func NewConsole(w io.Writer, now func() time.Time) *Console {
	return &Console{w: w, now: now, terminal: IsTerminal(w), progress: newProgress(now())}
}

// Errorf says what failed.
func (c *Console) Errorf(format string, args ...any) { c.line("", format, args...) }

// Hintf says what helps against the error of the line before.
func (c *Console) Hintf(format string, args ...any) { c.line("hint: ", format, args...) }

// Warningf says what a reader should know although nothing failed.
func (c *Console) Warningf(format string, args ...any) { c.line("warning: ", format, args...) }

// Notef says how a run goes on.
func (c *Console) Notef(format string, args ...any) { c.line("", format, args...) }

// Raw writes text as it is: the line of a CI's own log command.
func (c *Console) Raw(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.WriteString(c.w, text) // there is nowhere to report a broken standard error to
}

// Table writes a summary as a table that fits the terminal.
func (c *Console) Table(sum report.Summary) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.clear()
	return report.WriteTable(c.w, sum, report.TableOptions{Width: terminalWidth(c.w)})
}

// Together calls say and writes what it says as one piece, so that an error and its hint are not separated by what
// another repository has to say.
func (c *Console) Together(say func(*Console)) {
	var text lines
	say(&Console{w: &text, now: c.now, progress: newProgress(c.now())})
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

func (c *Console) line(kind, format string, args ...any) {
	text := report.Visible(fmt.Sprintf(format, args...))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.clear()
	fmt.Fprintf(c.w, "regsweep: %s%s\n", kind, text)
}

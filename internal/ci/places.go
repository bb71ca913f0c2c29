package ci

import (
	"fmt"
	"io"
	"time"
)

// Level is how serious an annotation is.
type Level string

// The levels of annotations.
const (
	Notice  Level = "notice"
	Warning Level = "warning"
	Error   Level = "error"
)

// Annotate shows one message on the page of the run, where the system has annotations: GitHub and those that run its
// workflows, and Azure, which calls them issues and has no notices. Both read commands from standard output and
// standard error alike, so w is the one that does not carry the report. GitHub shows ten of a level for a step
// (https://github.com/actions/runner/blob/main/src/Runner.Worker/ExecutionContext.cs): make it one that sums up.
func (s System) Annotate(w io.Writer, level Level, title, message string) error {
	annotate := s.kind().annotate
	if annotate == nil {
		return nil
	}
	if err := annotate(w, level, title, message); err != nil {
		return fmt.Errorf("annotate step: %w", err)
	}
	return nil
}

// section is how a log has parts with a title.
type section struct {
	open  func(title string, now time.Time) string // the line that begins a part
	close func(now time.Time) string               // the line that ends it; nil when the next part does
	// collapsed is true where nobody sees a part without a click.
	collapsed bool
}

// Section writes what content writes as a part of the log with a title, where the log has parts. below is what a reader
// must not miss: it follows a part that nobody sees without a click. The error is that of content, or else of w.
func (s System) Section(w io.Writer, now func() time.Time, title, below string, content func() error) error {
	part := s.kind().section
	if part.open == nil {
		return content()
	}
	fmt.Fprint(w, part.open(title, now())) // a broken w fails below too
	err := content()
	end := ""
	if part.close != nil {
		end = part.close(now())
	}
	if part.collapsed {
		end += below + "\n"
	}
	if _, broken := io.WriteString(w, end); err == nil {
		err = broken
	}
	return err
}

// Debug returns a line as one that the CI shows only to somebody who has asked for more, and "" when nobody has:
// RUNNER_DEBUG on GitHub and those that run its workflows, System.Debug on Azure.
func (s System) Debug(getenv func(string) string, text string) string {
	if debug := s.kind().debug; debug != nil {
		return debug(getenv, text)
	}
	return ""
}

// Grace returns how long a job that is cancelled has to end by itself, before the system kills its processes; 0 when that
// is not known. Some signal a second time meanwhile.
func (s System) Grace() time.Duration { return s.kind().grace }

// Markdown makes the report of a run in at most so many bytes.
type Markdown func(limit int) (string, error)

// Publish shows a run in the system's own places: as the summary of a step and as its outputs. w is a log whose commands
// the system reads. It returns an error for each place that it did not reach.
func (s System) Publish(w io.Writer, getenv func(string) string, markdown Markdown, o Outputs) []error {
	if publish := s.kind().publish; publish != nil {
		return publish(w, getenv, markdown, o)
	}
	return nil
}

package main

import (
	"fmt"
	"io"

	"github.com/regsweep/regsweep/internal/report"
)

// talk writes to standard error. The rules: one line each, "regsweep:" in front, no capital at the start and no full
// stop at the end, and no control character from outside, because terminals and CI runners obey those.
type talk struct{ w io.Writer }

func (t talk) errorf(format string, args ...any)   { t.line("", format, args...) }
func (t talk) hintf(format string, args ...any)    { t.line("hint: ", format, args...) }
func (t talk) warningf(format string, args ...any) { t.line("warning: ", format, args...) }

func (t talk) line(kind, format string, args ...any) {
	text := report.Visible(fmt.Sprintf(format, args...))
	fmt.Fprintf(t.w, "regsweep: %s%s\n", kind, text) // there is nowhere to report a broken standard error to
}

package report

import (
	"fmt"
	"io"
)

// Line says in one line what the run did, for an annotation or a build's description: of one repository with its name,
// and with the reason when nothing was done.
func (s Summary) Line() string {
	if len(s.Repositories) != 1 {
		return s.whole(s.verdict(s.Totals()))
	}
	v := newView(s.Repositories[0], s.Started)
	text := short(v.Name.String(), nameRunes) + ": " + v.verdict(s)
	if v.condition() == stopped {
		text += " · stopped: " + v.objection()
	}
	if h := v.hint(); h != "" {
		text += " · hint: " + h
	}
	return s.whole(text)
}

// whole is a verdict with what the collection came to, and with the alarm first.
func (s Summary) whole(text string) string {
	if s.GC != nil && len(s.Repositories) > 0 {
		text += " · " + collected(s.GC)
	}
	if s.GC != nil {
		if h := Hint(s.GC.Err); h != "" {
			text += " · hint: " + long(h)
		}
	}
	text += s.Shard.note()
	if a := s.alarm(); a != "" {
		text = a + " · " + text
	}
	return text
}

// WriteLine writes [Summary.Line]. Jenkins takes it as a build's description.
func WriteLine(w io.Writer, s Summary) error {
	if _, err := fmt.Fprintln(w, s.Line()); err != nil {
		return fmt.Errorf("write line: %w", err)
	}
	return nil
}

package report

import "io"

// Line says in one line what the run did, for an annotation or a build's description: of one repository with its name,
// and with the reason when nothing was done.
func (s Summary) Line() string {
	all := newSheet(s)
	name, text := all.headline()
	if name != "" {
		v := all.views[0]
		text = short(name, nameRunes) + ": " + text
		if v.condition() == stopped {
			text += " · stopped: " + v.objection()
		}
		if h := v.hint(); h != "" {
			text += " · hint: " + h
		}
	}
	if s.GC != nil && len(s.Repositories) > 0 {
		text += " · " + gcVerdict(s.GC)
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
	return write(w, "line", []byte(s.Line()+"\n"))
}

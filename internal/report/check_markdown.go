package report

import (
	"fmt"
	"math"
)

// markdown writes the check in GitHub Flavored Markdown: the verdict, then a table for each section.
func (c Checks) markdown() string {
	var p page
	fmt.Fprintf(&p, "### %s\n", markdownText(c.Verdict()))
	for _, s := range c.Sections {
		p.add(block{head: "\n**" + s.markdownTitle() + "**\n\n" + tableHead("state", "what", "finding"), columns: 3, rows: len(s.Lines), row: func(i int) string {
			l := s.Lines[i]
			text := markdownText(long(l.Text))
			if h := l.Hint(); h != "" {
				text += "<br>hint: " + markdownText(long(h))
			}
			return cells(l.State.mark(), l.Topic.label(), text)
		}}, math.MaxInt)
	}
	if rest := c.rest(); rest != "" {
		p.line("\n"+markdownText(rest)+"\n", math.MaxInt)
	}
	return p.String()
}

// mark is a state that a reader finds again at a glance.
func (s CheckState) mark() string {
	if s == CheckProblem {
		return "**problem**"
	}
	return string(s)
}

// markdownTitle names what the section is about.
func (s CheckSection) markdownTitle() string {
	if s.Name == "" {
		return "State folder"
	}
	name := markdownCode(clip(s.Name, nameRunes))
	switch s.About {
	case AboutState:
		return "State folder " + name
	case AboutGC:
		return "Garbage collection by " + name
	}
	return name
}

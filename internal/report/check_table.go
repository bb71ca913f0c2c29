package report

import "strings"

// table lays the check out for a terminal or a log: a block for each section, a row for each line, and the verdict.
func (c Checks) table(width int) string {
	var b strings.Builder
	for _, s := range c.Sections {
		b.WriteString(s.title() + "\n\n" + grid(s.rows(), width) + "\n")
	}
	if rest := c.rest(); rest != "" {
		b.WriteString(rest + "\n\n")
	}
	b.WriteString(c.Verdict() + "\n")
	return b.String()
}

// title names what the section is about.
func (s CheckSection) title() string {
	name := short(s.Name, nameRunes)
	switch s.About {
	case AboutState:
		return strings.TrimSpace("state folder " + name)
	case AboutGC:
		return "garbage collection by " + name
	}
	return name
}

// rows are the state, the topic and the text of each line. A hint has a row of its own.
func (s CheckSection) rows() [][]string {
	var rows [][]string
	for _, l := range s.Lines {
		rows = append(rows, []string{string(l.State), l.Topic.label(), long(l.Text)})
		if h := l.Hint(); h != "" {
			rows = append(rows, []string{"", "", "hint: " + long(h)})
		}
	}
	return rows
}

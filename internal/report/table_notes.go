package report

import (
	"fmt"
	"strings"
)

// notes are what concerns the repository as a whole.
func (v view) notes() string {
	var b strings.Builder
	if v.condition() == stopped {
		fmt.Fprintf(&b, "  stopped: %s\n", v.objection())
		if h := v.hint(); h != "" {
			fmt.Fprintf(&b, "  hint: %s\n", h)
		}
	}
	losses, more := cut(v.Losses(), maxNotes)
	for _, text := range losses {
		fmt.Fprintf(&b, "  %s\n", text)
	}
	if more > 0 {
		fmt.Fprintf(&b, "  broken: %d more\n", more)
	}
	if v.totals.Unsettled > 0 {
		fmt.Fprintf(&b, "  unsettled: %s\n", v.Settles())
	}
	if v.Plan != nil && len(v.Plan.Ghosts) > 0 {
		ghosts, more := cut(v.Plan.Ghosts, maxGhosts)
		out := make([]string, 0, len(ghosts))
		for _, g := range ghosts {
			out = append(out, short(g, tagRunes))
		}
		fmt.Fprintf(&b, "  %s: %s", plural(len(v.Plan.Ghosts), "ghost tag, listed without a manifest", "ghost tags, listed without a manifest"), strings.Join(out, ", "))
		if more > 0 {
			fmt.Fprintf(&b, " … +%d", more)
		}
		b.WriteByte('\n')
	}
	if v.Why != "" {
		fmt.Fprintf(&b, "  method: %s, because %s\n", v.Method, long(v.Why))
	}
	warnings, more := cut(v.own, maxNotes)
	for _, text := range warnings {
		fmt.Fprintf(&b, "  warning: %s\n", long(text))
	}
	if more > 0 {
		fmt.Fprintf(&b, "  warning: %d more\n", more)
	}
	return b.String()
}

// shared writes what is said of more than one repository.
func (t *table) shared(s sheet) {
	if len(s.shared) == 0 {
		return
	}
	var lines []string
	warnings, more := cut(s.shared, maxNotes)
	for _, w := range warnings {
		lines = append(lines, Visible(w.About())+": "+long(w.Text))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("%d more", more))
	}
	t.line("")
	for _, text := range lines {
		text = fit(gridGap+"warning: "+text+"\n", t.width)
		if t.color {
			text = paint(text)
		}
		t.WriteString(text)
	}
}

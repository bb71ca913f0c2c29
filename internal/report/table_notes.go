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
	if method := v.method(); method != "" {
		fmt.Fprintf(&b, "  method: %s\n", method)
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

// method says how images were deleted and why, "" where there was nothing to choose. A report that is read again is text from
// outside.
func (v view) method() string {
	if v.Method == "" || v.Why == "" {
		return ""
	}
	return clip(Visible(string(v.Method)+", because "+v.Why), 2*textRunes)
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

package report

import (
	"fmt"
	"strings"
)

const (
	// minNames is the narrowest that a terminal makes of the names in a row.
	minNames = 20
	// easyWhy is the room that names leave to the reasons where they have to be shortened.
	easyWhy = 26
)

// fittingRows are the rows of a repository, whose names and groups leave the reasons enough of the terminal to be read: the
// column of groups goes first, and then long names are shortened.
func (t *table) fittingRows(v view) [][]string {
	told := t.told
	t.names = 0
	rows := t.rows(v)
	if t.width <= 0 || len(rows) == 0 {
		return rows
	}
	narrowRanges(rows)
	room := lastWidth(rows, t.width) - len(gridGap)
	if room >= minWhy {
		return rows
	}
	withoutGroups(rows)
	if room = lastWidth(rows, t.width) - len(gridGap); room >= minWhy {
		return rows
	}
	widest := 0
	for _, r := range rows {
		widest = max(widest, textWidth(r[nameColumn]))
	}
	t.names, t.told = max(minNames, widest+room-easyWhy), told
	rows = t.rows(v)
	narrowRanges(rows)
	withoutGroups(rows) // the reasons and the timeline name the groups too
	return rows
}

func withoutGroups(rows [][]string) {
	for _, r := range rows {
		r[groupColumn] = ""
	}
}

// tagsIn joins as many tags as fit into so many columns, at least one, and counts the others; 0 is no limit of columns.
func tagsIn(tags []string, columns int) string {
	text := tagList(tags)
	for n := min(len(tags), maxTags); columns > 0 && textWidth(text) > columns && n > 0; n-- {
		rest := ""
		if len(tags) > n {
			rest = fmt.Sprintf(" … +%d", len(tags)-n)
		}
		room := tagRunes
		if n == 1 {
			room = min(room, columns-textWidth(rest))
		}
		shown := make([]string, 0, n)
		for _, tag := range tags[:n] {
			shown = append(shown, short(tag, room))
		}
		text = strings.Join(shown, ", ") + rest
	}
	return text
}

// fit breaks the lines of a text between words where a terminal of that width would break them within one.
func fit(text string, width int) string {
	if width <= 0 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		for part := range strings.Lines(Wrap(strings.TrimSuffix(line, "\n"), width, gridGap+gridGap)) {
			b.WriteString(pulled(strings.TrimRight(part, " \n"), width) + "\n")
		}
		if line == "\n" {
			b.WriteString(line)
		}
	}
	return b.String()
}

// pulled is a line of one word, which is further to the left where it would not fit into its place.
func pulled(line string, width int) string {
	word := strings.TrimLeft(line, " ")
	indent := len(line) - len(word)
	if over := indent + textWidth(word) - width; over > 0 && !strings.Contains(word, " ") {
		indent = max(min(indent, len(gridGap)), indent-over)
	}
	return strings.Repeat(" ", indent) + word
}

// Wrap breaks a line between words where a terminal of that many columns would break it within one; 0 columns leave it as it
// is. What follows is indented. A word that is longer than a line stays whole: it is a name that somebody wants to copy.
func Wrap(text string, width int, indent string) string {
	if width <= 0 || textWidth(text) <= width {
		return text
	}
	var b strings.Builder
	used, begun := 0, false // the line, and whether it has a word
	for i, word := range strings.Split(text, " ") {
		n := textWidth(word)
		switch {
		case i == 0:
		case begun && n > 0 && used+1+n > width:
			b.WriteString("\n" + indent)
			used, begun = len(indent), false
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used, begun = used+n, begun || n > 0
	}
	return b.String()
}

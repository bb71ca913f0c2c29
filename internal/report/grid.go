package report

import (
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// gridGap parts the columns.
const gridGap = "  "

// minWhy is the narrowest last column that is still wrapped: below it a terminal's own wrapping reads better.
const minWhy = 22

// columns measures text in the columns of a terminal. The process's locale does not decide how wide "·" and "…" are.
var columns = &runewidth.Condition{StrictEmojiNeutral: true}

// textWidth returns how many columns of a terminal a text takes.
func textWidth(s string) int { return columns.StringWidth(s) }

// grid lays rows of as many columns each out without borders, indented by two spaces and aligned to the left but for the
// columns in right. A column that is empty in all rows is left out. The last column wraps between words at the width of the
// terminal; 0 means that nothing is known of it and nothing wraps, as in a CI log.
func grid(rows [][]string, terminal int, right ...int) string {
	if len(rows) == 0 {
		return ""
	}
	last := len(rows[0]) - 1
	widths, room := make([]int, last), terminal-len(gridGap)
	for column := range widths {
		widths[column] = widest(rows, column)
		if widths[column] > 0 {
			room -= len(gridGap) + widths[column]
		}
	}
	var out strings.Builder
	for _, r := range rows {
		line := ""
		for column, width := range widths {
			switch {
			case width == 0:
			case slices.Contains(right, column):
				line += gridGap + columns.FillLeft(r[column], width)
			default:
				line += gridGap + columns.FillRight(r[column], width)
			}
		}
		for i, text := range wrapped(r[last], room) {
			if i > 0 {
				line = strings.Repeat(" ", textWidth(line))
			}
			out.WriteString(strings.TrimRight(line+gridGap+text, " ") + "\n")
		}
	}
	return out.String()
}

// widest returns how wide a column is.
func widest(rows [][]string, column int) int {
	width := 0
	for _, r := range rows {
		width = max(width, textWidth(r[column]))
	}
	return width
}

// lastWidth returns how many columns of the terminal are left to the last column and the gap after it.
func lastWidth(rows [][]string, terminal int) int {
	for column := range len(rows[0]) - 1 {
		if width := widest(rows, column); width > 0 {
			terminal -= width + len(gridGap)
		}
	}
	return terminal
}

// wrapped breaks a text between words into lines that fit into the room, where that is enough to read them.
func wrapped(text string, room int) []string {
	if room < minWhy || textWidth(text) <= room {
		return []string{text}
	}
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case textWidth(line)+1+textWidth(word) <= room:
			line += " " + word
		default:
			out, line = append(out, line), word
		}
	}
	return append(out, line)
}

package report

import "strings"

// The colours of words, as a terminal takes them (ECMA-48, SGR). Each word says the same without its colour.
const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	plainC = "\x1b[0m"
)

// inks are the colours of the first words of rows.
var inks = map[string]string{
	"keep": green, "delete": red, "gone": red, "failed": red, "broken:": red, "unsettled": yellow, "unsettled:": yellow,
	"skipped": yellow, "retained": yellow, "warning:": yellow, "stopped:": red, "hint:": yellow,
}

// paint colours the first word of each line that begins with a word of a row. Text from outside has no control characters
// here, so that nothing else looks like a colour.
func paint(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, " ")
		word, _, _ := strings.Cut(strings.TrimRight(rest, "\n"), " ")
		ink := inks[word]
		if indent := len(line) - len(rest); ink != "" && indent == len(gridGap) {
			line = line[:indent] + ink + word + plainC + rest[len(word):]
		}
		b.WriteString(line)
	}
	return b.String()
}

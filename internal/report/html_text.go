package report

import (
	"strings"
	"unicode/utf8"
)

// A word of up to whole characters fits into any column. A longer one may break after what joins its parts, and after
// unbroken characters: a commit's hash has no other place to break.
const (
	whole    = 10
	unbroken = 16
)

// breaks cuts a text inside of its long words, where a line may break.
func breaks(text string) []string {
	var out []string
	begin := 0
	for at := 0; at < len(text); {
		word, _, _ := strings.Cut(text[at:], " ")
		run, short := at, utf8.RuneCountInString(word) <= whole
		for i, r := range word {
			end := at + i + utf8.RuneLen(r)
			if !short && (strings.ContainsRune("/:.-_@,", r) || end-run >= unbroken) && end < at+len(word) {
				out = append(out, text[begin:end])
				begin, run = end, end
			}
		}
		at += len(word) + 1
	}
	return append(out, text[begin:])
}

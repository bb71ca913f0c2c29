package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Whatever does not come from this program (names, tags, reasons that quote them, error texts of a registry) goes
// through Visible before a terminal sees it, and through markdownText or markdownCode before a browser does.

// Visible replaces what a terminal or a CI log would act upon by an escape sequence that can be read: control
// characters of both ranges, invalid UTF-8, and the format characters that reorder or hide text
// (https://trojansource.codes). The runner of GitHub Actions takes "::" at the start of a line and "##[" anywhere in
// it for a command (https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs), Azure Pipelines
// "##vso[": those are broken up.
func Visible(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	command := strings.HasPrefix(strings.TrimSpace(s), "::")
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == ':' && command:
			b.WriteString(`\x3a`)
			command = false
		case r == '#' && strings.HasPrefix(s[i:], "##"):
			b.WriteString(`\x23`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
	}
	return b.String()
}

// plain reports whether Visible has nothing to do, which is nearly always so.
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || (c == ':' || c == '#') && strings.HasPrefix(s[i+1:], s[i:i+1]) {
			return false
		}
	}
	return true
}

func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xFFFF:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// clip shortens text to at most n runes and says how many are left out.
func clip(s string, n int) string {
	total := utf8.RuneCountInString(s)
	if total <= n {
		return s
	}
	end := 0
	for range n {
		_, w := utf8.DecodeRuneInString(s[end:])
		end += w
	}
	return fmt.Sprintf("%s … (%d more characters)", s[:end], total-n)
}

// Lengths, in characters, beyond which text from outside is cut.
const (
	textRunes = 300 // an error can quote a whole page of HTML
	nameRunes = 256 // repository names are no longer (https://pkg.go.dev/github.com/distribution/reference)
	tagRunes  = 48  // a tag can have 128 characters, too many for a column
)

// long makes a text from outside fit for a line of its own or the last column.
func long(text string) string { return clip(Visible(text), textRunes) }

// short makes a name fit for a column: what is too long loses its middle, because names differ at their ends.
func short(name string, limit int) string {
	name = Visible(name)
	runes := []rune(name)
	if len(runes) <= limit {
		return name
	}
	tail := limit / 3
	return string(runes[:limit-tail-1]) + "…" + string(runes[len(runes)-tail:])
}

// markdownText makes text that Markdown and HTML take literally. All markup becomes character references, which GFM
// reads as text in a table cell too (https://github.github.com/gfm/#entity-and-numeric-character-references). "@" and
// "#" are parted from what follows by a word joiner, because forges look for mentions and references after they
// have rendered the text (https://github.com/gjtorikian/html-pipeline), where a character reference does not stop them.
func markdownText(s string) string { return textReplacer.Replace(Visible(s)) }

// markdownCode shows a name or a message in code type. A code span takes no character references, so that text which
// needs one goes into a code element. Neither is searched for mentions.
func markdownCode(s string) string {
	s = Visible(s)
	if s != "" && strings.Trim(s, codeAlphabet) == "" {
		return "`" + s + "`"
	}
	return "<code>" + codeReplacer.Replace(s) + "</code>"
}

// codeAlphabet is what references consist of, and nothing that means anything in a code span.
const codeAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:+"

var (
	markup = []string{
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "&#96;", "*", "&#42;", "_", "&#95;", "~", "&#126;",
		"[", "&#91;", "]", "&#93;", "\\", "&#92;", "$", "&#36;", "://", "&#58;//", "www.", "www&#46;",
	}
	codeReplacer = strings.NewReplacer(append([]string{"#", "&#35;", "@", "&#64;"}, markup...)...)
	textReplacer = strings.NewReplacer(append([]string{"#", "&#35;&#8288;", "@", "&#64;&#8288;"}, markup...)...)
)

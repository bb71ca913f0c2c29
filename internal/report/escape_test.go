package report

import (
	"bytes"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, in, want string }{
		{"plain", "registry.example.com:5000/a-b_c [::1] #1", "registry.example.com:5000/a-b_c [::1] #1"},
		{"letters of any script", "größe 漢字 · …", "größe 漢字 · …"},
		{"lines", "a\r\nb\tc", `a\r\nb\tc`},
		{"escape sequence", "\x1b[2J\x7f", `\x1b[2J\x7f`},
		{"C1 control sequence introducer", "\u009b2J", `\u009b2J`},
		{"invalid UTF-8", "a\xffb", `a\xffb`},
		{"replacement character is a character", "\uFFFD", "\uFFFD"},
		{"right to left override", "\u202Egpj.exe", `\u202egpj.exe`},
		{"isolates and zero width", "\u2066\u200b\ufeff", `\u2066\u200b\ufeff`},
		{"line separators", "\u2028\u2029\u0085", `\u2028\u2029\u0085`},
		{"outside of the basic plane", "\U000E0041", `\U000e0041`},
		{"command of GitHub", "  ::error::x", `  \x3a:error::x`},
		{"old command of GitHub", "a ##[error]x", `a \x23#[error]x`},
		{"command of Azure", "a ##vso[x]", `a \x23#vso[x]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Visible(test.in); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestMarkdownEscapes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, in, text, code string }{
		{"tag", "v1.2.3-rc.1_b", "v1.2.3-rc.1&#95;b", "`v1.2.3-rc.1_b`"},
		{"words", "last 1 of 2", "last 1 of 2", "<code>last 1 of 2</code>"},
		{"empty", "", "", "<code></code>"},
		{"cell break", "a|b\n|c", "a&#124;b&#92;n&#124;c", "<code>a&#124;b&#92;n&#124;c</code>"},
		{"code break", "`x`", "&#96;x&#96;", "<code>&#96;x&#96;</code>"},
		{"comment", "<!--", "&lt;!--", "<code>&lt;!--</code>"},
		{"link", "[x](https://e.x)", "&#91;x&#93;(https&#58;//e.x)", "<code>&#91;x&#93;(https&#58;//e.x)</code>"},
		{"mention", "@all #1", "&#64;&#8288;all &#35;&#8288;1", "<code>&#64;all &#35;1</code>"},
		{"reference to a character", "&lt;", "&amp;lt;", "<code>&amp;lt;</code>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := markdownText(test.in); got != test.text {
				t.Errorf("text: got %q, want %q", got, test.text)
			}
			if got := markdownCode(test.in); got != test.code {
				t.Errorf("code: got %q, want %q", got, test.code)
			}
		})
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		got, want string
	}{
		{clip("größe", 5), "größe"},
		{clip("größer", 4), "größ … (2 more characters)"},
		{short("0123456789", 10), "0123456789"},
		{short("0123456789a", 10), "012345…89a"},
		{tagList([]string{"a"}), "a"},
		{tagList([]string{"1", "2", "3", "4"}), "1, 2, 3, 4"},
		{tagList([]string{"1", "2", "3", "4", "5"}), "1, 2, 3 … +2"},
		{grouped(0), "0"},
		{grouped(999), "999"},
		{grouped(1234), "1,234"},
		{grouped(1234567), "1,234,567"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

// mention is what forges make a notification or a link of.
var mention = regexp.MustCompile(`[@#][0-9A-Za-z]`)

// FuzzMarkdownCell holds that no text leaves its cell, and that a reader still sees the text as it is.
func FuzzMarkdownCell(f *testing.F) {
	for _, seed := range []string{"", "v1", nasty, "\\|", "`|`", "a\u2060b", "::x", "##[x]", "&amp", "</code>", "\xf0\x28", "www.x.y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		text, code := markdownText(in), markdownCode(in)
		inner := strings.TrimSuffix(strings.TrimPrefix(code, "<code>"), "</code>")
		if inner == code {
			inner = strings.Trim(code, "`")
		}
		row := cells(text, inner)
		if n := strings.Count(row, "|"); n != 3 {
			t.Errorf("%d columns in %q, want 2", n-1, row)
		}
		if strings.ContainsAny(row, "<>`[]\\") || strings.ContainsFunc(row, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(row) {
			t.Errorf("markup or control characters in %q", row)
		}
		if m := mention.FindString(html.UnescapeString(text)); m != "" {
			t.Errorf("mention %q in %q", m, text)
		}
		if got := strings.ReplaceAll(html.UnescapeString(text), "\u2060", ""); got != Visible(in) {
			t.Errorf("text reads %q, want %q", got, Visible(in))
		}
		if got := html.UnescapeString(inner); got != Visible(in) {
			t.Errorf("code reads %q, want %q", got, Visible(in))
		}
	})
}

// FuzzVisible holds that nothing reaches a terminal or a log that it would act upon.
func FuzzVisible(f *testing.F) {
	for _, seed := range []string{"", nasty, " ::x", ":::", "###[x]", "\xc2", "\u202e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := Visible(in)
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(got) {
			t.Errorf("%q has control characters", got)
		}
		if strings.HasPrefix(strings.TrimSpace(got), "::") || strings.Contains(got, "##") {
			t.Errorf("%q has a command", got)
		}
		if again := Visible(got); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
	})
}

// FuzzReports holds that a text changes the shape of no report, wherever in the summary it stands.
func FuzzReports(f *testing.F) {
	shape := func(t testing.TB, s Summary) (table, markdown []int) {
		var b bytes.Buffer
		if err := WriteTable(&b, s, TableOptions{}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("control characters in %q", line)
			}
			table = append(table, min(1, len(line)))
		}
		b.Reset()
		if err := WriteMarkdown(&b, s, summaryBudget); err != nil {
			t.Fatal(err)
		}
		checkMarkdown(t, b.String())
		for line := range strings.Lines(b.String()) {
			markdown = append(markdown, strings.Count(line, "|"))
		}
		return table, markdown
	}
	of := map[string]func(in string) Summary{
		"hostile": func(in string) Summary { return hostile("x" + in) },
		"grouped": func(in string) Summary { return groupedIll(strings.ReplaceAll(in, ", ", ",")) }, // no tag has a comma in it
	}
	wantTable, wantMarkdown := map[string][]int{}, map[string][]int{}
	for name, of := range of {
		wantTable[name], wantMarkdown[name] = shape(f, of(""))
	}
	f.Add(nasty)
	f.Add("\n| a | b |\n\n</details>")
	f.Fuzz(func(t *testing.T, in string) {
		for name, of := range of {
			table, markdown := shape(t, of(in))
			if !slices.Equal(table, wantTable[name]) {
				t.Errorf("%s: lines of the table: got %v, want %v", name, table, wantTable[name])
			}
			if !slices.Equal(markdown, wantMarkdown[name]) {
				t.Errorf("%s: columns of the Markdown: got %v, want %v", name, markdown, wantMarkdown[name])
			}
		}
	})
}

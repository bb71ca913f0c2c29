package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// No line of a table is wider than the terminal, unless it is a single word.
func TestTablesFit(t *testing.T) {
	t.Parallel()
	for name, s := range cases() {
		for _, width := range []int{60, 80, 100, 120} {
			var b strings.Builder
			if err := WriteTable(&b, s, TableOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				line = strings.TrimSuffix(line, "\n")
				if word := strings.TrimLeft(line, " "); utf8.RuneCountInString(line) > width && strings.Contains(word, " ") {
					t.Errorf("%s in %d columns: %q", name, width, line)
				}
			}
		}
	}
}

func TestTagsInColumns(t *testing.T) {
	t.Parallel()
	tags := []string{"release-1", "stable", "the-image-in-production", "v1", "v1.0"}
	for _, test := range []struct {
		tags    []string
		columns int
		want    string
	}{
		{tags, 0, "release-1, stable, the-image-in-production … +2"},
		{tags, 80, "release-1, stable, the-image-in-production … +2"},
		{tags, 40, "release-1, stable … +3"},
		{tags, 20, "release-1 … +4"},
		{tags[:2], 20, "release-1, stable"},
		{tags[2:3], 20, "the-image-in-…uction"},
		{[]string{"a-tag-of-more-than-twenty", "b"}, 20, "a-tag-of-…wenty … +1"},
		{[]string{"a\x1b[31mb"}, 20, `a\x1b[31mb`},
	} {
		got := tagsIn(test.tags, test.columns)
		if got != test.want || test.columns > 0 && utf8.RuneCountInString(got) > test.columns {
			t.Errorf("%q in %d: got %q, want %q", test.tags, test.columns, got, test.want)
		}
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"short\n\nlines\n", "short\n\nlines\n"},
		{"  keep    a-name    1 day  and so on\n", "  keep    a-name\n    1 day  and so on\n"},
		{"                 a-long-word\n", "         a-long-word\n"},
		{"          a-word-of-more-than-twenty\n", "  a-word-of-more-than-twenty\n"},
	} {
		if got := fit(test.text, 20); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
		if got := fit(test.text, 0); got != test.text {
			t.Errorf("%q becomes %q where no width is known", test.text, got)
		}
	}
}

package report

import (
	"fmt"
	"strings"
	"testing"
)

// A repository's name leads to its page wherever it is a heading or a row of its own.
func TestPagesOfRepositories(t *testing.T) {
	t.Parallel()
	const page = "https://github.com/orgs/acme/packages/container/package/team%2Fapp"
	one, two := ordinary(), several()
	one.Repositories[0].Page, two.Repositories[0].Page = page, page
	for name, s := range map[string]Summary{"one": one, "several": two} {
		n := map[string]int{"one": 1, "several": 2}[name] // the row, and the heading of the images
		link := "[" + markdownCode(s.Repositories[0].Name.String()) + "](" + page + ")"
		if text := inForm(t, FormMarkdown, s); strings.Count(text, link) != n || strings.Count(text, page) != n {
			t.Errorf("%s: not %d of %s in\n%s", name, n, link, text)
		}
		if text := inForm(t, FormHTML, s); strings.Count(text, `<a href="`+page+`" rel="noreferrer">`) != n {
			t.Errorf("%s: not %d links in\n%s", name, n, text)
		}
		if text := inForm(t, FormJSON, s); !strings.Contains(text, fmt.Sprintf(`"page_url": %q`, page)) {
			t.Errorf("%s: no address in\n%s", name, text)
		}
		back, err := ReadJSON(strings.NewReader(inForm(t, FormJSON, s)))
		if err != nil || back.Repositories[0].Page != page {
			t.Errorf("%s: read back %q, %v", name, back.Repositories[0].Page, err)
		}
		for _, form := range []Form{FormTable, FormJUnit, FormLine, FormMetrics, FormDotenv} {
			if text := inForm(t, form, s); strings.Contains(text, page) {
				t.Errorf("%s: %s has a link: %s", name, form, text)
			}
		}
	}
}

// What is not the address of a page is not a link.
func TestPagesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		"", "javascript:alert(1)", "http://example.com/a", "https:///a", "https://", "//example.com", "https://example.com/a)b", "https://example.com/a|b", "https://example.com/?a=b",
		"https://example.com/a b", "https://example.com/<b>", "https://example.com/\n", "https://user:secret@example.com/a", "https://example.com/a\"b", "https://example.com/%zz", nasty,
	} {
		s := ordinary()
		s.Repositories[0].Page = page
		for _, form := range []Form{FormMarkdown, FormHTML, FormJSON} {
			if got, want := inForm(t, form, s), inForm(t, form, ordinary()); got != want {
				t.Errorf("%q changes the %s", page, form)
			}
		}
	}
}

func inForm(t *testing.T, form Form, s Summary) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, form, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

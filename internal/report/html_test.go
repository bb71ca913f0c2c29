package report

import (
	"bytes"
	"fmt"
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	htmlTag       = regexp.MustCompile(`<[^<>]*>`)
	htmlAttribute = regexp.MustCompile(`^ ([a-zA-Z-]+)(?:="([^"]*)")?`)

	// htmlElements are all that a page is made of; those without an end are false.
	htmlElements = map[string]bool{
		"html": true, "head": true, "title": true, "body": true, "main": true, "header": true, "section": true, "h1": true, "h2": true,
		"h3": true, "p": true, "strong": true, "small": true, "time": true, "a": true, "span": true, "table": true, "caption": true,
		"thead": true, "tbody": true, "tfoot": true, "tr": true, "th": true, "td": true, "details": true, "summary": true,
		"ul": true, "li": true, "style": true, "svg": true, "desc": true, "path": true, "rect": true,
		"!doctype": false, "meta": false, "link": false, "br": false, "wbr": false,
	}
	htmlAttributes = []string{
		"lang", "charset", "name", "content", "datetime", "href", "rel", "role", "aria-label", "aria-hidden", "scope", "colspan",
		"border", "cellpadding", "cellspacing", "rules", "frame", "align", "nowrap", "html", "class", "width", "height",
		"viewBox", "preserveAspectRatio", "vector-effect", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity",
		"stroke-dasharray", "stroke-linecap", "d", "x", "y",
	}
)

// checkHTML holds that a page is whole and has nothing but elements that show and say something: a content security
// policy that allows nothing changes nothing. It returns the elements in order, without places to break a line.
func checkHTML(t testing.TB, page string) []string {
	t.Helper()
	var open, all []string
	for _, tag := range htmlTag.FindAllString(page, -1) {
		name, rest, _ := strings.Cut(strings.Trim(tag, "<>"), " ")
		if closed, ok := strings.CutPrefix(name, "/"); ok {
			if len(open) == 0 || open[len(open)-1] != closed {
				t.Fatalf("%s closes %v", tag, open)
			}
			open = open[:len(open)-1]
			continue
		}
		hasEnd, ours := htmlElements[name]
		if !ours {
			t.Fatalf("foreign element %s", tag)
		}
		for rest = " " + rest; rest != " " && rest != ""; {
			m := htmlAttribute.FindStringSubmatch(rest)
			if m == nil || !slices.Contains(htmlAttributes, m[1]) {
				t.Fatalf("foreign attribute in %s", tag)
			}
			if address := html.UnescapeString(m[2]); m[1] == "href" && !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
				t.Errorf("link to %q", address)
			}
			rest = rest[len(m[0]):]
		}
		if name != "wbr" {
			all = append(all, name)
		}
		if hasEnd {
			open = append(open, name)
		}
	}
	if len(open) > 0 {
		t.Errorf("%v are not closed", open)
	}
	if text := htmlTag.ReplaceAllString(page, ""); strings.ContainsAny(text, "<>") {
		t.Error("markup outside of elements")
	}
	return all
}

func writeHTML(t testing.TB, s Summary) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTMLIsWhole(t *testing.T) {
	t.Parallel()
	all := cases()
	maps.Copy(all, collectionCases())
	for name, s := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := writeHTML(t, s)
			checkHTML(t, page)
			if tables, captions := strings.Count(page, "<table"), strings.Count(page, "<caption"); tables != captions {
				t.Errorf("%d tables and %d captions", tables, captions)
			}
			for _, want := range []string{`<html lang="en">`, `<meta name="color-scheme" content="light dark">`, `<meta name="viewport"`, "<h1>"} {
				if strings.Count(page, want) != 1 {
					t.Errorf("%d times %s, want once", strings.Count(page, want), want)
				}
			}
		})
	}
}

var htmlMore = regexp.MustCompile(`<td colspan="4">… ([0-9,]+) more[^<]*</td>`)

// However large a run is, its page is not, and every image has a row or is counted.
func TestHTMLIsBounded(t *testing.T) {
	t.Parallel()
	type size struct{ repositories, images int }
	sizes := []size{{700, 4}}
	if !testing.Short() {
		sizes = append(sizes, size{1, 50_000}, size{40, 1000})
	}
	for _, test := range sizes {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			t.Parallel()
			s := large(test.repositories, test.images)
			page := writeHTML(t, s)
			checkHTML(t, page)
			if len(page) > 2<<20 {
				t.Errorf("%d bytes", len(page))
			}
			total := s.Totals()
			if want := fmt.Sprintf("deleted %d images, kept %d, failed %d", total.Deleted, total.Kept, total.Failed); !strings.Contains(page, want) {
				t.Errorf("the page does not say %q", want)
			}
			rows, counted := strings.Count(page, "beyond the last 2")+strings.Count(page, "last 2 of 2")+strings.Count(page, "last 1 of 2"), 0
			for _, m := range htmlMore.FindAllStringSubmatch(page, -1) {
				if !strings.Contains(m[0], "repositories") {
					var n int
					if _, err := fmt.Sscan(strings.ReplaceAll(m[1], ",", ""), &n); err != nil {
						t.Fatal(err)
					}
					counted += n
				}
			}
			shown := min(test.repositories, maxHTMLRepositories)
			if want := (total.Deleted + total.Kept) / test.repositories * shown; rows+counted != want {
				t.Errorf("%d rows and %d counted, want %d together", rows, counted, want)
			}
			if rows > maxHTMLImages {
				t.Errorf("%d rows, want at most %d", rows, maxHTMLImages)
			}
		})
	}
}

func TestHTMLBreaks(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"v1":                        "v1",
		"registry.example:5000/a-b": "registry.|example:|5000/|a-|b",
		"0123456789abcdef01234567":  "0123456789abcdef|01234567",
		"noch_größer_漢字":            "noch_|größer_|漢字",
		"x/":                        "x/",
		"1.2.3, v1-rc.1 is whole":   "1.2.3, v1-rc.1 is whole",
		"of a.example/team/app now": "of a.|example/|team/|app now",
	} {
		if got := strings.Join(breaks(in), "|"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Only an address that a browser may follow becomes a link.
func TestHTMLLink(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://ci.example/job/1/":           `<a href="https://ci.example/job/1/"`,
		"http://ci.example/?a=1&b=\"><script": "",
		"javascript:alert(1)":                 "",
		"//ci.example/":                       "",
		"https://user:secret@ci.example/1":    `<a href="https://ci.example/1"`,
	} {
		s := ordinary()
		s.CI.BuildURL = in
		page := writeHTML(t, s)
		checkHTML(t, page)
		if got := strings.Contains(page, "<a "); got != (want != "") && !strings.Contains(in, "?a=1") {
			t.Errorf("%s: link %v", in, got)
		}
		if !strings.Contains(page, want) || strings.Contains(page, "secret") {
			t.Errorf("%s: no %s", in, want)
		}
	}
}

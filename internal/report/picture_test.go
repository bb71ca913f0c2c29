package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// drawn is the picture of a summary in the Markdown of a system that draws it; "" when it has none.
func drawn(t *testing.T, s Summary, budget int) string {
	t.Helper()
	s.CI.Mermaid = true
	var b strings.Builder
	if err := WriteMarkdown(&b, s, budget); err != nil {
		t.Fatal(err)
	}
	checkMarkdown(t, b.String())
	if len(b.String()) > budget {
		t.Errorf("%d bytes, the budget is %d", len(b.String()), budget)
	}
	_, after, found := strings.Cut(b.String(), "\n```mermaid\n")
	if !found {
		return ""
	}
	text, _, closed := strings.Cut(after, "```\n")
	if !closed {
		t.Errorf("the picture has no end: %q", after)
	}
	return text
}

func TestPicture(t *testing.T) {
	t.Parallel()
	byImages := dryRun()
	byImages.Repositories[0].Plan.Decisions[0].Image.Unread = true
	var repositories []*fixture
	for n := range 9 {
		repositories = append(repositories, repo(fmt.Sprintf("app-%d", n+1)).pair(30).builds(n+1, 1, deleted))
	}
	repositories[0].builds(1, 1, failed("500"))
	many := summary(repositories...)
	many.Repositories[0].Plan.Decisions[0].Image.Unread = true
	elsewhere := several()
	elsewhere.Repositories[1].Name.Host = "other.example.com"
	for name, test := range map[string]struct {
		summary Summary
		want    string
	}{
		"one": {dryRun(), `pie title Space that would become unreferenced, and what stays
    "would become unreferenced, 378.0 MiB" : 396390400
    "stays in use, 138.2 MiB" : 144863488
`},
		"nothing goes":   {summary(repo("zdtest").pair(12)), ""},
		"nothing at all": {summary(), ""},
		"nothing read":   {unreadOnly(), ""},
		"several": {several(), `pie title Space that became unreferenced, by repository, and what stays
    "team/api, 810.1 MiB" : 849469440
    "stays in use, 2.6 GiB" : 2788513792
`},
		"of several registries": {elsewhere, `pie title Space that became unreferenced, by repository, and what stays
    "registry.example.com:5000/team/api, 810.1 MiB" : 849469440
    "stays in use, 2.6 GiB" : 2788513792
`},
		"by their images": {byImages, `pie title Images to delete, and what stays
    "to delete, 7" : 7
    "stay, 2" : 2
`},
		"more than it tells apart": {many, `pie title Images deleted, by repository, and what stays
    "app-9, 9" : 9
    "app-8, 8" : 8
    "app-7, 7" : 7
    "app-6, 6" : 6
    "app-5, 5" : 5
    "app-4, 4" : 4
    "app-3, 3" : 3
    "2 more repositories, 3" : 3
    "failed or skipped, 1" : 1
    "stay, 18" : 18
`},
		"an empty one alone": {summary(repo("zdtest")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := drawn(t, test.summary, 1<<20); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// pictureLine is a line of a picture that is nothing else, whatever version of Mermaid reads it.
var pictureLine = regexp.MustCompile(`^    "[a-zA-Z0-9 ._/:,…()-]+" : [1-9][0-9]*$`)

// Names can have anything in them, and the picture stays a picture with a part for each.
func TestPictureOfHostileNames(t *testing.T) {
	t.Parallel()
	names := []string{
		nasty, `a"] : 1`, "a;b", "%%{init: {}}%%", "%% a comment", "```\n# out", "a\nb", "#quot;#35;", "<img src=x onerror=alert(1)>", "__proto__", "constructor", "&lt;",
		"\u202Eabc", "", " ", "---", "end", strings.Repeat("ü", 300), "日本語", "日本誌", "`x`", "$$x$$", `\"`,
	}
	var all []*fixture
	for i, name := range names {
		f := repo("x").pair(9)
		f.r.Name = oci.Repository{Host: fmt.Sprint(i%3, name), Path: name}
		all = append(all, f.builds(7, i%5+1, planned))
	}
	s := summary(all...)
	s.DryRun = true
	for n := range all { // each in a place of its own, which the largest have
		s.Repositories[0], s.Repositories[n] = s.Repositories[n], s.Repositories[0]
		some := s
		some.Repositories = s.Repositories[:min(n+1, 8)]
		lines := strings.Split(strings.TrimSuffix(drawn(t, some, 1<<20), "\n"), "\n")
		if !strings.HasPrefix(lines[0], "pie title Space that would become unreferenced") {
			t.Errorf("the first line is %q", lines[0])
		}
		if got, want := len(lines)-1, len(some.Repositories)+1; got != want {
			t.Errorf("%d parts, want %d: %q", got, want, lines)
		}
		seen := map[string]bool{}
		for _, line := range lines[1:] {
			label, _, _ := strings.Cut(line, `" : `)
			if !pictureLine.MatchString(strings.ReplaceAll(line, "_", "-")) || seen[label] {
				t.Errorf("a line that is not a part of its own: %q", line)
			}
			seen[label] = true
		}
	}
}

// A picture is there as a whole or not at all.
func TestPictureInABudget(t *testing.T) {
	t.Parallel()
	with, without := 0, 0
	for budget := 200; budget < 3000; budget += 7 {
		if drawn(t, dryRun(), budget) == "" {
			without++
		} else {
			with++
		}
	}
	if with == 0 || without == 0 {
		t.Errorf("%d with a picture and %d without", with, without)
	}
}

func TestPictureIsForSystemsThatDraw(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := WriteMarkdown(&b, dryRun(), 1<<20); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "mermaid") {
		t.Error(b.String())
	}
}

// Mermaid drops a part whose text it has had, so that names that look alike there are numbered.
func TestPictureOfNamesThatLookAlike(t *testing.T) {
	t.Parallel()
	one, other := repo("日本語").pair(9).builds(7, 6, deleted), repo("日本誌").pair(9).builds(7, 6, deleted)
	want := `pie title Space that became unreferenced, by repository, and what stays
    "___, 108.0 MiB" : 113259520
    "___ (2), 108.0 MiB" : 113259520
    "stays in use, 276.3 MiB" : 289726976
`
	if got := drawn(t, summary(one, other), 1<<20); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The space of several repositories can have a layer twice, which is said.
func TestPictureOfSharedLayers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		summary Summary
		want    bool
	}{"one": {dryRun(), false}, "several": {several(), true}} {
		test.summary.CI.Mermaid = true
		if got := strings.Contains(inForm(t, FormMarkdown, test.summary), "```\n\nA layer that several repositories share counts once"); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

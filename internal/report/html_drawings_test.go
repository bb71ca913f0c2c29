package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// paths are the ticks of a mark on all timelines of a page.
func paths(page, mark string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`<svg class="timeline".*?</svg>`).FindAllString(page, -1) {
		for _, p := range regexp.MustCompile(`<path class="`+mark+`" d="([^"]*)"`).FindAllStringSubmatch(m, -1) {
			out = append(out, p[1])
		}
	}
	return out
}

// An image that a rule protects, or that was just built, has a dot; one that only counts has none.
func TestHTMLTimelineMarks(t *testing.T) {
	t.Parallel()
	f := repo("zdtest")
	for i, rule := range []retain.Rule{retain.RuleProtect, retain.RuleJustBuilt, retain.RuleProtectFile, retain.RuleLast, retain.RuleYounger} {
		f.keep(f.image(time.Duration(i)*day, 84*mib, fmt.Sprint("k", i)), "why")
		f.r.Plan.Decisions[i].Reasons[0].Rule = rule
	}
	f.drop(f.image(40*day, 84*mib, "f"), failed("500"), "beyond the last 2").drop(f.image(50*day, 84*mib, "d"), deleted, "beyond the last 2")
	undated := f.image(0, 84*mib, "u")
	undated.Created = time.Time{}
	f.drop(undated, deleted, "beyond the last 2")
	page := writeHTML(t, summary(f))
	for mark, want := range map[string]int{"protected": 3, "dot": 3, "kept": 2, "left": 1, "gone": 1} {
		got := paths(page, mark)
		if len(got) != 1 || strings.Count(got[0], "M") != want {
			t.Errorf("%s: %v, want %d ticks", mark, got, want)
		}
	}
	if want := "1 image has no date and is not drawn"; !strings.Contains(page, want) {
		t.Errorf("the page does not say %q", want)
	}
	// Past day, then 1 to 7, 7 to 30 and 30 to 365 days ago: three stops between the ends, and the oldest image at the left.
	if guides := paths(page, "guide"); len(guides) != 1 || strings.Count(guides[0], "M") != 3 {
		t.Errorf("guides %v", guides)
	}
	if gone := paths(page, "gone"); gone[0] != "M0 22v9" {
		t.Errorf("the oldest image is at %v", gone)
	}
}

// However many groups and repositories there are, the page is small and counts what it leaves out.
func TestHTMLDrawingsAreBounded(t *testing.T) {
	t.Parallel()
	groups := func(path string, n int) *fixture {
		f := repo(path)
		for i := range n {
			f.branch(fmt.Sprintf("feature-%d", i), time.Duration(i)*time.Hour, 3*time.Hour, 1, 1, deleted)
		}
		return f
	}
	var many []*fixture
	for i := range 200 {
		many = append(many, groups(fmt.Sprintf("team/app-%d", i), 25))
	}
	for name, s := range map[string]Summary{"one of 10,000 groups": summary(groups("zdtest", 10_000)), "200 of 25 groups": summary(many...)} {
		page := writeHTML(t, s)
		checkHTML(t, page)
		if len(page) > 4<<20 {
			t.Errorf("%s: %d bytes", name, len(page))
		}
		lines := strings.Count(page, `<svg class="timeline"`)
		if lines > maxHTMLLines || lines == 0 {
			t.Errorf("%s: %d timelines", name, lines)
		}
		want := map[string]string{"one of 10,000 groups": "… 9,980 more</th><td>9980 kept, 9980 deleted", "200 of 25 groups": "… 20 more</th><td>20 kept, 20 deleted"}[name]
		if !strings.Contains(page, want) {
			t.Errorf("%s: the page does not count the groups that it leaves out", name)
		}
	}
}

// A page of nine ordinary repositories can be sent by mail.
func TestHTMLIsSmall(t *testing.T) {
	t.Parallel()
	var fs []*fixture
	for i := range 9 {
		f := repo(fmt.Sprintf("team/app-%d", i)).pair(60)
		fs = append(fs, f.builds(58, 1, deleted))
	}
	if page := writeHTML(t, summary(fs...)); len(page) > 150<<10 {
		t.Errorf("%d bytes", len(page))
	}
}

// Bars show bytes only where all are known, and a page that is read back shows the same.
func TestHTMLSpace(t *testing.T) {
	t.Parallel()
	bar := regexp.MustCompile(`<svg class="bar".*?<title>([^<]*)</title>`)
	unread := summary(repo("a").pair(9).builds(7, 1, deleted), repo("b").pair(3))
	unread.Repositories[1].Plan.Decisions[0].Image.Unread = true
	old := summary(repo("a").pair(9).builds(7, 1, deleted))
	known := int64(5)
	old.Repositories[0].KnownBytes = &known
	none := summary(repo("a").keep(oci.Image{Digest: digest(1), Kind: oci.KindIndex, Tags: []string{"x"}}))
	for name, test := range map[string]struct {
		s    Summary
		want string
	}{
		"bytes":         {ordinary(), "192.2 MiB in use, 1.3 GiB unreferenced"},
		"dry run":       {dryRun(), "138.2 MiB in use, 378.0 MiB would become unreferenced"},
		"not all read":  {unread, "2 kept, 7 deleted|2 kept, 0 deleted"},
		"older report":  {old, "2 kept, 7 deleted"},
		"no blobs":      {none, "1 kept, 0 deleted"},
		"empty":         {summary(repo("a")), ""},
		"nothing":       {summary(), ""},
		"not read":      {unreadOnly(), ""},
		"one of two":    {several(), "138.2 MiB in use, 810.1 MiB unreferenced|138.2 MiB in use, 0 B unreferenced|192.2 MiB in use, 0 B unreferenced|2.1 GiB in use, 0 B unreferenced"},
		"failed images": {partial(), "276.2 MiB in use, 216.0 MiB unreferenced"},
	} {
		var got []string
		for _, m := range bar.FindAllStringSubmatch(writeHTML(t, test.s), -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, "|") != test.want {
			t.Errorf("%s: got %q, want %q", name, strings.Join(got, "|"), test.want)
		}
	}
}

func TestHTMLState(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"ordinary": "good", "dry_run": "dry", "partial": "bad", "unread": "bad", "refused_many": "bad", "several": "bad", "none": "good", "broken": "bad", "unsettled": "bad",
	} {
		if page := writeHTML(t, cases()[name]); !strings.Contains(page, `<p class="state `+want+`">`) {
			t.Errorf("%s is not %s", name, want)
		}
	}
}

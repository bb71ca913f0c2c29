package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// Where the registry says when it received images, that date helps too.
func TestUndatedRemarkWithPushTimes(t *testing.T) {
	t.Parallel()
	f := repo("charts")
	i := f.image(0, 84*mib, "chart")
	i.Created = time.Time{}
	for _, pushed := range []time.Time{{}, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)} {
		i.Pushed = pushed
		f.r.Plan.Decisions = []retain.Decision{{Image: i, Verdict: retain.Keep, Reasons: []retain.Reason{{Rule: retain.RuleUndated, Detail: "no usable date"}}}}
		if text := f.r.undatedRemark(); strings.Contains(text, "--sort pushed") == pushed.IsZero() {
			t.Errorf("pushed %s: %s", pushed, text)
		}
	}
}

// Where nothing has a date, a report does not say "nothing to delete" without a word on why, and on what helps.
func TestUndatedRemark(t *testing.T) {
	t.Parallel()
	charts := func(undated, dated, goes int) Summary {
		f := repo("charts")
		for range undated {
			i := f.image(0, 84*mib, "chart")
			i.Created = time.Time{}
			f.r.Plan.Decisions = append(f.r.Plan.Decisions, retain.Decision{
				Image: i, Verdict: retain.Keep, Reasons: []retain.Reason{{Rule: retain.RuleUndated, Detail: "no usable date"}},
			})
		}
		for range dated {
			f.keep(f.image(day, 84*mib, "b"), "last 1 of 5")
		}
		for range goes {
			f.drop(f.image(day, 84*mib, "b"), prune.Outcome{Status: prune.Planned}, "beyond the last 5")
		}
		return summary(f)
	}
	for _, test := range []struct {
		undated, dated, goes int
		want                 string
	}{
		{0, 3, 0, ""},
		{1, 0, 0, "1 kept image has no usable date"},
		{14, 0, 0, "14 kept images have no usable date"},
		{1, 9, 0, "1 of 10 kept images have no usable date"},
		{5, 5, 3, "5 of 10 kept images have no usable date"},
		{4, 5, 3, ""}, // the rules work
	} {
		s := charts(test.undated, test.dated, test.goes)
		read, err := ReadJSON(bytes.NewReader(writeJSON(t, s)))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []Summary{s, read} {
			for _, form := range []Form{FormTable, FormMarkdown, FormHTML} {
				var b strings.Builder
				if err := Write(&b, form, s); err != nil {
					t.Fatal(err)
				}
				text := strings.NewReplacer("<wbr>", "", "--", "").Replace(b.String())
				if said := strings.Contains(text, "no usable date, and"); said != (test.want != "") || !strings.Contains(text, test.want) || said && !strings.Contains(text, "undated oldest") {
					t.Errorf("%+v: %s says\n%s", test, form, text)
				}
			}
		}
	}
}

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// timeline is a group of --group-by through time.
type timeline struct {
	group  string // "" for images that no group counts
	images []build
	newest time.Time // zero when no image has a date
}

// build is an image on a timeline.
type build struct {
	created time.Time
	mark    mark
	safe    bool // kept whatever the rules that count say
}

// mark is what became of an image, as a character that needs no colour to be told from the others. When several images
// share a cell, the highest is shown.
type mark int

const (
	markDeleted mark = iota // or planned to be
	markLeft                // should have been deleted, and was not
	markKept
)

var marks = [...]string{markDeleted: "░", markLeft: "▒", markKept: "█"}

const (
	maxGroups = 20
	maxCells  = 40
	minCells  = 12
)

// timelines returns the groups of a repository, those with the newest images first and what no group counts last. There
// are none when no image is in a group. An image in several groups is in each.
func (v view) timelines() []timeline {
	if !v.grouped {
		return nil
	}
	byGroup := map[string]*timeline{}
	add := func(e entry, m mark) {
		groups := e.Groups()
		if len(groups) == 0 {
			groups = []string{""}
		}
		for _, g := range groups {
			t := byGroup[g]
			if t == nil {
				t = &timeline{group: g}
				byGroup[g] = t
			}
			t.images = append(t.images, build{e.Image.Created, m, m == markKept && e.safe()})
			if e.Image.Created.After(t.newest) {
				t.newest = e.Image.Created
			}
		}
	}
	for _, list := range v.marked() {
		for _, e := range list.entries {
			if counted(e.Image) {
				add(e, list.mark)
			}
		}
	}
	var out []timeline
	for _, t := range byGroup {
		t.sort()
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b timeline) int {
		if (a.group == "") != (b.group == "") {
			return strings.Compare(b.group, a.group)
		}
		return cmp.Or(b.newest.Compare(a.newest), oci.NaturalCompare(a.group, b.group))
	})
	return out
}

// sort puts the newest image last, and images without a date before the oldest.
func (t timeline) sort() {
	slices.SortStableFunc(t.images, func(a, b build) int { return a.created.Compare(b.created) })
}

// marked are the images of a repository by their mark.
func (v view) marked() []markedEntries {
	return []markedEntries{{v.kept, markKept}, {v.failed, markLeft}, {v.skipped, markLeft}, {v.doomed, markDeleted}}
}

type markedEntries struct {
	entries []entry
	mark    mark
}

// bar is one character for each image, the newest on the right, or for several when there are more images than cells.
// Images without a date are on the left, where the oldest are.
func (t timeline) bar(limit int) string {
	n := min(len(t.images), limit)
	var b strings.Builder
	for cell := range n {
		m := markDeleted
		for _, i := range t.images[cell*len(t.images)/n : (cell+1)*len(t.images)/n] {
			m = max(m, i.mark)
		}
		b.WriteString(marks[m])
	}
	return b.String()
}

// spoken is the bar in words, for those who do not see it: "oldest first: 2 kept, 1 deleted, 1 kept". Of a bar whose
// cells stand for several images it is only the numbers.
func (t timeline) spoken(limit int, v view) string {
	if len(t.images) > limit {
		return v.sums([]timeline{t})
	}
	words := [...]string{markDeleted: v.goneWord(), markLeft: v.leftWord(), markKept: "kept"}
	var runs []string
	for i := 0; i < len(t.images); {
		m, n := t.images[i].mark, 0
		for ; i < len(t.images) && t.images[i].mark == m; i++ {
			n++
		}
		runs = append(runs, fmt.Sprintf("%d %s", n, words[m]))
	}
	return "oldest first: " + strings.Join(runs, ", ")
}

// counts says the numbers of a group, as in "3 kept, 41 deleted, newest 2 hours ago".
func (t timeline) counts(v view) string {
	text := v.sums([]timeline{t})
	if t.newest.IsZero() {
		return text + ", without a date"
	}
	return text + ", newest " + retain.Elapsed(max(0, v.run.Started.Sub(t.newest))) + " ago"
}

// sums adds up what became of the images of groups.
func (v view) sums(ts []timeline) string {
	var n [len(marks)]int
	for _, t := range ts {
		for _, i := range t.images {
			n[i.mark]++
		}
	}
	text := fmt.Sprintf("%d kept, %d %s", n[markKept], n[markDeleted], v.goneWord())
	if n[markLeft] > 0 {
		text += fmt.Sprintf(", %d %s", n[markLeft], v.leftWord())
	}
	return text
}

// goneWord is what a timeline calls images that go.
func (v view) goneWord() string {
	if v.run.DryRun || v.condition() == refused {
		return "to delete"
	}
	return "deleted"
}

// leftWord is what a timeline calls images that should have gone.
func (v view) leftWord() string {
	if v.totals.Unsettled > 0 {
		return "failed, skipped or unsettled"
	}
	return "failed or skipped"
}

// legend explains the bars.
func (v view) legend() string {
	text := fmt.Sprintf("newest on the right, %s kept, %s %s", marks[markKept], marks[markDeleted], v.goneWord())
	if len(v.failed)+len(v.skipped) > 0 {
		text += fmt.Sprintf(", %s %s", marks[markLeft], v.leftWord())
	}
	return text
}

// noGroup is what stands for the name of a group that has none.
const noGroup = "no group"

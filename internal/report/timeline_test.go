package report

import (
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

func TestTimelineBar(t *testing.T) {
	t.Parallel()
	marked := map[rune]mark{'k': markKept, 'd': markDeleted, 'l': markLeft}
	for _, test := range []struct {
		name, images string
		cells        int
		want         string
	}{
		{"one each", "kdl", 3, "█░▒"},
		{"fewer than cells", "kd", 40, "█░"},
		{"two in a cell", "ddkd", 2, "░█"},
		{"kept wins over what is left", "lkdl", 2, "█▒"},
		{"one kept of many", strings.Repeat("d", 999) + "k", 4, "░░░█"},
		{"more in some cells than in others", "kkdddddd", 3, "█░░"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var line timeline
			for _, r := range test.images {
				line.images = append(line.images, build{mark: marked[r]})
			}
			if got := line.bar(test.cells); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// The order on a bar is that of time, whatever became of an image, and what has no date is at the old end.
func TestTimelineOrder(t *testing.T) {
	t.Parallel()
	f := repo("zdtest")
	undated := f.image(0, mib, "main-0")
	undated.Created = time.Time{}
	f.keep(undated).keep(f.image(3*day, mib, "main-2")).drop(f.image(day, mib, "main-3"), deleted)
	f.drop(f.image(4*day, mib, "main-1"), skipped("")).drop(f.image(2*day, mib, "main-4"), failed("500")).in("main", 0)
	f.keep(f.image(0, mib, "v1")).branch("old", 9*day, day, 1, 0, deleted).branch("b10", day, day, 1, 0, deleted).branch("b9", day, day, 1, 0, deleted)
	child := f.image(time.Hour, mib) // no build of its own
	child.Kind = oci.KindChild
	f.drop(child, failed("500"))
	var got []string
	for _, line := range newView(Summary{Started: started}, f.r).timelines() {
		got = append(got, line.group+" "+line.bar(maxCells))
	}
	if s, want := strings.Join(got, ", "), "b9 █, b10 █, main █▒█▒░, old █,  █"; s != want {
		t.Errorf("got %s, want %s", s, want)
	}
	if lines := newView(ordinary(), ordinary().Repositories[0]).timelines(); lines != nil {
		t.Errorf("got %v without groups", lines)
	}
}

package report

import (
	"fmt"
	"strings"
	"testing"
)

// At each limit, from none to more than enough, a block is whole and within it, and every row is there or counted.
func TestPageLimits(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{1, 2, 9, 120} {
		b := block{
			head: "<head>\n", columns: 2, rows: rows, tail: "<tail>\n",
			row: func(i int) string { return cells(fmt.Sprint("row ", i), "longer than the row that counts") },
		}
		var whole page
		whole.add(b, 1<<30)
		shown := 0
		for limit := range whole.Len() + 2 {
			var p page
			p.add(b, limit)
			text := p.String()
			if p.Len() > limit {
				t.Fatalf("%d rows, limit %d: got %d bytes: %q", rows, limit, p.Len(), text)
			}
			if text == "" {
				continue
			}
			there, left := strings.Count(text, "| row "), 0
			if _, rest, cut := strings.Cut(text, "| … "); cut {
				if _, err := fmt.Sscan(strings.ReplaceAll(rest, ",", ""), &left); err != nil {
					t.Fatal(err)
				}
			}
			if there+left != rows || !strings.HasPrefix(text, b.head) || !strings.HasSuffix(text, b.tail) {
				t.Fatalf("%d rows, limit %d: %d there and %d counted in %q", rows, limit, there, left, text)
			}
			if there < shown {
				t.Errorf("%d rows, limit %d: %d rows, a smaller limit had %d", rows, limit, there, shown)
			}
			shown = there
		}
		if shown != rows {
			t.Errorf("%d rows: %d are shown at the largest limit", rows, shown)
		}
	}
}

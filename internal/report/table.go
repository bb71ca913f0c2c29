package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
)

// TableOptions are the properties of what the table is written to. The zero value suits a file or a CI log.
type TableOptions struct {
	// Width is the number of columns of the terminal; 0 when unknown, and then lines are as long as they need to be.
	Width int
	// Plan is true when somebody is about to be asked whether to carry the summary out. It is that of a dry run by what it
	// says of the images, and is not called one.
	Plan bool
	// All is true when no row is left out.
	All bool
	// Color is true where the terminal shows colours.
	Color bool
}

// The table shows at most so many of each sort of rows and counts the others. JSON always has all of them.
const (
	maxFailed  = 20
	maxCauses  = 10
	maxSkipped = 3 // for each cause
	maxKept    = 50
	maxDoomed  = 10
	// maxDoomedOfSeveral is for each of several repositories, so that they do not fill screens.
	maxDoomedOfSeveral = 2
	maxNotes           = 10
	maxTags            = 3
	maxGhosts          = 10
)

// tableAtOnce is from how many bytes on what is laid out is written: 5,000 repositories have megabytes of lines.
const tableAtOnce = 64 << 10

// WriteTable writes the summary for people at a terminal or in a log: for each repository what was asked, why each
// image was kept or deleted, and what happened. Failures come first; long lists are cut and counted.
func WriteTable(w io.Writer, s Summary, o TableOptions) error {
	t := table{width: o.Width, plan: o.Plan, all: o.All, color: o.Color, doomed: maxDoomed}
	all := newSheet(s)
	several := len(all.views) != 1
	if several {
		t.doomed = maxDoomedOfSeveral
	}
	first := true
	for _, v := range all.views {
		if len(s.Explained) > 0 && s.explained(v.Name) == nil && v.Err == nil { // somebody asks for one image
			continue
		}
		if !first {
			t.line("")
		}
		first = false
		t.repository(v)
		last := v.verdict()
		if !several {
			last += took(s)
		}
		t.line(last)
		if h := v.hint(); h != "" && v.condition() != stopped {
			t.line("hint: " + h)
		}
		if t.Len() >= tableAtOnce {
			if err := write(w, "table", t.Bytes()); err != nil {
				return err
			}
			t.Reset()
		}
	}
	t.gc(all)
	t.shared(all)
	if several {
		if len(s.Repositories) > 0 {
			t.line("")
		}
		t.line(all.verdict() + took(s))
	}
	if a := s.alarm(); a != "" { // last, because a reader at a terminal sees the end
		t.line(a)
	}
	return write(w, "table", t.Bytes())
}

// took says which part of a run this was, and how long it took, when that is known.
func took(s Summary) string {
	text := s.Shard.note()
	if s.Elapsed > 0 {
		text += " · " + seconds(s.Elapsed)
	}
	return text
}

type table struct {
	doomed int // the most rows of deletions
	bytes.Buffer
	width int
	plan  bool // it is to be carried out
	all   bool // no row is left out
	color bool
	told  bool // where all rows are to be had
	names int  // the most columns of the names in a row; 0 is as many as they have
}

// most is how many rows of a sort are shown.
func (t *table) most(n int) int {
	if t.all {
		return math.MaxInt - 1
	}
	return n
}

func (t *table) line(text string) {
	t.WriteString(Wrap(strings.TrimRight(text, " "), t.width, gridGap))
	t.WriteByte('\n')
}

// repository writes everything of a repository but the last line.
func (t *table) repository(v view) {
	t.line(v.head(t.plan))
	if len(v.run.Explained) > 0 {
		t.explanation(v)
		if notes := v.notes(); notes != "" {
			t.WriteString("\n" + notes)
		}
		t.line("")
		return
	}
	before := t.Len()
	images := t.fittingRows(v)
	rows, history, notes := fit(grid(images, t.width, sizeColumn), t.width), fit(t.history(v), t.width), fit(v.notes(), t.width)
	if t.color {
		rows, notes = paint(rows), paint(notes)
	}
	for _, part := range []string{rows, history, notes} {
		if part != "" {
			t.WriteString("\n" + part)
		}
	}
	if t.Len() > before {
		t.line("")
	}
}

// head says what was asked. A plan that is to be carried out is not called a dry run.
func (v view) head(plan bool) string {
	asked := []string{}
	if policy := cmp.Or(v.Policy, v.run.Policy); policy != "" {
		asked = append(asked, Visible(policy))
	}
	if names := v.pushed(); len(names) > 0 {
		asked = append(asked, "just built "+tagList(names))
	}
	if v.run.DryRun && !plan {
		asked = append(asked, "dry run")
	}
	name := short(v.Name.String(), nameRunes)
	if len(asked) == 0 {
		return name
	}
	return name + ": " + strings.Join(asked, "; ")
}

// gc writes the section about the garbage collection.
func (t *table) gc(s sheet) {
	if s.GC == nil {
		return
	}
	if len(s.Repositories) > 0 {
		t.line("")
	}
	t.line("garbage collection: " + gcPlace(s.GC))
	if all := gcFacts(s.GC); len(all) > 0 {
		t.line("")
		for _, f := range all {
			t.line(fmt.Sprintf("  %-8s  %s", f.Name, f.Text))
		}
		t.line("")
	}
	if len(s.Repositories) > 0 {
		t.line(gcVerdict(s.GC))
	}
}

// history draws the groups of a repository; "" when there are none.
func (t *table) history(v view) string {
	h := v.history()
	if !v.grouped || len(h.lines) == 0 {
		return ""
	}
	rows := make([][]string, 0, len(h.lines)+1)
	names := tagRunes
	if t.width > 0 {
		names = min(names, max(minCells, t.width/4))
	}
	for _, line := range h.lines {
		rows = append(rows, []string{short(line.name, names), "", line.counts})
	}
	cells := maxCells
	if t.width > 0 { // the bars give way before the words do
		words := 0
		for _, r := range rows {
			words = max(words, textWidth(r[2])+len(gridGap))
		}
		cells = min(cells, max(minCells, lastWidth(rows, t.width)-words-len(gridGap)))
	}
	for i, line := range h.lines {
		rows[i][1] = line.bar(cells)
	}
	if h.more > 0 {
		rows = append(rows, []string{fmt.Sprintf("… %d more", h.more), "", h.rest})
	}
	return gridGap + "groups, " + v.legend() + "\n" + grid(rows, t.width)
}

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// sheet is a summary as the forms lay it out, with a view of each repository and the totals of all.
type sheet struct {
	Summary
	views []view
	total Totals
	// shared are the remarks on more than one repository, which no view has.
	shared []Warning
}

func newSheet(s Summary) sheet {
	out := sheet{Summary: s, total: s.Totals()}
	for _, w := range s.remarks() {
		if len(w.Repositories) > 1 {
			out.shared = append(out.shared, w)
		}
	}
	for _, r := range s.Repositories {
		v := newView(s, r)
		v.own = slices.DeleteFunc(v.own, func(text string) bool {
			return slices.ContainsFunc(out.shared, func(w Warning) bool { return w.Text == text })
		})
		out.views = append(out.views, v)
	}
	return out
}

// bySize are the indexes of the repositories that have rows of images, those with the fewest first.
func (s sheet) bySize() []int {
	var out []int
	for i, v := range s.views {
		if v.rows() > 0 {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(s.views[a].rows(), s.views[b].rows()) })
	return out
}

// spread shares a budget among repositories, which must be sorted by size: each gets an even part of what is left, so that
// large ones get what small ones do not need. lay says how much of its part a repository has used.
func spread(sorted []int, budget int, lay func(i, part int) (used int)) {
	for done, i := range sorted {
		budget -= lay(i, budget/(len(sorted)-done))
	}
}

// view is a repository with its decisions sorted into what a reader looks for, each in the plan's order. Children and
// attachments are not listed, only counted; failed and unsettled ones are listed, because a failure is never hidden.
type view struct {
	Outcome
	totals Totals

	failed  []entry // and unsettled ones
	skipped []entry // not tried or spared, while the rest was executed
	kept    []entry
	doomed  []entry // deleted, gone, planned; and when a guard refused the plan, all it would have deleted

	keptParts, doomedParts, skippedParts parts
	grouped                              bool // an image is in a group

	own []string // remarks on this repository

	run   Summary
	sizer sizer
}

// entry is a decision and what became of it.
type entry struct {
	*retain.Decision
	status   prune.Status
	detail   string
	troubled bool // it should have been deleted, and was not
}

func newView(s Summary, r Outcome) view {
	v := view{Outcome: r, totals: r.Totals(), run: s}
	for _, text := range r.remarks() {
		if !slices.Contains(v.own, text) {
			v.own = append(v.own, text)
		}
	}
	if r.Plan == nil {
		return v
	}
	v.sizer = newSizer(r.Plan)
	refused := len(r.Plan.Refusals) > 0
	for i := range r.Plan.Decisions {
		d := &r.Plan.Decisions[i]
		e := entry{Decision: d, status: r.status(d), detail: r.Outcomes[d.Image.Digest].Detail}
		failed := e.status == prune.Failed || e.status == prune.Unsettled
		e.troubled = failed || e.status == prune.Retained || e.status == prune.Skipped && !refused
		v.grouped = v.grouped || d.Group != ""
		if staysUntagged(d) { // a remark counts them
			continue
		}
		list, folded := &v.doomed, &v.doomedParts
		switch {
		case failed:
			v.failed = append(v.failed, e)
			continue
		case e.status == kept:
			list, folded = &v.kept, &v.keptParts
		case e.troubled:
			list, folded = &v.skipped, &v.skippedParts
		}
		if counted(d.Image) {
			*list = append(*list, e)
		} else {
			folded.add(d.Image)
		}
	}
	return v
}

// rows is how many rows of images the repository can have.
func (v view) rows() int { return len(v.kept) + len(v.doomed) + len(v.skipped) }

// gone are the images that a form folds away: those that went, and those that were skipped.
func (v view) gone() []entry { return slices.Concat(v.doomed, v.skipped) }

// why joins the reasons of a decision, after what went wrong with it.
func (e entry) why() string {
	var out []string
	if e.troubled {
		out = append(out, e.trouble())
	}
	if counted(e.Image) {
		out = append(out, e.reasons())
	}
	return strings.Join(out, " · ")
}

// reasons joins the reasons of a decision.
func (e entry) reasons() string {
	var out []string
	for _, r := range e.Reasons {
		if r.Detail == "" {
			r.Detail = string(r.Rule)
		}
		out = append(out, r.Detail)
	}
	return strings.Join(out, " · ")
}

// trouble says why a deletion failed, was skipped or is unsettled.
func (e entry) trouble() string {
	text := e.detail
	if text == "" {
		text = "no cause is known"
	}
	if !counted(e.Image) {
		text = string(e.Image.Kind) + ": " + text
	}
	return text
}

// byCause groups entries by what went wrong, in the order of the first of each group. After a cancel there is one.
func byCause(entries []entry) [][]entry {
	var out [][]entry
	place := map[string]int{}
	for _, e := range entries {
		cause := e.trouble()
		i, ok := place[cause]
		if !ok {
			i = len(out)
			place[cause], out = i, append(out, nil)
		}
		out[i] = append(out[i], e)
	}
	return out
}

// parts counts what is folded away.
type parts struct{ children, attachments, placeholders int }

func (p *parts) add(i oci.Image) {
	switch i.Kind {
	case oci.KindChild:
		p.children++
	case oci.KindPlaceholder:
		p.placeholders++
	default:
		p.attachments++
	}
}

func (p parts) plus(q parts) parts {
	return parts{p.children + q.children, p.attachments + q.attachments, p.placeholders + q.placeholders}
}

func (p parts) all() int { return p.children + p.attachments + p.placeholders }

// String names the kinds, as in "8 children of indexes, 4 attachments such as signatures".
func (p parts) String() string {
	var out []string
	if p.children > 0 {
		out = append(out, plural(p.children, "child of an index", "children of indexes"))
	}
	if p.attachments > 0 {
		out = append(out, plural(p.attachments, "attachment such as a signature", "attachments such as signatures"))
	}
	if p.placeholders > 0 {
		out = append(out, plural(p.placeholders, "placeholder of an interrupted run", "placeholders of interrupted runs"))
	}
	return strings.Join(out, ", ")
}

// ages says how old the entries are, as in "6 hours to 214 days old, 3 without a date".
func (v view) ages(entries []entry) string {
	var youngest, oldest time.Duration
	dated := 0
	for _, e := range entries {
		if e.Image.Created.IsZero() {
			continue
		}
		a := max(0, v.run.Started.Sub(e.Image.Created))
		if dated++; dated == 1 {
			youngest, oldest = a, a
		}
		youngest, oldest = min(youngest, a), max(oldest, a)
	}
	if dated == 0 {
		return "without a date"
	}
	text := between(youngest, oldest) + " old"
	if undated := len(entries) - dated; undated > 0 {
		text += fmt.Sprintf(", %d without a date", undated)
	}
	return text
}

// between says a range of ages, as in "2 to 39 days".
func between(youngest, oldest time.Duration) string {
	from, to := retain.Elapsed(youngest), retain.Elapsed(oldest)
	if from == to {
		return to
	}
	n, unit, _ := strings.Cut(from, " ")
	if _, other, _ := strings.Cut(to, " "); strings.TrimSuffix(unit, "s") == strings.TrimSuffix(other, "s") {
		from = n
	}
	return from + " to " + to
}

// plural says a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// cut returns the first items up to a limit, and how many it left out. It never leaves out a single one: its line is not
// longer than the line that would count it.
func cut[T any](items []T, limit int) ([]T, int) {
	if len(items) <= limit+1 {
		return items, 0
	}
	return items[:limit], len(items) - limit
}

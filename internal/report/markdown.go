package report

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// ErrBudget is returned by [WriteMarkdown] when not even the first line fits into the budget.
var ErrBudget = errors.New("no room is left for the report")

// WriteMarkdown writes the summary in GitHub Flavored Markdown, for job summaries: the verdict, a picture where the CI system
// draws one, a row for each repository, what needs attention, then for each repository the kept images with reasons and, folded, the deleted ones.
//
// The text is never longer than budget bytes. Whole rows are left out and counted, from the end of this order; the
// numbers are always those of the whole run. When not even the verdict fits, it writes nothing and returns [ErrBudget].
func WriteMarkdown(w io.Writer, s Summary, budget int) error {
	m := markdown{sheet: newSheet(s), budget: budget}
	if !m.verdictLine() {
		return ErrBudget
	}
	problems := m.problems()
	limit := budget
	if len(problems) > 0 {
		limit = portion(m.page.Len(), budget, 2, 3)
	}
	m.gc()
	m.page.line(m.picture(), limit)
	m.page.add(m.overview(), limit)
	if len(problems) > 0 {
		m.page.add(block{
			head: "\n**Needs attention**\n\n" + tableHead("what", "repository", "image", "why"),
			rows: len(problems), columns: 4, row: func(i int) string { return problems[i].row() },
		}, portion(m.page.Len(), budget, 3, 4))
	}
	m.sections()
	return write(w, "Markdown report", m.page.Bytes())
}

// portion is the limit that leaves a part of the budget to what comes later.
func portion(used, budget, of, parts int) int { return used + (budget-used)/parts*of }

// markdown is a report on its way.
type markdown struct {
	sheet
	page   page
	budget int
}

// verdictLine writes the first line and what was asked.
func (m *markdown) verdictLine() bool {
	name, verdict := m.headline()
	text := markdownText(verdict) + m.early()
	if name != "" {
		text = markdownCode(clip(name, nameRunes)) + ": " + text
	}
	if a := m.alarm(); a != "" {
		text = markdownText(a) + " · " + text
	}
	text = "### " + text + took(m.Summary) + "\n"
	if len(text) > m.budget {
		return false
	}
	m.page.WriteString(text)
	var asked []string
	if m.DryRun {
		asked = append(asked, "**dry run**, nothing was deleted")
	}
	if policy := m.policy(); policy != "" {
		asked = append(asked, "policy: "+markdownText(long(policy)))
	}
	if len(asked) > 0 {
		m.page.line("\n"+strings.Join(asked, "; ")+"\n", m.budget)
	}
	return true
}

// overview is one row for each repository, and the totals of several.
func (m *markdown) overview() block {
	deleted := "deleted"
	if m.DryRun {
		deleted = "would delete"
	}
	b := block{
		head:    "\n" + tableHead("repository", "kept:", deleted+":", "failed:", "unreferenced:", "note"),
		columns: 6,
		rows:    len(m.Repositories),
		row: func(i int) string {
			v := m.views[i]
			return overviewRow(v.markdownName(), v.totals, v.note(markdownStrong, markdownTags))
		},
	}
	if len(m.Repositories) > 1 {
		b.tail = overviewRow("**total**", m.total, "") + "\n"
	}
	return b
}

func overviewRow(name string, t Totals, note string) string {
	bytes := size(t.UniqueBytes)
	if t.Unmeasured && t.UniqueBytes == 0 {
		bytes = "-"
	}
	return cells(name, strconv.Itoa(t.Kept), strconv.Itoa(t.Deleted+t.Planned), strconv.Itoa(t.Failed), bytes, note)
}

func markdownStrong(text string) string { return "**" + text + "**" }

// gc writes the section about the garbage collection.
func (m *markdown) gc() {
	if m.GC == nil {
		return
	}
	var b strings.Builder
	b.WriteString("\n**" + markdownText(gcVerdict(m.GC)) + "** · " + markdownText(gcPlace(m.GC)) + "\n")
	if all := gcFacts(m.GC); len(all) > 0 {
		b.WriteString("\n" + tableHead("garbage collection", ""))
		for _, f := range all {
			b.WriteString(cells(f.Name, markdownText(f.Text)) + "\n")
		}
	}
	m.page.line(b.String(), m.budget)
}

// row is the problem as a row of a table.
func (p problem) row() string {
	image := p.count
	if p.image != "" {
		image = markdownCode(clip(p.image, nameRunes))
	}
	where := p.where(func(r oci.Repository) string { return markdownCode(clip(r.String(), nameRunes)) })
	return cells(markdownStrong(p.what), where, image, p.reason())
}

// reason is the last cell of the row.
func (p problem) reason() string {
	if p.hint == "" {
		return markdownCode(p.why)
	}
	return markdownCode(p.why) + " · hint: " + markdownText(p.hint)
}

// sections writes the images of each repository in the room that is left.
func (m *markdown) sections() {
	sorted := m.bySize()
	texts := make([]string, len(m.views))
	missing := 0
	spread(sorted, m.budget-m.page.Len()-len(omitted(len(sorted))), func(i, limit int) int {
		if texts[i] = m.section(m.views[i], limit); texts[i] == "" {
			missing++
		}
		return len(texts[i])
	})
	for _, text := range texts {
		m.page.WriteString(text)
	}
	if missing > 0 {
		m.page.line(omitted(missing), m.budget)
	}
}

// omitted counts the repositories that have no room for a section.
func omitted(n int) string {
	return "\n… the images of " + grouped(n) + " more repositories: `--report x.json`\n"
}

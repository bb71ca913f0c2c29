package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// ErrBudget is returned by [WriteMarkdown] when not even the first line fits into the budget.
var ErrBudget = errors.New("no room is left for the report")

// WriteMarkdown writes the summary in GitHub Flavored Markdown, for job summaries: the verdict, a row for each
// repository, what needs attention, then for each repository the kept images with reasons and, folded, the deleted ones.
//
// The text is never longer than budget bytes. Whole rows are left out and counted, from the end of this order; the
// numbers are always those of the whole run. When not even the verdict fits, it writes nothing and returns [ErrBudget].
func WriteMarkdown(w io.Writer, s Summary, budget int) error {
	m := markdown{Summary: s, total: s.Totals(), budget: budget}
	for _, r := range s.Repositories {
		m.views = append(m.views, newView(r, s.Started))
	}
	if !m.verdictLine() {
		return ErrBudget
	}
	problems := m.problems()
	limit := budget
	if len(problems) > 0 {
		limit = portion(m.page.Len(), budget, 2, 3)
	}
	m.collection()
	m.page.add(m.overview(), limit)
	if len(problems) > 0 {
		m.page.add(block{
			head: "\n**Needs attention**\n\n" + tableHead("what", "repository", "image", "why"),
			rows: len(problems), columns: 4, row: func(i int) string { return problems[i].row() },
		}, portion(m.page.Len(), budget, 3, 4))
	}
	m.sections()
	if _, err := w.Write(m.page.Bytes()); err != nil {
		return fmt.Errorf("write Markdown report: %w", err)
	}
	return nil
}

// portion is the limit that leaves a part of the budget to what comes later.
func portion(used, budget, of, parts int) int { return used + (budget-used)/parts*of }

// markdown is a report on its way.
type markdown struct {
	Summary
	total  Totals
	views  []view // one for each repository
	page   page
	budget int
}

// verdictLine writes the first line and what was asked.
func (m *markdown) verdictLine() bool {
	text := markdownText(m.verdict(m.total))
	if len(m.Repositories) == 1 {
		v := m.views[0]
		text = markdownCode(clip(v.Name.String(), nameRunes)) + ": " + markdownText(v.verdict(m.Summary))
		if v.condition() == stopped {
			text += " · stopped early"
		}
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
	policy := m.Policy
	if len(m.Repositories) == 1 {
		policy = cmp.Or(m.Repositories[0].Policy, policy)
	}
	if policy != "" {
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
			return overviewRow(markdownCode(clip(v.Name.String(), nameRunes)), v.totals, v.note())
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

// note is what the numbers of a row do not say; why is told below the table.
func (v view) note() string {
	var out []string
	switch v.condition() {
	case unread:
		return "**not read**"
	case refused:
		out = append(out, "**refused**")
	case stopped:
		out = append(out, "**stopped early**")
	}
	if n := v.totals.Gone; n > 0 {
		out = append(out, fmt.Sprintf("%d already gone", n))
	}
	if n := v.totals.Skipped; n > 0 {
		out = append(out, fmt.Sprintf("%d skipped", n))
	}
	if len(v.Plan.Decisions) == 0 {
		out = append(out, "empty")
	}
	if names := v.pushed(); len(names) > 0 {
		out = append(out, "just built "+markdownTags(names))
	}
	return strings.Join(out, " · ")
}

// sections writes the images of each repository. A repository gets an even share of the room that is left, and what
// small ones do not need goes to large ones: they are laid out from the smallest to the largest, and then put in order.
func (m *markdown) sections() {
	var order []int
	for i, v := range m.views {
		if len(v.kept)+len(v.doomed)+len(v.skipped) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(len(m.Repositories[a].Plan.Decisions), len(m.Repositories[b].Plan.Decisions))
	})
	left := m.budget - m.page.Len() - len(omitted(len(order)))
	texts := make([]string, len(m.views))
	missing := 0
	for done, i := range order {
		texts[i] = m.section(m.views[i], left/(len(order)-done))
		left -= len(texts[i])
		if texts[i] == "" {
			missing++
		}
	}
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

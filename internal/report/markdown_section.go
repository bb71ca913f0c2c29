package report

import (
	"fmt"
	"strings"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// section is the images of one repository in at most limit bytes; "" when that is too little for anything.
func (m *markdown) section(v view, limit int) string {
	var p page
	if len(m.Repositories) > 1 {
		p.line("\n#### "+v.markdownName()+"\n", limit)
		if v.Policy != "" && v.Policy != m.Policy {
			p.line("\npolicy: "+markdownText(long(v.Policy))+"\n", limit)
		}
	}
	if len(m.Explained) > 0 {
		p.line(m.explanation(v), limit)
		return p.String()
	}
	before := p.Len()
	if method := v.method(); method != "" {
		p.line("\nmethod: "+markdownText(method)+"\n", limit)
	}
	p.add(v.historyBlock(), portion(before, limit, 1, 4))
	gone := v.gone()
	keepLimit := limit
	if len(gone) > 0 {
		keepLimit = portion(p.Len(), limit, 2, 3)
	}
	kept := m.images(v, v.kept, "kept")
	kept.head, kept.tail = "\n"+kept.head, partsRow(v.keptParts, kept.columns)
	p.add(kept, keepLimit)
	if len(gone) > 0 {
		folded := m.images(v, gone, "image", "outcome")
		folded.head = fmt.Sprintf("\n<details><summary>%s, %s</summary>\n\n", v.foldTitle(len(gone)), v.ages(gone)) + folded.head
		folded.tail = partsRow(v.doomedParts.plus(v.skippedParts), folded.columns) + "\n</details>\n"
		p.add(folded, limit)
	}
	if p.Len() == before {
		return ""
	}
	return p.String()
}

// images is a table of images. The columns named first are the image and, if there is a second, what became of it; a
// column of groups follows only when there are groups.
func (m *markdown) images(v view, entries []entry, columns ...string) block {
	outcome := len(columns) > 1
	if v.grouped {
		columns = append(columns, "group")
	}
	columns = append(columns, "age:", "size:", "why")
	return block{head: tableHead(columns...), columns: len(columns), rows: len(entries), row: func(i int) string {
		e := entries[i]
		row := []string{markdownNames(e)}
		if outcome {
			row = append(row, outcomeWord(e.status))
		}
		if v.grouped {
			row = append(row, markdownTags(e.Groups()))
		}
		return cells(append(row, age(e.Image, m.Started), v.sizer.text(e.Image), markdownText(clip(e.reasons(), 2*textRunes)))...)
	}}
}

// foldTitle says what a reader finds in the folded list.
func (v view) foldTitle(n int) string {
	t := v.totals
	switch {
	case v.run.DryRun:
		return plural(n, "image", "images") + " would be deleted"
	case v.condition() == refused:
		return plural(n, "image", "images") + " would have been deleted"
	case t.Skipped == 0:
		return plural(n, "image", "images") + " deleted"
	}
	return fmt.Sprintf("%s deleted, %d skipped", plural(t.Deleted+t.Gone, "image", "images"), t.Skipped)
}

func outcomeWord(s prune.Status) string {
	switch s {
	case prune.Planned:
		return "would be deleted"
	case prune.Gone:
		return "already gone"
	}
	return markdownText(string(s))
}

// partsRow counts what is folded into the images of a table.
func partsRow(p parts, columns int) string {
	n := p.all()
	if n == 0 {
		return ""
	}
	return "| and " + plural(n, "part", "parts") + strings.Repeat(" |", columns-1) + " " + p.String() + " |\n"
}

// markdownNames is how a row calls its image.
func markdownNames(e entry) string {
	if len(e.Image.Tags) == 0 {
		return markdownCode(retain.ShortDigest(e.Image.Digest))
	}
	return markdownTags(e.Image.Tags)
}

// maxMarkdownTags bounds the tags of one image, which can have thousands.
const maxMarkdownTags = 10

func markdownTags(tags []string) string {
	shown, more := cut(tags, maxMarkdownTags)
	out := make([]string, 0, len(shown))
	for _, tag := range shown {
		out = append(out, markdownCode(clip(tag, nameRunes)))
	}
	text := strings.Join(out, " ")
	if more > 0 {
		text += fmt.Sprintf(" … +%d", more)
	}
	return text
}

// historyBlock is the history of a repository as a table.
func (v view) historyBlock() block {
	h := v.history()
	b := block{
		head:    "\n" + tableHead(h.title, v.legend(), "images"),
		columns: 3,
		rows:    len(h.lines),
		row: func(i int) string {
			name := markdownText(h.lines[i].name)
			if h.lines[i].quoted {
				name = markdownCode(h.lines[i].name)
			}
			return cells(name, "`"+h.lines[i].bar(maxCells)+"`", h.lines[i].counts)
		},
	}
	if h.more > 0 {
		b.tail = cells(fmt.Sprintf("… %d more", h.more), "", h.rest) + "\n"
	}
	return b
}

package report

import (
	"fmt"
	"strings"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// The rows of a repository say what became of an image, its name, its groups, age and size, and why.
const (
	nameColumn  = 1
	groupColumn = 2
	sizeColumn  = 4
)

// rows are the rows of a repository: first what went wrong, then what stays, then what goes.
func (t *table) rows(v view) [][]string {
	out := t.list(v, v.failed, t.most(maxFailed))
	causes, more := cut(byCause(v.skipped), t.most(maxCauses))
	for _, group := range causes {
		out = append(out, t.list(v, group, t.most(maxSkipped))...)
	}
	if more > 0 {
		out = append(out, []string{"skipped", "…", "", "", "", fmt.Sprintf("others, for %d more causes", more)})
	}
	out = append(out, partsLine("skipped", v.skippedParts)...)
	out = append(out, t.list(v, v.kept, t.most(maxKept))...)
	out = append(out, partsLine("keep", v.keptParts)...)
	out = append(out, t.list(v, v.doomed, t.most(t.doomed))...)
	if len(v.doomed) > 0 {
		out = append(out, partsLine(commonWord(v.doomed), v.doomedParts)...)
	}
	return out
}

// list is a row for each of the first entries, and one that counts the rest.
func (t *table) list(v view, entries []entry, limit int) [][]string {
	var out [][]string
	shown, left := cut(entries, limit)
	for _, e := range shown {
		out = append(out, []string{rowWord(e.status), t.namesOf(e), groupList(e), age(e.Image, v.run.Started), v.sizer.text(e.Image), long(e.why())})
	}
	if left == 0 {
		return out
	}
	rest := entries[len(shown):]
	text := fmt.Sprintf("%d more %s, %s%s", left, things(rest), v.ages(rest), t.whereAll())
	return append(out, []string{commonWord(rest), rangeOf(rest), "", "", "", text})
}

// rangeGap stands between the first and the last image of a row about several.
const rangeGap = " … "

// narrowRanges leaves out the names of rows about several images where they are wider than those of all others: the column
// takes its room from the reasons.
func narrowRanges(rows [][]string) {
	widest := 0
	for _, r := range rows {
		if !strings.Contains(r[nameColumn], rangeGap) {
			widest = max(widest, textWidth(r[nameColumn]))
		}
	}
	for _, r := range rows {
		if strings.Contains(r[nameColumn], rangeGap) && r[sizeColumn] == "" && textWidth(r[nameColumn]) > max(widest, len(rangeGap)) {
			r[nameColumn] = "…"
		}
	}
}

// things is what the entries are called together.
func things(entries []entry) string {
	for _, e := range entries {
		if !counted(e.Image) {
			return "manifests"
		}
	}
	return "images"
}

// partsLine counts the parts of the images above it.
func partsLine(word string, p parts) [][]string {
	if p.all() == 0 {
		return nil
	}
	return [][]string{{word, "and " + plural(p.all(), "part", "parts"), "", "", "", p.String()}}
}

// whereAll tells, once in a table, where the rows are that it leaves out.
func (t *table) whereAll() string {
	if t.told {
		return ""
	}
	t.told = true
	return " (all of them: --all)"
}

// rowWord is the first word of a row.
func rowWord(s prune.Status) string {
	switch s {
	case kept:
		return "keep"
	case prune.Deleted, prune.Planned:
		return "delete"
	}
	return string(s)
}

// commonWord is the first word of a row about several; images that were gone already count as deleted there.
func commonWord(entries []entry) string {
	for _, e := range entries {
		if e.status != entries[0].status {
			return rowWord(prune.Deleted)
		}
	}
	return rowWord(entries[0].status)
}

// names is how a row calls its image: by its tags, else by its digest.
func names(e entry) string {
	if len(e.Image.Tags) == 0 {
		return Visible(retain.ShortDigest(e.Image.Digest))
	}
	return tagList(e.Image.Tags)
}

// namesOf is [names] in the columns that rows have for them.
func (t *table) namesOf(e entry) string {
	if len(e.Image.Tags) == 0 {
		return names(e)
	}
	return tagsIn(e.Image.Tags, t.names)
}

// tagList joins tags, and cuts a long list as "1, 2, 3 … +17".
func tagList(tags []string) string {
	shown, more := cut(tags, maxTags)
	out := make([]string, 0, len(shown))
	for _, tag := range shown {
		out = append(out, short(tag, tagRunes))
	}
	text := strings.Join(out, ", ")
	if more > 0 {
		text += fmt.Sprintf(" … +%d", more)
	}
	return text
}

// groupList is how a row calls the groups of its image.
func groupList(e entry) string { return tagList(e.Groups()) }

// rangeOf names the first and the last of the entries.
func rangeOf(entries []entry) string {
	return short(retain.Name(entries[0].Image), tagRunes) + rangeGap + short(retain.Name(entries[len(entries)-1].Image), tagRunes)
}

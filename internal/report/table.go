package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// TableOptions are the properties of what the table is written to. The zero value suits a file or a CI log.
type TableOptions struct {
	// Width is the number of columns of the terminal; 0 when unknown, and then lines are as long as they need to be.
	Width int
}

// The table shows at most so many of each sort of rows and counts the others. JSON always has all of them.
const (
	mostFailed  = 20
	mostCauses  = 10
	mostSkipped = 3 // for each cause
	mostKept    = 50
	mostDoomed  = 10
	fewDoomed   = 2 // for each of several repositories: what they have in common fills no screens
	mostNotes   = 10
	mostTags    = 3
	mostGhosts  = 10
)

// WriteTable writes the summary for people at a terminal or in a log: for each repository what was asked, why each
// image was kept or deleted, and what happened. Failures come first; long lists are cut and counted.
func WriteTable(w io.Writer, s Summary, o TableOptions) error {
	t := table{width: o.Width, doomed: mostDoomed}
	several := len(s.Repositories) != 1
	if several {
		t.doomed = fewDoomed
	}
	for i, r := range s.Repositories {
		if i > 0 {
			t.line("")
		}
		v := newView(r, s.Started)
		if err := t.repository(s, v); err != nil {
			return err
		}
		last := v.verdict(s)
		if !several {
			last += took(s)
		}
		t.line(last)
	}
	t.collection(s)
	if several {
		if len(s.Repositories) > 0 {
			t.line("")
		}
		t.line(s.verdict(s.Totals()) + took(s))
	}
	if _, err := w.Write(t.Bytes()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
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
	told  bool // where all rows are to be had
}

func (t *table) line(text string) {
	t.WriteString(wrap(strings.TrimRight(text, " "), t.width))
	t.WriteByte('\n')
}

// wrap breaks a line between words where a terminal of that width would break it within one. What follows is indented. A
// word that is longer than a line stays whole: it is a name that somebody wants to copy.
func wrap(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	const indent = "  "
	var b strings.Builder
	used, begun := 0, false // the line, and whether it has a word
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case begun && used+1+n > width:
			b.WriteString("\n" + indent)
			used, begun = len(indent), false
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used, begun = used+n, begun || n > 0
	}
	return b.String()
}

// repository writes everything of a repository but the last line.
func (t *table) repository(s Summary, v view) error {
	t.line(head(s, v.Repository))
	before := t.Len()
	images := t.rows(v)
	if t.width > 0 && len(images) > 0 && lastWidth(images, t.width)-len(gridGap) < leastWhy {
		for _, r := range images { // the reasons and the timeline name the groups too
			r[groupColumn] = ""
		}
	}
	rows, err := grid(images, t.width, sizeColumn)
	if err != nil {
		return err
	}
	timeline, err := t.timeline(v, s.DryRun)
	if err != nil {
		return err
	}
	for _, part := range []string{rows, timeline, notes(v.Repository)} {
		if part != "" {
			t.WriteString("\n" + part)
		}
	}
	if t.Len() > before {
		t.line("")
	}
	return nil
}

// head says what was asked.
func head(s Summary, r Repository) string {
	asked := []string{}
	if policy := cmp.Or(r.Policy, s.Policy); policy != "" {
		asked = append(asked, Visible(policy))
	}
	if names := r.pushed(); len(names) > 0 {
		asked = append(asked, "just built "+tagList(names))
	}
	if s.DryRun {
		asked = append(asked, "dry run")
	}
	name := short(r.Name.String(), nameRunes)
	if len(asked) == 0 {
		return name
	}
	return name + ": " + strings.Join(asked, "; ")
}

// The rows of a repository say what became of an image, its name, its groups, age and size, and why.
const (
	groupColumn = 2
	sizeColumn  = 4
)

// rows are the rows of a repository: first what went wrong, then what stays, then what goes.
func (t *table) rows(v view) [][]string {
	out := t.list(v, v.failed, mostFailed)
	causes, more := cut(byCause(v.skipped), mostCauses)
	for _, group := range causes {
		out = append(out, t.list(v, group, mostSkipped)...)
	}
	if more > 0 {
		out = append(out, []string{"skipped", "…", "", "", "", fmt.Sprintf("others, for %d more causes", more)})
	}
	out = append(out, partsLine("skipped", v.skippedParts)...)
	out = append(out, t.list(v, v.kept, mostKept)...)
	out = append(out, partsLine("keep", v.keptParts)...)
	out = append(out, t.list(v, v.doomed, t.doomed)...)
	if len(v.doomed) > 0 {
		out = append(out, partsLine(commonWord(v.doomed), v.doomedParts)...)
	}
	return out
}

// list is a row for each of the first entries, and one that counts the rest.
func (t *table) list(v view, entries []entry, most int) [][]string {
	var out [][]string
	shown, left := cut(entries, most)
	for _, e := range shown {
		out = append(out, []string{rowWord(e.status), names(e), groupList(e), age(e.Image, v.started), v.sizer.text(e.Image), long(e.why())})
	}
	if left == 0 {
		return out
	}
	rest := entries[len(shown):]
	text := fmt.Sprintf("%d more %s, %s%s", left, things(rest), v.ages(rest), t.whereAll())
	return append(out, []string{commonWord(rest), rangeOf(rest), "", "", "", text})
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
	return " (all of them: --report x.json)"
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

// tagList joins tags, and cuts a long list as "1, 2, 3 … +17".
func tagList(tags []string) string {
	shown, more := cut(tags, mostTags)
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
	return short(retain.Name(entries[0].Image), tagRunes) + " … " + short(retain.Name(entries[len(entries)-1].Image), tagRunes)
}

// notes are what concerns the repository as a whole.
func notes(r Repository) string {
	var b strings.Builder
	if r.condition() == stopped {
		fmt.Fprintf(&b, "  stopped: %s\n", r.objection())
	}
	if h := r.hint(); h != "" {
		fmt.Fprintf(&b, "  hint: %s\n", h)
	}
	if r.Plan != nil && len(r.Plan.Ghosts) > 0 {
		ghosts, more := cut(r.Plan.Ghosts, mostGhosts)
		out := make([]string, 0, len(ghosts))
		for _, g := range ghosts {
			out = append(out, short(g, tagRunes))
		}
		fmt.Fprintf(&b, "  %s: %s", plural(len(r.Plan.Ghosts), "ghost tag, listed without a manifest", "ghost tags, listed without a manifest"), strings.Join(out, ", "))
		if more > 0 {
			fmt.Fprintf(&b, " … +%d", more)
		}
		b.WriteByte('\n')
	}
	warnings, more := cut(r.remarks(), mostNotes)
	for _, text := range warnings {
		fmt.Fprintf(&b, "  warning: %s\n", long(text))
	}
	if more > 0 {
		fmt.Fprintf(&b, "  warning: %d more\n", more)
	}
	return b.String()
}

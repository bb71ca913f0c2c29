package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/internal/rank"
)

// The columns of a ranking's table. The bar is the last, because it takes the room that is left.
const (
	rankName = iota
	rankOwn
	rankShare
	rankShared
	rankTags
	rankManifests
	rankUntagged
	rankBlobs
	rankBuilt
	rankBar
	rankColumns
)

// expendable are the columns that go, in this order, when a terminal has no room for a bar next to them.
var expendable = []int{rankBlobs, rankShared, rankTags, rankBuilt, rankManifests, rankUntagged}

const (
	maxBar  = 40
	minBar  = 8
	freeBar = 20 // where nothing is known of the width
	// minName is the narrowest that a terminal makes of a repository's name.
	minName = 24
)

// table lays the ranking out for a terminal or a log.
func (s standings) table(width int) string {
	var b strings.Builder
	b.WriteString(Wrap(fmt.Sprintf("%s: %s", short(s.Asked, nameRunes), s.asked()), width, gridGap) + "\n")
	if len(s.top) > 0 {
		b.WriteString("\n" + grid(s.rows(width), width, rankOwn, rankShare, rankShared, rankTags, rankManifests, rankUntagged, rankBlobs))
	}
	if notes := s.notes(); notes != "" {
		b.WriteString("\n" + fit(notes, width))
	}
	b.WriteString("\n" + Wrap(s.verdict(), width, gridGap) + "\n")
	return b.String()
}

// rows are the head, a row for each repository at the top, and one for the rest.
func (s standings) rows(width int) [][]string {
	names := nameRunes
	if width > 0 {
		names = max(minName, width/3)
	}
	rows := [][]string{{
		rankName: "repository", rankOwn: "own", rankShare: "share", rankShared: "shared", rankTags: "tags",
		rankManifests: "manifests", rankUntagged: "untagged", rankBlobs: "blobs", rankBuilt: "built", rankBar: "",
	}}
	for _, r := range s.top {
		row := s.row(r, short(r.Path, names))
		row[rankShared], row[rankBlobs], row[rankBuilt] = size(r.Shared), strconv.Itoa(r.Blobs), s.built(r)
		rows = append(rows, row)
	}
	if len(s.rest) > 0 {
		rows = append(rows, s.row(sum(s.rest), fmt.Sprintf("… %d more", len(s.rest))))
	}
	if !s.bytes() {
		blank(rows, rankOwn, rankShared, rankTags, rankBuilt)
	}
	if !s.KnowsUntagged {
		blank(rows, rankUntagged)
	}
	cells := freeBar
	if width > 0 {
		cells = roomForBar(rows, width)
	}
	for i, r := range s.top {
		rows[i+1][rankBar] = s.bar(s.weight(r), cells)
	}
	return rows
}

// row has what can be added up: a blob that several share would be in the sum several times.
func (s standings) row(r rank.Row, name string) []string {
	row := make([]string, rankColumns)
	row[rankName], row[rankOwn], row[rankShare] = name, size(r.Own), s.share(s.weight(r))
	row[rankTags], row[rankManifests], row[rankUntagged] = strconv.Itoa(r.Tags), strconv.Itoa(r.Manifests), strconv.Itoa(r.Untagged)
	return row
}

// sum adds up what can be.
func sum(repositories []rank.Row) rank.Row {
	var out rank.Row
	for _, r := range repositories {
		out.Own += r.Own
		out.Tags += r.Tags
		out.Manifests += r.Manifests
		out.Untagged += r.Untagged
	}
	return out
}

// blank empties columns.
func blank(rows [][]string, columns ...int) {
	for _, r := range rows {
		for _, c := range columns {
			r[c] = ""
		}
	}
}

// roomForBar empties columns until a bar has room, and returns how many cells that are; 0 when there is none.
func roomForBar(rows [][]string, width int) int {
	for _, column := range slices.Concat([]int{rankBar}, expendable) {
		blank(rows, column)
		if room := lastWidth(rows, width) - len(gridGap); room >= minBar {
			return min(room, maxBar)
		}
	}
	return 0
}

// notes are the repositories that are in no number.
func (s standings) notes() string {
	var b strings.Builder
	unread, more := cut(s.Unread, maxNotes)
	for _, u := range unread {
		fmt.Fprintf(&b, "  not read: %s: %s\n", short(u.Path, nameRunes), long(u.Err.Error()))
	}
	if more > 0 {
		fmt.Fprintf(&b, "  not read: %d more\n", more)
	}
	if gone := s.goneNote(); gone != "" {
		fmt.Fprintf(&b, "  %s\n", gone)
	}
	for _, text := range s.together() {
		fmt.Fprintf(&b, "  %s\n", text)
	}
	if n := s.Log.Earlier; n > 0 {
		fmt.Fprintf(&b, "  %s\n", earlier(n))
	}
	return b.String()
}

// maxTogether is how many sets of repositories that share something are named.
const maxTogether = 5

// together says what few repositories share, each in a sentence.
func (s standings) together() []string {
	some, more := cut(s.Together, maxTogether)
	var out []string
	for _, t := range some {
		var names []string
		for _, path := range t.Paths {
			names = append(names, short(path, nameRunes))
		}
		out = append(out, fmt.Sprintf("%s in %s alone, and in no other repository", size(t.Bytes), strings.Join(names, " and ")))
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("%s that share something alone", plural(more, "more set of repositories", "more sets of repositories")))
	}
	return out
}

// earlier says that a text has several logs.
func earlier(n int) string {
	return plural(n, "earlier log is", "earlier logs are") + " in the same text; the last whole one counts"
}

// goneNote names the repositories that are listed and not there.
func (s standings) goneNote() string {
	if len(s.Gone) == 0 {
		return ""
	}
	gone, more := cut(s.Gone, maxNotes)
	var names []string
	for _, path := range gone {
		names = append(names, short(path, nameRunes))
	}
	text := "listed but not found, as repositories that were emptied can be: " + strings.Join(names, ", ")
	if more > 0 {
		text += fmt.Sprintf(" … +%d", more)
	}
	return text
}

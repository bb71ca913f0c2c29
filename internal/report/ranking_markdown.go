package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/regsweep/regsweep/internal/rank"
)

// markdownBar is the length of the largest bar in a table cell.
const markdownBar = 12

// markdown writes the ranking in GitHub Flavored Markdown: the verdict, what was asked, a row for each repository at the
// top, and what could not be read.
func (s standings) markdown() string {
	var p page
	fmt.Fprintf(&p, "### %s\n\n%s: %s\n", markdownText(s.verdict()), markdownCode(clip(s.Asked, nameRunes)), markdownText(s.asked()))
	head := tableHead("repository", "manifests:", "share", "blobs:")
	columns := 4
	if s.bytes() {
		head, columns = tableHead("repository", "own:", "share", "shared:", "tags:", "manifests:", "blobs:", "built"), 8
	}
	if s.bytes() && s.KnowsUntagged {
		head, columns = tableHead("repository", "own:", "share", "shared:", "tags:", "manifests:", "untagged:", "blobs:", "built"), 9
	}
	b := block{head: "\n" + head, columns: columns, rows: len(s.top), row: func(i int) string {
		r := s.top[i]
		return s.markdownRow(r, markdownCode(clip(r.Path, nameRunes)), s.bar(s.weight(r), markdownBar), size(r.Shared), grouped(r.Blobs), s.built(r))
	}}
	if n := len(s.rest); n > 0 {
		b.tail = s.markdownRow(sum(s.rest), "… "+grouped(n)+" more", "", "", "", "") + "\n"
	}
	p.add(b, math.MaxInt)
	p.add(block{head: "\n**Not read**\n\n" + tableHead("repository", "why"), columns: 2, rows: len(s.Unread), row: func(i int) string {
		return cells(markdownCode(clip(s.Unread[i].Path, nameRunes)), markdownCode(long(s.Unread[i].Err.Error())))
	}}, math.MaxInt)
	if gone := s.goneNote(); gone != "" {
		p.line("\n"+markdownText(gone)+"\n", math.MaxInt)
	}
	notes := s.together()
	if n := s.Log.Earlier; n > 0 {
		notes = append(notes, earlier(n))
	}
	for i, text := range notes {
		if i == 0 {
			p.line("\n", math.MaxInt)
		}
		p.line("- "+markdownText(text)+"\n", math.MaxInt)
	}
	return p.String()
}

// markdownRow has what can be added up, and own: the bar, the shared bytes, the blobs and the ages of one repository.
func (s standings) markdownRow(r rank.Row, name string, own ...string) string {
	bar, shared, blobs, built := own[0], own[1], own[2], own[3]
	share := strings.TrimRight(markdownText(s.share(s.weight(r)))+" "+bar, " ")
	if !s.bytes() {
		return cells(name, grouped(r.Manifests), share, blobs)
	}
	if s.KnowsUntagged {
		return cells(name, size(r.Own), share, shared, grouped(r.Tags), grouped(r.Manifests), grouped(r.Untagged), blobs, built)
	}
	return cells(name, size(r.Own), share, shared, grouped(r.Tags), grouped(r.Manifests), blobs, built)
}

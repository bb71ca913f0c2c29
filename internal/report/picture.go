package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/draw"
)

const (
	// maxSlices is how many repositories a picture tells apart.
	maxSlices = 7
	// sliceRunes is the most characters of a name in a picture, whose legend does not wrap.
	sliceRunes = 40
)

// slice is a part of a picture.
type slice struct {
	name   string
	amount int64 // bytes or images
}

// picture draws where the space is and what becomes of it as a pie chart of Mermaid (https://mermaid.js.org/syntax/pie.html): what
// goes from each repository, and what stays of all. It is "" where the system does not render Mermaid and when nothing goes.
func (m *markdown) picture() string {
	bars := m.space()
	if !m.CI.Mermaid || len(m.Explained) > 0 || bars == nil {
		return ""
	}
	parts := m.slices(bars)
	if len(parts) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n```mermaid\npie title " + m.pictureTitle(bars) + "\n")
	used := map[string]bool{}
	for _, p := range parts {
		label := mermaidText(p.name) + ", " + bars.amount(p.amount)
		for n := 2; used[label]; n++ { // Mermaid drops a part whose text it has had
			label = fmt.Sprintf("%s (%d), %s", mermaidText(p.name), n, bars.amount(p.amount))
		}
		used[label] = true
		fmt.Fprintf(&b, "    \"%s\" : %d\n", label, p.amount)
	}
	b.WriteString("```\n")
	if bars.bytes && len(m.views) > 1 {
		b.WriteString("\nA layer that several repositories share counts once for each of them.\n")
	}
	return b.String()
}

// pictureTitle says what the picture shows. It has no text from outside.
func (m *markdown) pictureTitle(bars *space) string {
	gone := "Images deleted"
	switch {
	case bars.bytes:
		gone = "Space that " + m.becomes()
	case m.DryRun:
		gone = "Images to delete"
	}
	if len(m.views) > 1 {
		return gone + ", by repository, and what stays"
	}
	return gone + ", and what stays"
}

func (s sheet) becomes() string {
	if s.DryRun {
		return "would become unreferenced"
	}
	return "became unreferenced"
}

// slices are the parts of the picture: what goes, the largest first, then what stays. There are none when nothing goes.
func (s sheet) slices(bars *space) []slice {
	var gone []slice
	stays := map[draw.Mark]int64{}
	host := s.sameHost()
	for i, parts := range bars.parts {
		for _, p := range parts {
			switch {
			case p.Amount <= 0:
			case p.Mark == draw.Gone:
				gone = append(gone, slice{short(strings.TrimPrefix(s.views[i].Name.String(), host), sliceRunes), p.Amount})
			default:
				stays[p.Mark] += p.Amount
			}
		}
	}
	if len(gone) == 0 {
		return nil
	}
	slices.SortStableFunc(gone, func(a, b slice) int { return cmp.Compare(b.amount, a.amount) })
	out, more := cut(gone, maxSlices)
	out = slices.Clone(out)
	if more > 0 {
		rest := slice{name: grouped(more) + " more repositories"}
		for _, g := range gone[len(out):] {
			rest.amount += g.amount
		}
		out = append(out, rest)
	}
	if len(s.views) == 1 { // the heading has its name
		out[0].name = s.goneWords(bars)
	}
	words := map[draw.Mark]string{draw.Kept: "stay", draw.Left: "failed or skipped"}
	if bars.bytes {
		words[draw.Kept] = "stays in use"
	}
	for _, mark := range []draw.Mark{draw.Left, draw.Kept} {
		if stays[mark] > 0 {
			out = append(out, slice{words[mark], stays[mark]})
		}
	}
	return out
}

// goneWords is what the picture of a single repository calls what goes.
func (s sheet) goneWords(bars *space) string {
	if bars.bytes {
		return s.becomes()
	}
	return s.views[0].goneWord()
}

// sameHost is the beginning of all names, with a slash, where all repositories are of one registry.
func (s sheet) sameHost() string {
	host := s.views[0].Name.Host
	for _, v := range s.views {
		if v.Name.Host != host {
			return ""
		}
	}
	return host + "/"
}

// amount says an amount of what the bars show.
func (b *space) amount(n int64) string {
	if b.bytes {
		return size(n)
	}
	return grouped(int(n))
}

// mermaidAlphabet is what a quoted text of Mermaid has as itself, in every diagram and in every version: a quote ends it, a
// semicolon can end a line, "#" begins a character by its number, "%%" a comment or a directive, a backtick text in Markdown
// (https://mermaid.js.org/syntax/flowchart.html#special-characters-that-break-syntax), and the rest can be markup of a page.
const mermaidAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-/:,…"

// mermaidText replaces every character of a text that Mermaid could take for more than itself.
func mermaidText(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(mermaidAlphabet, r) {
			return r
		}
		return '_'
	}, Visible(text))
}

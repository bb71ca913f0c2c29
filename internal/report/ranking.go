package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/regsweep/regsweep/internal/rank"
)

// RankingOptions are what the reports of a ranking leave out. The zero value leaves out nothing.
type RankingOptions struct {
	// Top is how many repositories the forms show; 0 is all. JSON always has all of them.
	Top int
	// Width is the number of columns of the terminal; 0 when unknown.
	Width int
}

// RankingForms are the forms that a ranking has.
var RankingForms = []Form{FormTable, FormMarkdown, FormJSON, FormHTML}

// WriteRanking writes the ranking in the form.
func WriteRanking(w io.Writer, form Form, r rank.Ranking, o RankingOptions) error {
	view := newStandings(r, o.Top)
	var text string
	var err error
	switch form {
	case FormTable:
		text = view.table(o.Width)
	case FormMarkdown:
		text = view.markdown()
	case FormJSON:
		return writeRankingJSON(w, r)
	case FormHTML:
		page := view.htmlOf()
		var b []byte
		b, err = page.execute()
		text = string(b)
	default:
		err = fmt.Errorf("a ranking has no form %q: table, markdown, json or html", form)
	}
	if err != nil {
		return err
	}
	return write(w, "ranking", []byte(text))
}

// standings are a ranking cut to its first repositories, which are measured by their own bytes, or by their manifests
// where no bytes are known.
type standings struct {
	rank.Ranking
	top, rest []rank.Row
	total     int64 // of what they are measured by
}

func newStandings(r rank.Ranking, top int) standings {
	if top <= 0 || top > len(r.Repositories) {
		top = len(r.Repositories)
	}
	s := standings{Ranking: r, top: r.Repositories[:top], rest: r.Repositories[top:], total: r.Own()}
	if r.Source == rank.FromLog {
		s.total = int64(r.Manifests())
	}
	return s
}

func (s standings) bytes() bool { return s.Source == rank.FromRegistry }

// weight is what repositories are measured by.
func (s standings) weight(repositories ...rank.Row) int64 {
	var n int64
	for _, r := range repositories {
		if s.bytes() {
			n += r.Own
		} else {
			n += int64(r.Manifests)
		}
	}
	return n
}

// share is a part of the total in percent.
func (s standings) share(weight int64) string {
	if s.total == 0 {
		return "0 %"
	}
	percent := 100 * float64(weight) / float64(s.total)
	if percent > 0 && percent < 1 {
		return "< 1 %"
	}
	return fmt.Sprintf("%d %%", int(percent)) // rounded down: 100 % is all
}

// bar draws a weight against the largest in at most so many cells, and at least one for anything.
func (s standings) bar(weight int64, cells int) string {
	if weight <= 0 || cells <= 0 {
		return ""
	}
	n := int(float64(weight) / float64(s.weight(s.top[0])) * float64(cells))
	return strings.Repeat("█", max(1, n))
}

// asked says what the ranking is about.
func (s standings) asked() string {
	if s.bytes() {
		return "repositories by own bytes, those of blobs that no other of them uses"
	}
	return "repositories by the manifests that a garbage collection marks"
}

// verdict says what all of them hold, and how much of it those at the top.
func (s standings) verdict() string {
	var b strings.Builder
	b.WriteString(plural(len(s.Repositories), "repository holds ", "repositories hold "))
	if s.bytes() {
		b.WriteString(size(s.Bytes) + " in ")
	}
	b.WriteString(plural(s.Manifests(), "manifest", "manifests"))
	if s.Shared > 0 {
		fmt.Fprintf(&b, ", %s of it shared", size(s.Shared))
	}
	if len(s.rest) > 0 {
		of := ""
		if s.Shared > 0 {
			of = " of the rest"
		}
		fmt.Fprintf(&b, "; the top %d %s %s%s", len(s.top), holds(len(s.top)), s.share(s.weight(s.top...)), of)
	}
	if s.KnowsUntagged {
		fmt.Fprintf(&b, "; %s without a tag", plural(s.Untagged(), "manifest", "manifests"))
		if s.UntaggedBytes > 0 {
			fmt.Fprintf(&b, ": --untagged frees at most %s", size(s.UntaggedBytes))
		}
	}
	if n := len(s.Unread); n > 0 {
		fmt.Fprintf(&b, "; %d not read", n)
	}
	if s.NotLookedAt > 0 {
		fmt.Fprintf(&b, "; %d not looked at", s.NotLookedAt)
	}
	if !s.bytes() {
		fmt.Fprintf(&b, " · %s marked, %s and %s eligible for deletion", plural(s.Log.BlobsMarked, "blob", "blobs"),
			plural(s.Log.BlobsEligible, "blob", "blobs"), plural(s.Log.ManifestsEligible, "manifest", "manifests"))
	}
	if s.Elapsed > 0 {
		b.WriteString(" · " + seconds(s.Elapsed))
	}
	return b.String()
}

func holds(n int) string {
	if n == 1 {
		return "holds"
	}
	return "hold"
}

// built says when the images of a repository were built, as ages.
func (s standings) built(r rank.Row) string {
	if r.Newest.IsZero() {
		return "-"
	}
	return between(s.Started.Sub(r.Newest), s.Started.Sub(r.Oldest)) + " ago"
}

package report

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/draw"
	"github.com/regsweep/regsweep/internal/rank"
)

//go:embed ranking.tmpl
var rankingText string

// rankingPage has the parts of [htmlPage].
var rankingPage = template.Must(template.Must(htmlPage.Clone()).New("ranking").Parse(rankingText))

type (
	htmlRanking struct {
		htmlHead
		Asked, Verdict     string
		Rest               []string // of the verdict
		About              string
		Started, StartedAt string
		Measure            string // the head of the column that the order is by
		Rows               []htmlRanked
		Unread             []fact
		UnreadMore         int
		Gone               string
		Together           []string
	}
	htmlRanked struct {
		Name, Holds, Weight, Share string
		Bar                        *draw.Bar // nil where there is nothing to draw
	}
)

// htmlOf is the ranking as a page like that of [WriteHTML]. A phone has no room for the columns of the table, so most
// of what a repository holds stands below its name.
func (s standings) htmlOf() htmlRanking {
	page := htmlRanking{Asked: long(s.Asked), About: s.asked(), Measure: "own", Gone: s.goneNote(), Together: s.together()}
	// A heading says what is held, and the line below it how that is spread and what it is without.
	sentence, elapsed, _ := strings.Cut(s.verdict(), " · ")
	parts := strings.Split(sentence, "; ")
	page.Verdict, page.Rest = parts[0], parts[1:]
	if elapsed != "" {
		page.Rest = append(page.Rest, elapsed)
	}
	page.htmlHead = htmlHead{Title: page.Asked + ": " + page.Verdict}
	if !s.Started.IsZero() {
		page.Started, page.StartedAt = s.Started.UTC().Format(readableTime), s.Started.UTC().Format(time.RFC3339)
	}
	if !s.bytes() {
		page.Measure = "manifests"
	}
	for _, r := range s.top {
		own := []string{plural(r.Blobs, "blob", "blobs")}
		if s.bytes() {
			own = append(own, size(r.Shared)+" shared")
		}
		if s.KnowsUntagged {
			own = append(own, grouped(r.Untagged)+" untagged")
		}
		if !r.Newest.IsZero() {
			own = append(own, "built "+s.built(r))
		}
		row := s.htmlRow(r, long(r.Path), own...)
		if bar := draw.NewBar(row.Weight+", "+row.Share, s.weight(s.top[0]), draw.Part{Mark: draw.Kept, Amount: s.weight(r)}); len(bar.Parts) > 0 {
			row.Bar = &bar
		}
		page.Rows = append(page.Rows, row)
	}
	if n := len(s.rest); n > 0 {
		page.Rows = append(page.Rows, s.htmlRow(sum(s.rest), "… "+grouped(n)+" more"))
	}
	unread, more := cut(s.Unread, maxHTMLProblems)
	page.UnreadMore = more
	for _, u := range unread {
		page.Unread = append(page.Unread, fact{long(u.Path), long(u.Err.Error())})
	}
	return page
}

// execute makes the text of the page.
func (p *htmlRanking) execute() ([]byte, error) {
	var b bytes.Buffer
	if err := rankingPage.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("lay out HTML ranking: %w", err)
	}
	return b.Bytes(), nil
}

// htmlRow has what can be added up, and of one repository what cannot.
func (s standings) htmlRow(r rank.Row, name string, own ...string) htmlRanked {
	row := htmlRanked{Name: name, Weight: grouped(r.Manifests), Share: s.share(s.weight(r))}
	if s.bytes() {
		row.Weight = size(r.Own)
		own = append([]string{plural(r.Tags, "tag", "tags"), plural(r.Manifests, "manifest", "manifests")}, own...)
	}
	row.Holds = strings.Join(own, " · ")
	return row
}

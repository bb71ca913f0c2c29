package report

import (
	"bytes"
	"cmp"
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/draw"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
)

// Bounds of an HTML report, so that a phone can show it. What is left out is counted.
const (
	maxHTMLRepositories = 500
	maxHTMLProblems     = 300
	maxHTMLImages       = 3000 // rows of all repositories
)

// readableTime is how a page writes a time in addition to the exact one.
const readableTime = "2 January 2006, 15:04 UTC"

//go:embed html.tmpl
var htmlText string

//go:embed style.css
var styleSheet string

// htmlPage is parsed once; a mistake in it is one in the program.
var htmlPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"breaks": breaks, "grouped": grouped, "style": func() template.CSS { return template.CSS(styleSheet) },
}).Parse(draw.Templates() + htmlText))

// What the page shows is text that [Visible] has been over; the template makes HTML of it.
type (
	htmlReport struct {
		htmlHead
		Alarm, Cause string // what must be seen first, and why
		Name, Page   string // of the only repository, and the address of its page
		Verdict      string
		Rest         []string // of the verdict
		JustBuilt    string
		Asked, Build string
		BuildName    string
		Started      string
		StartedAt    string
		DryRun       bool
		Gone         string // the head of the column of what went
		State        htmlState
		Numbers      []htmlNumber
		Space        *htmlSpace // nil when there is nothing to draw
		GC           *htmlGC    // nil when no garbage collection was asked for
		Overview     []htmlRow
		OverviewMore int
		Total        htmlRow
		Problems     []htmlProblem
		ProblemsMore int
		Sections     []htmlSection
		SectionsMore int
	}
	htmlHead struct {
		Title string
		Style string // the address of the style sheet; "" puts it into the page
	}
	htmlGC struct {
		Verdict, Where string // the verdict is "" where the page's own says it
		Facts          []fact
		Disk           []htmlBar // its free space before and after; empty when that was not measured
	}
	htmlRow struct {
		Name, Page, Kept, Gone, Failed, Note string
		Bar                                  *draw.Bar
	}
	htmlProblem struct{ What, Repository, Image, Why, Hint string }
	htmlSection struct {
		Name, Page, Policy           string       // "" with only one repository
		Method                       string       // how images were deleted, and why; "" where there was nothing to choose
		History                      *htmlHistory // nil when it would add nothing
		Kept, Doomed                 []htmlImage
		KeptMore, DoomedMore         int
		KeptParts, DoomedParts, Fold string
	}
	htmlImage struct{ Name, Age, Size, Why string }
)

// WriteHTML writes the summary as one page without scripts. Its drawings are inline SVG that needs no style. Jenkins'
// content security policy does not let the style of a page through
// (https://www.jenkins.io/doc/book/security/configuring-content-security-policy/); what there is to see then comes from
// elements and their plain attributes, in the colours that the reader's browser prefers.
//
// Its size is bounded: long lists are cut and counted, the totals are those of the whole run.
func WriteHTML(w io.Writer, s Summary) error {
	page := htmlOf(s)
	text, err := page.execute()
	if err != nil {
		return err
	}
	return write(w, "HTML report", text)
}

// execute makes the text of the page.
func (p *htmlReport) execute() ([]byte, error) {
	var b bytes.Buffer
	if err := htmlPage.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("lay out HTML report: %w", err)
	}
	return b.Bytes(), nil
}

// htmlOf is the page of a summary.
func htmlOf(s Summary) htmlReport {
	all := newSheet(s)
	page := htmlReport{DryRun: s.DryRun, Gone: "deleted"}
	if s.DryRun {
		page.Gone = "would delete"
	}
	page.head(all)
	page.State, page.Numbers = all.state(), all.numbers()
	page.gc(s)
	page.overview(all)
	problems, more := cut(all.problems(), maxHTMLProblems)
	page.ProblemsMore = more
	for _, p := range problems {
		page.Problems = append(page.Problems, htmlProblem{p.what, p.where(func(r oci.Repository) string { return long(r.String()) }), cmp.Or(long(p.image), p.count), p.why, p.hint})
	}
	page.sections(all)
	return page
}

// head is the verdict and what was asked.
func (p *htmlReport) head(s sheet) {
	name, verdict := s.headline()
	if name != "" {
		p.Name, p.Page, p.JustBuilt = long(name), s.views[0].page(), tagList(s.views[0].pushed())
	}
	p.Verdict, p.Rest = splitVerdict(verdict + s.early() + took(s.Summary))
	p.Alarm, p.Cause, _ = strings.Cut(s.alarm(), ": ")
	p.Title = p.Verdict
	if p.Alarm != "" {
		p.Title = p.Alarm + " · " + p.Verdict
	}
	p.Asked = long(s.policy())
	p.Build, p.BuildName = s.CI.link(), long(s.CI.Name)
	if !s.Started.IsZero() {
		p.Started = s.Started.UTC().Format(readableTime)
		p.StartedAt = s.Started.UTC().Format(time.RFC3339)
	}
}

// splitVerdict leaves to the heading what was done, because headings are large and phones are not.
func splitVerdict(text string) (string, []string) {
	parts := strings.Split(text, " · ")
	return parts[0], parts[1:]
}

// gc is what is known of the garbage collection.
func (p *htmlReport) gc(s Summary) {
	if s.GC == nil {
		return
	}
	p.GC = &htmlGC{Where: gcPlace(s.GC), Facts: gcFacts(s.GC), Disk: diskBars(s.GC)}
	if len(s.Repositories) > 0 || s.Shard.Total > 0 { // else it is the verdict of the run
		p.GC.Verdict = gcVerdict(s.GC)
	}
}

// overview is a row for each of several repositories; of a single one the heading says it.
func (p *htmlReport) overview(s sheet) {
	bars := s.space()
	if bars != nil {
		p.Space = &htmlSpace{Legend: bars.legend(s)}
	}
	if len(s.views) < 2 {
		if bars != nil {
			p.Space.Bar = bars.bar(s, 0)
		}
		return
	}
	shown, more := cut(s.views, maxHTMLRepositories)
	p.OverviewMore = more
	for i, v := range shown {
		row := s.htmlRow(long(v.Name.String()), v.totals, bars.used(i), v.note(strings.Clone, tagList))
		row.Page = v.page()
		if bars != nil {
			row.Bar = bars.bar(s, i)
		}
		p.Overview = append(p.Overview, row)
	}
	p.Total = s.htmlRow("total", s.total, "", "")
}

// htmlRow has the numbers of a repository, or of all. Below the name stand what it still uses, what became unreferenced, and
// the note; each can be "".
func (s sheet) htmlRow(name string, t Totals, used, note string) htmlRow {
	lost := ""
	if t.UniqueBytes > 0 {
		lost = size(t.UniqueBytes) + " " + s.unreferencedWord()
	}
	notes := slices.DeleteFunc([]string{used, lost, note}, func(n string) bool { return n == "" })
	return htmlRow{
		Name: name, Kept: strconv.Itoa(t.Kept), Gone: strconv.Itoa(t.Deleted + t.Planned), Failed: strconv.Itoa(t.Failed),
		Note: strings.Join(notes, " · "),
	}
}

// sections shares the rows among the repositories.
func (p *htmlReport) sections(s sheet) {
	sorted := s.bySize()
	p.SectionsMore = max(0, len(sorted)-maxHTMLRepositories)
	sorted = sorted[:len(sorted)-p.SectionsMore]
	rows := map[int]int{}
	spread(sorted, maxHTMLImages, func(i, limit int) int {
		rows[i] = min(s.views[i].rows(), limit)
		return rows[i]
	})
	room := newHistoryRoom(len(rows))
	for _, i := range slices.Sorted(maps.Keys(rows)) {
		section := htmlSectionOf(s.Summary, s.views[i], rows[i])
		section.History = s.views[i].htmlHistory(room)
		p.Sections = append(p.Sections, section)
	}
}

// htmlSectionOf is the images of a repository in so many rows: two in three are for those that are kept.
func htmlSectionOf(s Summary, v view, rows int) htmlSection {
	out := htmlSection{KeptParts: v.keptParts.String(), Method: v.method()}
	if len(s.Repositories) > 1 {
		out.Name, out.Page = long(v.Name.String()), v.page()
		if v.Policy != s.Policy {
			out.Policy = long(v.Policy)
		}
	}
	gone := v.gone()
	kept := min(len(v.kept), max(rows*2/3, rows-len(gone)))
	out.KeptMore, out.DoomedMore = len(v.kept)-kept, len(gone)-min(len(gone), rows-kept)
	for _, e := range v.kept[:kept] {
		out.Kept = append(out.Kept, v.htmlImage(e))
	}
	for _, e := range gone[:len(gone)-out.DoomedMore] {
		image := v.htmlImage(e)
		if e.troubled || e.status == prune.Gone { // the title says the others
			image.Why = rowWord(e.status) + " · " + image.Why
		}
		out.Doomed = append(out.Doomed, image)
	}
	if len(gone) > 0 {
		out.Fold = v.foldTitle(len(gone)) + ", " + v.ages(gone)
		out.DoomedParts = v.doomedParts.plus(v.skippedParts).String()
	}
	return out
}

func (v view) htmlImage(e entry) htmlImage {
	why := e.reasons()
	if e.status == prune.Skipped || e.status == prune.Retained {
		why = e.why()
	}
	return htmlImage{names(e), age(e.Image, v.run.Started), v.sizer.text(e.Image), long(why)}
}

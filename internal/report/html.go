package report

import (
	"bytes"
	"cmp"
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/regsweep/regsweep/internal/prune"
)

// Bounds of an HTML report, so that a phone can show it. What is left out is counted.
const (
	mostHTMLRepositories = 500
	mostHTMLProblems     = 300
	mostHTMLImages       = 3000 // rows of all repositories
	htmlCells            = 20   // of a bar, which fits beside a label on a phone
)

// readableTime is how a page writes a time beside the exact one.
const readableTime = "2 January 2006, 15:04 UTC"

//go:embed html.tmpl
var htmlText string

// htmlPage is parsed once; a mistake in it is one in the program.
var htmlPage = template.Must(template.New("report").Funcs(template.FuncMap{"breaks": breaks, "grouped": grouped}).Parse(htmlText))

// What the page shows is text that [Visible] has been over; the template makes HTML of it.
type (
	htmlReport struct {
		Title        string
		Alarm, Cause string   // what must be seen first, and why
		Names        []string // of the only repository, in parts
		Verdict      string
		Rest         []string // of the verdict
		JustBuilt    string
		Asked, Build string
		BuildName    string
		Started      string
		StartedAt    string
		DryRun       bool
		Gone         string          // the head of the column of what went
		Collection   *htmlCollection // nil when none was asked for
		Overview     []htmlRow
		OverviewMore int
		Total        htmlRow
		Problems     []htmlProblem
		ProblemsMore int
		Sections     []htmlSection
		SectionsMore int
	}
	htmlCollection struct {
		Verdict, Where string // the verdict is "" where the page's own says it
		Facts          []htmlFact
	}
	htmlFact    struct{ Name, Text string }
	htmlRow     struct{ Name, Kept, Gone, Failed, Note string }
	htmlProblem struct{ What, Repository, Image, Why, Hint string }
	htmlSection struct {
		Name, Policy                 string // "" with only one repository
		History                      htmlHistory
		Kept, Doomed                 []htmlImage
		KeptMore, DoomedMore         int
		KeptParts, DoomedParts, Fold string
	}
	htmlHistory struct {
		Title, Legend string
		Lines         []htmlLine
		More          int
		Rest          string
	}
	htmlLine  struct{ Name, Bar, Spoken, Counts string }
	htmlImage struct{ Name, Age, Size, Why string }
)

// WriteHTML writes the summary as one page without styles and scripts, which Jenkins' content security policy would
// not let through (https://www.jenkins.io/doc/book/security/configuring-content-security-policy/). What there is to
// see comes from elements and their plain attributes, in the colours that the reader's browser prefers.
//
// Its size is bounded: long lists are cut and counted, the totals are those of the whole run.
func WriteHTML(w io.Writer, s Summary) error {
	var views []view
	for _, r := range s.Repositories {
		views = append(views, newView(r, s.Started))
	}
	page := htmlReport{DryRun: s.DryRun, Gone: "deleted"}
	if s.DryRun {
		page.Gone = "would delete"
	}
	page.head(s, views)
	page.collection(s)
	page.overview(s, views)
	m := markdown{Summary: s, views: views}
	problems, more := cut(m.problems(), mostHTMLProblems)
	page.ProblemsMore = more
	for _, p := range problems {
		row := htmlProblem{What: p.what, Image: cmp.Or(long(p.image), p.count), Why: p.why, Hint: p.hint}
		if len(views) > 1 {
			row.Repository = long(p.repository.String())
		}
		page.Problems = append(page.Problems, row)
	}
	page.sections(s, views)
	var b bytes.Buffer
	if err := htmlPage.Execute(&b, page); err != nil {
		return fmt.Errorf("lay out HTML report: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write HTML report: %w", err)
	}
	return nil
}

// head is the verdict and what was asked.
func (p *htmlReport) head(s Summary, views []view) {
	p.Verdict = s.verdict(s.Totals())
	policy := s.Policy
	if len(views) == 1 {
		v := views[0]
		p.Names = []string{long(v.Name.String())}
		p.Verdict = v.verdict(s)
		if v.condition() == stopped {
			p.Verdict += " · stopped early"
		}
		policy = cmp.Or(v.Policy, policy)
		if names := v.pushed(); len(names) > 0 {
			p.JustBuilt = tagList(names)
		}
	}
	p.Verdict, p.Rest = splitVerdict(p.Verdict + took(s))
	p.Alarm, p.Cause, _ = strings.Cut(s.alarm(), ": ")
	p.Title = p.Verdict
	if p.Alarm != "" {
		p.Title = p.Alarm + " · " + p.Verdict
	}
	p.Asked = long(policy)
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

// collection is what is known of the garbage collection.
func (p *htmlReport) collection(s Summary) {
	if s.GC == nil {
		return
	}
	p.Collection = &htmlCollection{Where: where(s.GC)}
	if len(s.Repositories) > 0 || s.Shard.Total > 0 { // else it is the verdict of the run
		p.Collection.Verdict = collected(s.GC)
	}
	for _, f := range facts(s.GC) {
		p.Collection.Facts = append(p.Collection.Facts, htmlFact{f.name, f.text})
	}
}

// overview is a row for each of several repositories; of a single one the heading says it.
func (p *htmlReport) overview(s Summary, views []view) {
	row := func(name string, t Totals, note string) htmlRow {
		if t.UniqueBytes > 0 {
			note = strings.TrimSuffix(size(t.UniqueBytes)+" unreferenced · "+note, " · ")
		}
		return htmlRow{name, strconv.Itoa(t.Kept), strconv.Itoa(t.Deleted + t.Planned), strconv.Itoa(t.Failed), note}
	}
	if len(views) < 2 {
		return
	}
	shown, more := cut(views, mostHTMLRepositories)
	p.OverviewMore = more
	for _, v := range shown {
		p.Overview = append(p.Overview, row(long(v.Name.String()), v.totals, v.plainNote()))
	}
	p.Total = row("total", s.Totals(), "")
}

// plainNote is what the numbers of a row do not say.
func (v view) plainNote() string {
	var out []string
	switch v.condition() {
	case unread:
		return "not read"
	case refused:
		out = append(out, "refused")
	case stopped:
		out = append(out, "stopped early")
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
	if pushed := v.pushed(); len(pushed) > 0 {
		out = append(out, "just built "+tagList(pushed))
	}
	return strings.Join(out, " · ")
}

// sections shares the rows among the repositories: what small ones do not need goes to large ones.
func (p *htmlReport) sections(s Summary, views []view) {
	var order []int
	for i, v := range views {
		if len(v.kept)+len(v.doomed)+len(v.skipped) > 0 {
			order = append(order, i)
		}
	}
	size := func(i int) int { return len(views[i].kept) + len(views[i].doomed) + len(views[i].skipped) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size(a), size(b)) })
	p.SectionsMore = max(0, len(order)-mostHTMLRepositories)
	order = order[:len(order)-p.SectionsMore]
	left := mostHTMLImages
	rows := map[int]int{}
	for done, i := range order {
		rows[i] = min(size(i), left/(len(order)-done))
		left -= rows[i]
	}
	slices.Sort(order)
	for _, i := range order {
		p.Sections = append(p.Sections, htmlSectionOf(s, views[i], rows[i]))
	}
}

// htmlSectionOf is the images of a repository in so many rows: two in three are for those that are kept.
func htmlSectionOf(s Summary, v view, rows int) htmlSection {
	out := htmlSection{KeptParts: v.keptParts.String()}
	if len(s.Repositories) > 1 {
		out.Name = long(v.Name.String())
		if v.Policy != s.Policy {
			out.Policy = long(v.Policy)
		}
	}
	h := v.history(s.DryRun)
	out.History = htmlHistory{Title: h.title, Legend: v.legend(s.DryRun), More: h.more, Rest: h.rest}
	for _, l := range h.lines {
		out.History.Lines = append(out.History.Lines, htmlLine{Visible(l.name), l.bar(htmlCells), l.spoken(htmlCells, v.goneWord(s.DryRun)), l.counts})
	}
	gone := append(v.doomed[:len(v.doomed):len(v.doomed)], v.skipped...)
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
		out.Fold = v.foldTitle(s.DryRun, len(gone)) + ", " + v.ages(gone)
		out.DoomedParts = v.doomedParts.plus(v.skippedParts).String()
	}
	return out
}

func (v view) htmlImage(e entry) htmlImage {
	why := e.reasons()
	if e.status == prune.Skipped {
		why = e.why()
	}
	return htmlImage{names(e), age(e.Image, v.started), v.sizer.text(e.Image), long(why)}
}

// A word of up to whole characters fits into any column. A longer one may break behind what joins its parts, and behind
// so many characters as unbroken has: a commit's hash has no other place.
const (
	whole    = 10
	unbroken = 16
)

// breaks cuts a text inside of its long words, where a line may break.
func breaks(text string) []string {
	var out []string
	begin := 0
	for at := 0; at < len(text); {
		word, _, _ := strings.Cut(text[at:], " ")
		run, short := at, utf8.RuneCountInString(word) <= whole
		for i, r := range word {
			end := at + i + utf8.RuneLen(r)
			if !short && (strings.ContainsRune("/:.-_@,", r) || end-run >= unbroken) && end < at+len(word) {
				out = append(out, text[begin:end])
				begin, run = end, end
			}
		}
		at += len(word) + 1
	}
	return append(out, text[begin:])
}

package report

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/regsweep/regsweep/internal/draw"
	"github.com/regsweep/regsweep/internal/rank"
)

// The files of an HTML report that is a folder.
const (
	PageFile  = "index.html"
	StyleFile = "style.css"
)

// FolderFile is a file of a report that is a folder.
type FolderFile struct {
	Name    string // without a path; no text from outside is in it
	Content []byte
}

// Folder lays out the page of [WriteHTML] as files: the page, its style sheet, and each of its drawings. All that the page
// refers to is among them. The page is the last, so that whoever writes them in order never has one without its drawings.
func Folder(s Summary) ([]FolderFile, error) {
	page := htmlOf(s)
	page.Style = StyleFile
	return folder(&page, func() ([]byte, error) { return page.execute() })
}

// RankingFolder is [Folder] for the report of a ranking, which shows the first top repositories; 0 is all.
func RankingFolder(r rank.Ranking, top int) ([]FolderFile, error) {
	page := newStandings(r, top).htmlOf()
	page.Style = StyleFile
	return folder(&page, func() ([]byte, error) { return page.execute() })
}

// illustrated is a page with drawings.
type illustrated interface {
	// draw hands over the drawings in the order of the page.
	draw(p *pictures)
}

// folder makes the files of a page. execute writes the page when its drawings have the names of their files.
func folder(page illustrated, execute func() ([]byte, error)) ([]FolderFile, error) {
	p := pictures{taken: map[string]bool{}}
	page.draw(&p)
	if p.err != nil {
		return nil, p.err
	}
	text, err := execute()
	if err != nil {
		return nil, err
	}
	return append(p.files, FolderFile{StyleFile, []byte(styleSheet)}, FolderFile{PageFile, text}), nil
}

// pictures are the drawings of a page as files. Their names are numbers, because repositories and groups have names that a
// file cannot have.
type pictures struct {
	files []FolderFile
	taken map[string]bool
	err   error
}

func (p *pictures) bar(b *draw.Bar) {
	if b != nil {
		b.File = "space-" + strconv.Itoa(len(p.files)+1) + ".svg"
		p.add(b.File, "bar-file", *b)
	}
}

func (p *pictures) timeline(t *draw.Timeline) {
	if t != nil {
		t.File = "builds-" + strconv.Itoa(len(p.files)+1) + ".svg"
		p.add(t.File, "timeline-file", *t)
	}
}

// sample draws a mark of a legend, which several legends have.
func (p *pictures) sample(t *draw.Timeline) {
	if len(t.Ticks) > 0 {
		t.File = "sample-" + string(t.Ticks[0].Mark) + ".svg"
		p.add(t.File, "sample-file", *t)
	}
}

// add makes a file of a drawing, unless there is one of the name.
func (p *pictures) add(name, template string, drawing any) {
	if p.taken[name] || p.err != nil {
		return
	}
	p.taken[name] = true
	var b bytes.Buffer
	if err := htmlPage.ExecuteTemplate(&b, template, drawing); err != nil {
		p.err = fmt.Errorf("draw %s: %w", name, err)
	}
	p.files = append(p.files, FolderFile{name, b.Bytes()})
}

func (p *htmlReport) draw(to *pictures) {
	if p.Space != nil {
		to.bar(p.Space.Bar)
	}
	if p.GC != nil {
		for i := range p.GC.Disk {
			to.bar(&p.GC.Disk[i].Bar)
		}
	}
	for _, row := range p.Overview {
		to.bar(row.Bar)
	}
	for _, section := range p.Sections {
		h := section.History
		if h == nil {
			continue
		}
		for i := range h.Legend {
			to.sample(&h.Legend[i].Sample)
		}
		to.timeline(h.Whole)
		for _, line := range h.Lines {
			to.timeline(line.Drawing)
		}
	}
}

func (p *htmlRanking) draw(to *pictures) {
	for _, row := range p.Rows {
		to.bar(row.Bar)
	}
}

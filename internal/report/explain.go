package report

import (
	"fmt"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// Explained is what speaks for and against one image of a repository.
type Explained struct {
	Repository oci.Repository
	retain.Explanation
}

// explained is the explanation for a repository; nil when it has none.
func (s Summary) explained(name oci.Repository) *Explained {
	for i := range s.Explained {
		if s.Explained[i].Repository == name {
			return &s.Explained[i]
		}
	}
	return nil
}

// paragraphs are the parts of an explanation: a title, and lines of text from outside and of our own.
func (e Explained) paragraphs(s Summary) []paragraph {
	d := e.Decision
	about := []string{long(d.Image.Digest.String()), string(d.Image.Kind)}
	if !d.Image.Created.IsZero() {
		about = append(about, "built "+d.Image.Created.Format("2006-01-02 15:04")+" UTC, "+age(d.Image, s.Started)+" ago")
	}
	if !d.Image.Pushed.IsZero() {
		about = append(about, "pushed "+d.Image.Pushed.Format("2006-01-02 15:04")+" UTC")
	}
	title := "keep " + tagList(nameOrTags(d.Image))
	if d.Verdict == retain.Delete {
		title = "delete " + tagList(nameOrTags(d.Image))
	}
	out := []paragraph{{title, []string{strings.Join(about, " · ")}}}
	out = append(out, paragraph{"what speaks for keeping it", reasonLines(e.For, "nothing")})
	if len(e.Against) > 0 {
		out = append(out, paragraph{"what does not keep it", reasonLines(e.Against, "")})
	}
	if lines := e.placeLines(); len(lines) > 0 {
		out = append(out, paragraph{"its place", lines})
	}
	if lines := e.relativeLines(); len(lines) > 0 {
		out = append(out, paragraph{"what belongs to it", lines})
	}
	return append(out, paragraph{e.changeTitle(), e.changeLines()})
}

// paragraph is a title with lines below it.
type paragraph struct {
	title string
	lines []string
}

// nameOrTags are the tags of an image, or else the beginning of its digest.
func nameOrTags(i oci.Image) []string {
	if len(i.Tags) > 0 {
		return i.Tags
	}
	return []string{retain.ShortDigest(i.Digest)}
}

func reasonLines(reasons []retain.Reason, none string) []string {
	if len(reasons) == 0 {
		return []string{none}
	}
	var out []string
	for _, r := range reasons {
		out = append(out, string(r.Rule)+": "+long(r.Detail))
	}
	return out
}

// orders says in words what an order goes by.
var orders = map[retain.Sort]string{
	retain.SortCreated: "by build date", retain.SortPushed: "by push date", retain.SortSemver: "by version", retain.SortName: "by name",
}

func (e Explained) placeLines() []string {
	var out []string
	for _, p := range e.Places {
		where := orders[p.Sort]
		if p.Group != "" {
			where += " in the group " + long(p.Group)
		}
		if p.Place == 0 {
			out = append(out, fmt.Sprintf("none of the %d places %s: it takes no place from another image", p.Of, where))
		} else {
			out = append(out, fmt.Sprintf("%d of %d %s", p.Place, p.Of, where))
		}
	}
	return out
}

// maxRelatives is how many images an explanation names: an index has few platforms, and nearly all images have few
// attachments.
const maxRelatives = 20

func (e Explained) relativeLines() []string {
	var out []string
	some, more := cut(e.Relatives, maxRelatives)
	for _, r := range some {
		out = append(out, fmt.Sprintf("%s: %s (%s)", r.How, tagList(nameOrTags(r.Image)), r.Verdict))
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return out
}

func (e Explained) changeTitle() string {
	if e.Decision.Verdict == retain.Keep {
		return "the smallest change that would delete it"
	}
	return "the smallest changes that would keep it, each by itself"
}

func (e Explained) changeLines() []string {
	if len(e.Changes) == 0 {
		return []string{"no change of the policy does"}
	}
	var out []string
	for _, c := range e.Changes {
		line := Visible(c.Text)
		if c.Others > 0 {
			line += fmt.Sprintf(" (turns %s as well)", plural(c.Others, "other verdict", "other verdicts"))
		}
		out = append(out, line)
	}
	return out
}

// explanation writes the explanation for a repository in place of its images.
func (t *table) explanation(v view) {
	e := v.run.explained(v.Name)
	if e == nil {
		return
	}
	for _, p := range e.paragraphs(v.run) {
		t.line("")
		t.line("  " + p.title)
		for _, l := range p.lines {
			t.line("    " + l)
		}
	}
}

// explanation is the explanation for a repository as a list; "" when there is none.
func (m *markdown) explanation(v view) string {
	e := m.explained(v.Name)
	if e == nil {
		return ""
	}
	var b strings.Builder
	for _, p := range e.paragraphs(m.Summary) {
		b.WriteString("\n" + markdownStrong(markdownText(p.title)) + "\n\n")
		for _, l := range p.lines {
			b.WriteString("- " + markdownText(l) + "\n")
		}
	}
	return b.String()
}

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// problem is something that needs a reader's attention, as text that is not escaped yet.
type problem struct {
	what       string
	repository oci.Repository
	also       []oci.Repository // further ones of which the same is said
	image      string           // a name, or "" when it is about several
	count      string           // of how many images it speaks, "" for one or none
	why        string
	hint       string // what helps; "" when nothing is known that does
}

// where names the repositories of the problem, each as name has it.
func (p problem) where(name func(oci.Repository) string) string {
	return listed(append([]oci.Repository{p.repository}, p.also...), ", ", name)
}

// problems lists what needs attention, the most serious first: when room is short, the end is only counted.
func (s sheet) problems() []problem {
	var out []problem
	for _, r := range s.Repositories {
		out = append(out, r.losses()...)
	}
	for _, r := range s.Repositories {
		switch c := r.condition(); c {
		case unread, stopped:
			out = append(out, problem{what: c.String(), repository: r.Name, why: r.objection(), hint: r.hint()})
		case refused:
			for _, f := range r.Plan.Refusals {
				out = append(out, problem{what: c.String(), repository: r.Name, why: long(f.Detail), hint: long(f.Hint())})
			}
		}
	}
	for _, v := range s.views {
		for _, e := range v.failed {
			p := problem{what: string(e.status), repository: v.Name, image: retain.Name(e.Image), why: long(e.trouble())}
			if e.status == prune.Unsettled {
				p.hint = v.Settles()
			}
			out = append(out, p)
		}
	}
	for _, v := range s.views {
		out = append(out, skips(v.Name, v.skipped)...)
	}
	for _, w := range s.remarks() {
		p := problem{what: "warning", repository: w.Repositories[0], also: w.Repositories[1:], why: long(w.Text)}
		if n := len(w.Repositories); n > 1 {
			p.count = plural(n, "repository", "repositories")
		}
		out = append(out, p)
	}
	for _, r := range s.Repositories {
		if r.Plan == nil {
			continue
		}
		if n := len(r.Plan.Ghosts); n > 0 {
			shown, more := cut(r.Plan.Ghosts, maxGhosts)
			why := "listed without a manifest: " + strings.Join(shown, ", ")
			if more > 0 {
				why += fmt.Sprintf(" … +%d", more)
			}
			out = append(out, problem{what: "ghost tags", repository: r.Name, count: plural(n, "tag", "tags"), why: clip(Visible(why), 2*textRunes)})
		}
	}
	return out
}

// Settles says how the unsettled deletions of a repository end: the next run looks at what the journal has, and nobody at
// what it has not.
func (r Outcome) Settles() string {
	for d, o := range r.Outcomes {
		if o.Status == prune.Unsettled && !slices.Contains(r.Unfinished, d) {
			return "no journal has it, so what depends on it can stay in the registry without a tag; a run with --state-dir remembers it"
		}
	}
	return "the next run with the same --state-dir finds out whether the registry did it, and finishes it"
}

func (r Outcome) losses() []problem {
	var out []problem
	for _, b := range r.Broken {
		out = append(out, problem{what: "broken", repository: r.Name, image: b.Name, why: lacks(b), hint: pushAgain})
	}
	for _, i := range r.lost() {
		tags := r.Untagged[i.Digest]
		shown, more := cut(tags, maxTags)
		why := "stays and has lost " + Visible(strings.Join(shown, ", ")) // whole, so that they can be given back
		if more > 0 {
			why += fmt.Sprintf(" … +%d", more)
		}
		out = append(out, problem{what: "lost tags", repository: r.Name, image: i.Digest.String(), why: why, hint: tagAgain})
	}
	return out
}

// Losses says in a line each what the run has broken although it should have stayed, and what helps: images that were
// pushed meanwhile and lack a part, and images that stay and have lost tags.
func (r Outcome) Losses() []string {
	var out []string
	for _, p := range r.losses() {
		out = append(out, fmt.Sprintf("%s: %s %s; %s", p.what, long(p.image), p.why, p.hint))
	}
	return out
}

// skips joins the skipped images of a repository that have the same cause.
func skips(name oci.Repository, entries []entry) []problem {
	var out []problem
	for _, group := range byCause(entries) {
		p := problem{what: "skipped", repository: name, why: long(group[0].trouble())}
		if len(group) == 1 {
			p.image = retain.Name(group[0].Image)
		} else {
			p.count = plural(len(group), "image", "images")
		}
		out = append(out, p)
	}
	return out
}

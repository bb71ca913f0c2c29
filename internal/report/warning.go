package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// maxNamed is how many repositories a warning names that is about more of them.
const maxNamed = 3

// Warning is what a reader should know about one or several repositories.
type Warning struct {
	Text string // not escaped
	// Repositories are those that it is about, at least one, in the order of the run.
	Repositories []oci.Repository
}

// Warnings are the warnings of all repositories, each text once, in the order of the first repository that has it.
func (s Summary) Warnings() []Warning { return s.warningsOf(Outcome.warnings) }

// remarks are the remarks on all repositories, each text once.
func (s Summary) remarks() []Warning { return s.warningsOf(Outcome.remarks) }

// warningsOf joins the repositories of which the same is said.
func (s Summary) warningsOf(of func(Outcome) []string) []Warning {
	var out []Warning
	place := map[string]int{}
	for _, r := range s.Repositories {
		for _, text := range of(r) {
			i, known := place[text]
			if !known {
				i = len(out)
				place[text], out = i, append(out, Warning{Text: text})
			}
			if !slices.Contains(out[i].Repositories, r.Name) {
				out[i].Repositories = append(out[i].Repositories, r.Name)
			}
		}
	}
	return out
}

// About names the repositories, as in "team/api" or "5 repositories (team/api, team/web, team/docs and 2 more)".
func (w Warning) About() string {
	if len(w.Repositories) == 1 {
		return w.Repositories[0].String()
	}
	return fmt.Sprintf("%d repositories (%s)", len(w.Repositories), listed(w.Repositories, ", ", oci.Repository.String))
}

// listed names the first of several repositories and counts the others.
func listed(all []oci.Repository, separator string, name func(oci.Repository) string) string {
	shown, more := cut(all, maxNamed)
	out := make([]string, 0, len(shown))
	for _, r := range shown {
		out = append(out, name(r))
	}
	text := strings.Join(out, separator)
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

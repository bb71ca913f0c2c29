package publish_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/rank"
	"github.com/regsweep/regsweep/internal/report"
)

// ranking is one of two repositories.
func ranking() rank.Ranking {
	return rank.Ranking{
		Source: rank.FromRegistry, Asked: "registry.example.com", Started: testNow, Bytes: 12288,
		Repositories: []rank.Row{{Path: "team/app", Tags: 2, Manifests: 2, Blobs: 4, Own: 8192}, {Path: "team/web", Tags: 1, Manifests: 1, Blobs: 2, Own: 4096}},
	}
}

// checks are those of a repository that a prune would fail for.
func checks() report.Checks {
	return report.Checks{Started: testNow, Sections: []report.CheckSection{{
		About: report.AboutRepository, Name: "registry.example.com/team/app",
		Lines: []report.CheckLine{{Topic: report.TopicDelete, State: report.CheckProblem, Text: "deleting is switched off"}},
	}}}
}

// A ranking and a check are on standard output and in the files, in the form of each, and in no place of the CI system.
func TestOtherReports(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		show func(p *places)
		as   func(form report.Form) (string, error)
	}{
		{
			"ranking", func(p *places) { p.Ranking(ranking(), 1) },
			func(form report.Form) (string, error) {
				var b bytes.Buffer
				err := report.WriteRanking(&b, form, ranking(), report.RankingOptions{Top: 1})
				return b.String(), err
			},
		},
		{
			"checks", func(p *places) { p.Checks(checks()) },
			func(form report.Form) (string, error) {
				var b bytes.Buffer
				err := report.WriteChecks(&b, form, checks(), 0)
				return b.String(), err
			},
		},
	} {
		for _, form := range []report.Form{report.FormTable, report.FormJSON} {
			p := newPlaces(t, ci.GitHub, form, "a.json", "a.md")
			c.show(p)
			for place, form := range map[string]report.Form{"stdout": form, "a.json": report.FormJSON, "a.md": report.FormMarkdown} {
				want, err := c.as(form)
				if err != nil {
					t.Fatal(err)
				}
				got := p.stdout.String()
				if place != "stdout" {
					got = get(p.at(place))
				}
				if got != want {
					t.Errorf("%s: %s has\n%s\nwant\n%s", c.name, place, got, want)
				}
			}
			for place, text := range p.all(t) {
				if (place == "summary" || place == "output" || place == "results") && !strings.HasPrefix(text, "unreadable") || place == "stderr" && text != "" {
					t.Errorf("%s: %s has %q", c.name, place, text)
				}
			}
		}
	}
}

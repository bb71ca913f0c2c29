package publish_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/report"
)

// attack is what a registry may answer: it clears the screen, and has a command of each CI system, or an output, at the
// beginning of a line.
const attack = "::error::one\r\n::set-output name=deleted::99\r\ndeleted=99\r\n##vso[task.setvariable variable=deleted]99\n##[error]two\x1b[2J\u009b31m\u202e\a"

// attacked are runs with that text wherever one from a registry can be: one that has read the repository, and one that could not.
func attacked() map[string]report.Summary {
	read, unread := ran(), ran()
	one := &read.Repositories[0]
	one.Name.Path, one.Err, one.Warnings = attack, errors.New(attack), []string{attack}
	for i := range one.Plan.Decisions {
		d := &one.Plan.Decisions[i]
		d.Image.Tags = []string{attack}
		d.Reasons[0].Detail = attack
		if _, deleted := one.Outcomes[d.Image.Digest]; deleted {
			one.Outcomes[d.Image.Digest] = prune.Outcome{Status: prune.Failed, Detail: attack}
		}
	}
	unread.Repositories[0] = report.Outcome{Name: one.Name, Err: errors.New(attack)}
	read.ExitCode, unread.ExitCode = 1, 1
	return map[string]report.Summary{"read": read, "not read": unread}
}

// ours begins the lines that regsweep itself wants a terminal or a CI system to act upon.
var ours = regexp.MustCompile(`^(::group::|::endgroup::$|::(error|warning) title=regsweep::|##\[group\]|##\[endgroup\]$|` +
	`##vso\[task\.(uploadsummary|setvariable variable=\w+;isOutput=true|logissue type=\w+)\]|\x1b\[0Ksection_(start|end):\d+:regsweep\r\x1b\[0K)`)

// Texts of a registry reach neither a terminal nor a CI system as something to act upon, on any system and in any form that
// people read, in any stream or file.
func TestTextsOfRegistryAreInert(t *testing.T) {
	t.Parallel()
	for _, system := range ci.Names() {
		for _, form := range []report.Form{report.FormTable, report.FormMarkdown, report.FormLine, report.FormJSON} {
			for name, sum := range attacked() {
				t.Run(fmt.Sprint(system, " ", form, " ", name), func(t *testing.T) {
					t.Parallel()
					p := newPlaces(t, system, form, everyReport...)
					p.Summary(sum)
					for place, text := range p.all(t) {
						if !strings.Contains(text, "one") && !strings.HasPrefix(text, "unreadable") && place != "stderr" && place != "output" {
							t.Errorf("%s does not have the text at all: %q", place, text)
						}
						if place != "output" {
							inert(t, place, text)
						} else if strings.Contains(text, "\ndeleted=") || strings.Contains(text, "\r") { // of this file, lines count
							t.Errorf("an output is forged:\n%q", text)
						}
					}
				})
			}
		}
	}
}

// inert fails the test where a text has something to act upon that is not ours.
func inert(t *testing.T, place, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		rest := ours.ReplaceAllString(strings.TrimSuffix(line, "\n"), "")
		command := strings.HasPrefix(strings.TrimSpace(rest), "::") || strings.Contains(rest, "##[") || strings.Contains(rest, "##vso[")
		if command || strings.ContainsAny(rest, "\x1b\r\a\u009b\u202e") {
			t.Errorf("%s has %q", place, line)
		}
	}
}

// A ranking, a check and a plan are as inert as a summary.
func TestOtherTextsAreInert(t *testing.T) {
	t.Parallel()
	p := newPlaces(t, ci.GitHub, report.FormTable)
	r := ranking()
	r.Asked, r.Err = attack, errors.New(attack)
	r.Repositories[0].Path = attack
	p.Ranking(r, 0)
	c := checks()
	c.Sections[0].Name, c.Sections[0].Product, c.Sections[0].Lines[0].Text, c.Sections[0].Lines[0].Err = attack, attack, attack, errors.New(attack)
	p.Checks(c)
	if err := p.Console.Plan(attacked()["read"]); err != nil {
		t.Error(err)
	}
	for place, text := range map[string]string{"stdout": p.stdout.String(), "stderr": p.stderr.String()} {
		if !strings.Contains(text, "one") {
			t.Errorf("%s does not have the text: %q", place, text)
		}
		inert(t, place, text)
	}
}

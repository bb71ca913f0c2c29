package publish_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
)

// A terminal gets messages in lines that fit, broken between words, and nothing of them is lost.
func TestMessagesOnTerminal(t *testing.T) {
	t.Parallel()
	address := "https://registry.example.com/" + strings.Repeat("v2/", 50) // longer than each terminal's line
	for name, message := range map[string]string{
		"words":           wordy,
		"an address":      "see " + address + " for more " + wordy,
		"a hostile text":  "\x1b[2J\r\n::error:: " + wordy,
		"what just fits":  strings.Repeat("x", 80-len("regsweep: warning: ")),
		"one letter more": strings.Repeat("x", 80-len("regsweep: warning: ")-1) + " y",
	} {
		for _, columns := range []int{80, 120} {
			for way, say := range map[string]func(c *publish.Console){
				"alone":    func(c *publish.Console) { c.Warningf("%s", message) },
				"together": func(c *publish.Console) { c.Together(func(c *publish.Console) { c.Warningf("%s", message) }) },
			} {
				t.Run(fmt.Sprint(name, " ", way, " in ", columns, " columns"), func(t *testing.T) {
					t.Parallel()
					program, written := terminal(t, uint16(columns))
					say(publish.NewConsole(program, now))
					text := written()
					lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
					for i, line := range lines {
						if n := utf8.RuneCountInString(line); n > columns && !strings.Contains(line, address) {
							t.Errorf("%d characters: %q", n, line)
						}
						if strings.HasPrefix(line, "  ") == (i == 0) {
							t.Errorf("line %d is %q", i, line)
						}
					}
					if got, want := strings.Fields(text), strings.Fields("regsweep: warning: "+report.Visible(message)); !slices.Equal(got, want) {
						t.Errorf("the words are %q, want %q", got, want)
					}
					if one := len("regsweep: warning: "+message) <= columns; one != (len(lines) == 1) {
						t.Errorf("%d lines: %q", len(lines), lines)
					}
				})
			}
		}
	}
}

// Reports are as wide as the terminal of standard output, whose lines they do not leave to the terminal to break.
func TestReportsOnTerminal(t *testing.T) {
	t.Parallel()
	wide := ran()
	wide.Policy, wide.Repositories[0].Policy = wordy, wordy
	narrow := checks()
	narrow.Sections[0].Lines[0].Text = wordy
	unread := ranking()
	unread.Asked = wordy
	for name, show := range map[string]func(s publish.Sinks){
		"summary": func(s publish.Sinks) { s.Summary(wide) },
		"ranking": func(s publish.Sinks) { s.Ranking(unread, 0) },
		"checks":  func(s publish.Sinks) { s.Checks(narrow) },
		"plan":    func(s publish.Sinks) { _ = s.Console.Plan(wide) },
	} {
		for _, columns := range []int{80, 120} {
			t.Run(fmt.Sprint(name, " in ", columns, " columns"), func(t *testing.T) {
				t.Parallel()
				program, written := terminal(t, uint16(columns))
				show(publish.Sinks{Out: program, Form: report.FormTable, Console: publish.NewConsole(program, now)})
				widest := 0
				for line := range strings.Lines(written()) {
					widest = max(widest, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
				}
				if widest > columns || widest < columns-len("terminal") {
					t.Errorf("the widest line has %d characters", widest)
				}
			})
		}
	}
}

package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestManual compares the manual page with the command line, and its lines with the few requests that it uses.
func TestManual(t *testing.T) {
	t.Parallel()
	got := start(t.Context(), World{Args: []string{"man"}})
	if got.code != exitDone || got.stderr != "" {
		t.Fatalf("exit code %d, says %s", got.code, got.stderr)
	}
	page := got.stdout
	for line := range strings.Lines(page) {
		request, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch request {
		case ".TH", ".ad", ".SH", ".SS", ".TP", ".B", ".BI", ".I", ".br":
		case "":
			t.Errorf("an empty line, or one that begins with a space: %q", line)
		default:
			if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") || strings.Contains(line, "${") {
				t.Errorf("not a line of text: %q", line)
			}
		}
	}
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	sections := strings.Split(page, "\n.SH ")
	for _, s := range sections[1:] {
		name, _, _ := strings.Cut(s, "\n")
		order = append(order, strings.Trim(name, `"`))
	}
	want := []string{
		"NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "ENVIRONMENT", "EXIT STATUS",
		"REGSWEEP PRUNE", "REGSWEEP CHECK", "REGSWEEP RANK", "REGSWEEP GC", "REGSWEEP REPORT", "FILES", "SEE ALSO",
	}
	if !slices.Equal(order, want) {
		t.Errorf("got the sections %q, want %q", order, want)
	}
	for _, c := range parser.Model.Children {
		at := ""
		for _, s := range sections {
			if strings.HasPrefix(s, `"REGSWEEP `+strings.ToUpper(c.Name)+`"`) {
				at = s
			}
		}
		if (at == "") != c.Hidden {
			t.Errorf("the page has a section on %s: %t", c.Name, at != "")
		}
		for _, f := range c.Flags {
			name := roff("--" + f.Name)
			if at != "" && !strings.Contains(at, "\n.B \""+name+"\"\n") && !strings.Contains(at, "\n.BI \""+name+" \"") {
				t.Errorf("the section on %s does not name --%s", c.Name, f.Name)
			}
		}
	}
}

func TestRoff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		".TH of nothing":    `\&.TH of nothing`,
		"'quoted'":          `\&'quoted'`,
		`a\fBb`:             `a\efBb`,
		"--keep-last \"5\"": `\-\-keep\-last \(dq5\(dq`,
		"two\n.lines":       "two .lines",
		"…":                 `\[u2026]`,
	} {
		if got := roff(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

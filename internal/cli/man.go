package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/publish"
)

// manCommand prints the manual page, which is made of the command line itself: regsweep man | man -l -
type manCommand struct{}

// run writes the page and returns the exit code.
func (*manCommand) run(_ context.Context, w World, _ *publish.Console) (int, error) {
	parser, err := kong.New(&commandLine{}, kong.Name("regsweep"), kong.Description(description()), kong.ExplicitGroups(groups), kong.Vars{"version": ""})
	if err == nil {
		_, err = io.WriteString(w.Stdout, manual(parser.Model, w.version()))
	}
	if err != nil {
		err = fmt.Errorf("write the manual page: %w", err)
	}
	return 0, err
}

// manual is the page in the macros of man(7).
func manual(app *kong.Application, version string) string {
	b := &strings.Builder{}
	summary, rest, _ := strings.Cut(app.Help, "\n\n")
	fmt.Fprintf(b, ".TH REGSWEEP 1 \"\" \"regsweep %s\" \"User Commands\"\n", roff(version))
	fmt.Fprintf(b, ".SH NAME\nregsweep \\- prune images from container registries\n")
	fmt.Fprintf(b, ".SH SYNOPSIS\n")
	for _, c := range app.Children {
		if !c.Hidden {
			fmt.Fprintf(b, ".B regsweep %s\n%s\n.br\n", roff(c.Name), roff(arguments(c)+" [flags]"))
		}
	}
	fmt.Fprintf(b, ".SH DESCRIPTION\n%s\n.PP\n%s\n", roff(summary), roff(rest))
	for _, c := range app.Children {
		if !c.Hidden {
			manualOf(b, c)
		}
	}
	fmt.Fprintf(b, ".SH EXIT STATUS\n")
	for _, e := range exits {
		fmt.Fprintf(b, ".TP\n.B %d\n%s\n", e.code, roff(e.what))
	}
	fmt.Fprintf(b, ".SH SEE ALSO\n%s\n", roff("https://github.com/regsweep/regsweep"))
	return b.String()
}

// manualOf is the section of one command: its arguments, then its flags under the headings of --help.
func manualOf(b *strings.Builder, c *kong.Node) {
	fmt.Fprintf(b, ".SH \"REGSWEEP %s\"\n%s\n", roff(strings.ToUpper(c.Name)), roff(c.Help))
	for _, a := range c.Positional {
		fmt.Fprintf(b, ".TP\n.I %s\n%s\n", roff(a.Name), roff(a.Help))
	}
	for _, g := range groups {
		begun := false
		for _, f := range c.Flags {
			if f.Hidden || f.Group == nil || f.Group.Key != g.Key {
				continue
			}
			if !begun {
				fmt.Fprintf(b, ".SS \"%s\"\n", roff(g.Title))
				begun = true
			}
			fmt.Fprintf(b, ".TP\n.B %s", roff("--"+f.Name))
			if !f.IsBool() {
				fmt.Fprintf(b, " %s", roff(f.FormatPlaceHolder()))
			}
			fmt.Fprintf(b, "\n%s\n", roff(f.Help))
		}
	}
}

// arguments shows what a command takes beside flags.
func arguments(c *kong.Node) string {
	var out []string
	for _, a := range c.Positional {
		out = append(out, a.Summary())
	}
	return strings.Join(out, " ")
}

// roff escapes text for a line of its own, or for a quoted argument of a macro: nothing in it is a request.
func roff(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '"':
			b.WriteString(`\(dq`)
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	if out := b.String(); strings.HasPrefix(out, ".") || strings.HasPrefix(out, "'") {
		return `\&` + out
	}
	return b.String()
}

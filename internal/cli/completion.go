package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/publish"
)

// completionCommand prints what a shell needs to complete the command line, made of the command line itself.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// run writes the script and returns the exit code. The script stands alone: at a tab no regsweep is started.
func (c *completionCommand) run(_ context.Context, w World, _ *publish.Console) (int, error) {
	parser, err := kong.New(&commandLine{}, kong.Name("regsweep"), kong.Vars{"version": ""})
	if err == nil {
		script := map[string]func([]offer) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
		_, err = io.WriteString(w.Stdout, script(offers(parser.Model)))
	}
	if err != nil {
		err = fmt.Errorf("write the completion: %w", err)
	}
	return 0, err
}

// offer is what there is to complete of a command.
type offer struct {
	command, help string
	files         bool // its arguments are files
	flags         []flagOffer
}

// flagOffer is a flag, and what there is to complete of its value.
type flagOffer struct {
	name, help  string
	placeholder string // empty: it takes no value
	values      []string
	files, dirs bool
	repeatable  bool
}

// offers are the commands that --help shows. The first is the default command: its flags also go without its name.
func offers(app *kong.Application) []offer {
	var out []offer
	for _, c := range app.Children {
		if c.Hidden {
			continue
		}
		o := offer{command: c.Name, help: headline(c.Help)}
		for _, a := range c.Positional {
			o.files = o.files || a.Name == "file"
		}
		for _, group := range c.AllFlags(true) {
			for _, f := range group {
				o.flags = append(o.flags, offerOf(f))
			}
		}
		if c == app.DefaultCmd {
			out = append([]offer{o}, out...)
		} else {
			out = append(out, o)
		}
	}
	return out
}

func offerOf(f *kong.Flag) flagOffer {
	o := flagOffer{name: "--" + f.Name, help: headline(f.Help), repeatable: f.IsCumulative()}
	if f.IsBool() {
		return o
	}
	o.placeholder = f.FormatPlaceHolder()
	values := f.Enum
	if values == "" {
		values = f.Tag.Get("values") // of a type that reads its words itself
	}
	if values != "" {
		o.values = strings.Split(values, ",")
	}
	o.files = strings.HasPrefix(o.placeholder, "FILE")
	o.dirs = o.placeholder == "DIR"
	return o
}

// headline is what fits beside a word in a list: the first clause of a help text.
func headline(help string) string {
	for _, end := range []string{". ", "; ", ": "} {
		help, _, _ = strings.Cut(help, end)
	}
	return strings.TrimSuffix(help, ".")
}

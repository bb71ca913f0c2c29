package cli

import (
	"context"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/publish"
)

// completionScripts are what a shell runs at a tab: they ask "regsweep completion words" and show the answer.
//
//go:embed completion
var completionScripts embed.FS

// completionCommand prints the script for a shell, or, for the scripts, what can stand in the place of the last word.
type completionCommand struct {
	Shell string   `arg:"" enum:"bash,zsh,fish,words" help:"bash, zsh or fish."`
	Words []string `arg:"" optional:"" sep:"none" help:"The words of a command line after regsweep, up to the cursor."`
}

// run writes the script or the words and returns the exit code.
func (c *completionCommand) run(_ context.Context, w World, _ *publish.Console) (int, error) {
	text, err := c.text(w)
	if err == nil {
		_, err = io.WriteString(w.Stdout, text)
	}
	if err != nil {
		err = fmt.Errorf("write the completion: %w", err)
	}
	return 0, err
}

func (c *completionCommand) text(w World) (string, error) {
	if c.Shell != "words" {
		script, err := completionScripts.ReadFile("completion/regsweep." + c.Shell)
		return string(script), err
	}
	parser, err := newParser(&commandLine{}, w)
	if err != nil {
		return "", err
	}
	return strings.Join(complete(parser.Model, c.Words), ""), nil
}

// Instead of words, the answer of complete can be one of these lines: the shell then completes names itself.
const (
	anyFile      = ":files\n"
	anyDirectory = ":directories\n"
)

// complete returns what the last of the words can become, a line each: the word, and after a tab what it means.
func complete(app *kong.Application, words []string) []string {
	current, before := "", slices.Clone(words)
	if n := len(before); n > 0 {
		current, before = before[n-1], before[:n-1]
	}
	before = slices.DeleteFunc(before, func(w string) bool { return w == "=" }) // where bash splits --flag=value
	if current == "=" {
		current = ""
	}
	if len(before) == 0 && !strings.HasPrefix(current, "-") {
		return completeCommand(app, current)
	}
	command := app.DefaultCmd
	for _, c := range app.Children {
		if len(before) > 0 && c.Name == before[0] && !c.Hidden {
			command = c
		}
	}
	flags := slices.Concat(command.AllFlags(true)...)
	if name, value, ok := strings.Cut(current, "="); ok {
		before, current = append(before, name), value
	}
	if i := slices.IndexFunc(flags, func(f *kong.Flag) bool {
		return len(before) > 0 && before[len(before)-1] == "--"+f.Name && !f.IsBool()
	}); i >= 0 {
		return completeValue(flags[i], current)
	}
	if strings.HasPrefix(current, "-") {
		var out []string
		for _, f := range flags {
			out = append(out, candidate("--"+f.Name, current, f.Help)...)
		}
		return out
	}
	if slices.ContainsFunc(command.Positional, func(a *kong.Value) bool { return a.Name == "file" }) {
		return []string{anyFile}
	}
	return nil
}

func completeCommand(app *kong.Application, current string) []string {
	var out []string
	for _, c := range app.Children {
		if !c.Hidden {
			out = append(out, candidate(c.Name, current, c.Help)...)
		}
	}
	return out
}

// completeValue returns what the value of a flag can become.
func completeValue(f *kong.Flag, current string) []string {
	values := f.Enum
	if values == "" {
		values = f.Tag.Get("values") // of a type that reads its words itself
	}
	switch placeholder := f.FormatPlaceHolder(); {
	case values != "":
		var out []string
		for v := range strings.SplitSeq(values, ",") {
			out = append(out, candidate(v, current, "")...)
		}
		return out
	case strings.HasPrefix(placeholder, "FILE"):
		return []string{anyFile}
	case placeholder == "DIR":
		return []string{anyDirectory}
	}
	return nil
}

// candidate returns the line of a word if it begins with what is typed.
func candidate(word, typed, help string) []string {
	if !strings.HasPrefix(word, typed) {
		return nil
	}
	if help = headline(help); help != "" {
		word += "\t" + help
	}
	return []string{fmt.Sprintln(word)}
}

// headline returns the first clause of a help text, which is short enough for a list.
func headline(help string) string {
	for _, end := range []string{". ", "; ", ": "} {
		help, _, _ = strings.Cut(help, end)
	}
	return strings.TrimSuffix(help, ".")
}

// Package cli reads the command line and the environment, calls package run, shows the result with package publish, and
// returns the exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// World is everything outside the program that it may use; tests make their own.
type World struct {
	// Args are the command line without the program's name.
	Args []string
	// Getenv returns a variable of the environment, "" if it is not set. Environ returns all of them as NAME=value.
	Getenv  func(string) string
	Environ func() []string
	// Now is the clock.
	Now func() time.Time
	// Deadline ends a context after so long with a cause; nil does so by the system's clock.
	Deadline func(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc)
	// Hurry is closed when a cancelled run has to end at once, with its report; nil never is.
	Hurry <-chan struct{}
	// Stdin may be nil.
	Stdin io.Reader
	// IsTerminal tells whether a stream is a terminal; nil finds out.
	IsTerminal     func(stream any) bool
	Stdout, Stderr io.Writer
	// Version is the version of a release; "" means the version that Go recorded.
	Version string
	// Process names this process for the lock of a garbage collection.
	Process string
}

// Main is the whole program: it returns the exit code.
func Main(ctx context.Context, w World) int {
	console := publish.NewConsole(w.Stderr, w.Now)
	var flags commandLine
	exited := -1
	fromEnv := map[string]string{}
	parser, err := newParser(&flags, w,
		kong.Writers(w.Stdout, w.Stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.Resolvers(environment(w.Getenv, fromEnv)),
	)
	if err != nil { // the declaration of a flag is wrong
		err = fmt.Errorf("set up the command line: %w", err)
		sayBadInput(w, console, err)
		return codeOfCommand(0, err)
	}
	if err := slip(w.Args, parser.Model); err != nil {
		command := "prune"
		if slices.Contains(commands(parser.Model), w.Args[0]) {
			command = w.Args[0]
		}
		sayUsage(w, console, err, nil, command)
		return codeOfCommand(0, err)
	}
	parsed, err := parser.Parse(asWords(w.Args, parser.Model))
	switch {
	case exited >= 0: // --help or --version
		return exited
	case err != nil:
		sayUsage(w, console, err, fromEnv, "prune")
		return codeOfCommand(0, err)
	}
	warnings, err := checkVariables(w.Environ(), parser.Model)
	for _, warning := range warnings {
		console.Warningf("%s", warning)
	}
	if err != nil {
		sayBadInput(w, console, err)
		return codeOfCommand(0, err)
	}
	code, err := parsed.Selected().Target.Addr().Interface().(command).run(ctx, w, console)
	if err != nil {
		sayBadInput(w, console, err)
		if len(w.Args) == 0 && len(fromEnv) == 0 && errors.Is(err, retain.ErrNoKeepRule) { // somebody wants to know what this is
			return codeOfCommand(code, errors.Join(err, printUsage(w)))
		}
	}
	return codeOfCommand(code, err)
}

// printUsage prints the usage on standard error.
func printUsage(w World) error {
	var flags commandLine
	parser, err := newParser(&flags, w, kong.Writers(w.Stderr, w.Stderr), kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	_, err = parser.Parse([]string{"--help"})
	return err
}

// newParser makes the parser of the command line.
func newParser(flags *commandLine, w World, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(flags, append([]kong.Option{
		kong.Name("regsweep"),
		kong.Description(description()),
		kong.Vars{"version": "regsweep " + w.version()},
		kong.ExplicitGroups(groups),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
	}, more...)...)
}

// command is what each command of [commandLine] is.
type command interface {
	// run executes the command and returns the exit code. An error means bad input: nothing was done.
	run(ctx context.Context, w World, console *publish.Console) (int, error)
}

// environment resolves a flag that is not on the command line from the environment, where an empty string means
// unset. It notes which flags it set, for the hint that an error needs.
func environment(getenv func(string) string, set map[string]string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if flag.Name == "help" || flag.Name == "version" {
			return nil, nil
		}
		value, source, ok := ci.Input(getenv, flag.Name)
		if !ok {
			return nil, nil
		}
		set[flag.Name] = source
		return value, nil
	})
}

// sayBadInput prints what is wrong with the input, and annotates the page of a CI system's run, because bad input has no
// summary.
func sayBadInput(w World, console *publish.Console, err error) {
	console.Errorf("%v", err)
	if h := report.Hint(err); h != "" {
		console.Hintf("%s", h)
	}
	system, unknown := ci.Detect(w.Getenv, "") // --ci may be what is wrong
	if unknown == nil {
		unknown = publish.Annotate(system, console, ci.Error, report.Visible(err.Error()))
	}
	if unknown != nil {
		console.Warningf("%v", unknown)
	}
}

// sayUsage reports a command line that cannot be parsed, and says which flags came from the environment.
func sayUsage(w World, console *publish.Console, err error, fromEnv map[string]string, command string) {
	var parse *kong.ParseError
	known := errors.As(err, &parse)
	if known && parse.Context.Selected() != nil {
		command = parse.Context.Selected().Name
	}
	sayBadInput(w, console, explainUnknown(hintAtGoneFlag(err)))
	if known && len(fromEnv) > 0 {
		var from []string
		for _, flag := range slices.Sorted(maps.Keys(fromEnv)) {
			from = append(from, fmt.Sprintf("--%s from %s", flag, fromEnv[flag]))
		}
		console.Hintf("set by the environment: %s", strings.Join(from, ", "))
	}
	console.Hintf("regsweep %s --help lists the flags", command)
}

// Command regsweep is the step after docker push: it keeps the images that a repository needs, deletes the rest from
// the registry, and says what it did and why.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/report"
)

func main() {
	sparing()
	signal.Ignore(syscall.SIGPIPE) // whoever reads the output may leave; the reports are still written
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, process{
		args: os.Args[1:], getenv: os.Getenv, now: time.Now,
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	}))
}

// sparing lets garbage lie as long as there is little of it, and collects it early in a repository of 100,000 images: less
// processor time on a usual run, and a peak well below 400 MB. The environment goes before it.
func sparing() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(300)
		debug.SetMemoryLimit(250 << 20)
	}
}

// process is what the program has of the world; tests make their own.
type process struct {
	args           []string
	getenv         func(string) string
	now            func() time.Time
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run is the whole program: it returns the exit code.
func run(ctx context.Context, p process) int {
	say := talk{p.stderr}
	var flags cli
	exited := -1
	fromEnv := map[string]string{}
	parser, err := kong.New(&flags,
		kong.Name("regsweep"),
		kong.Description(description),
		kong.Vars{"version": "regsweep " + versionString()},
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.ExplicitGroups(groups),
		kong.Resolvers(environment(p.getenv, fromEnv)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
	)
	if err != nil {
		say.errorf("set up the command line: %v", err) // a mistake in the flags' own declaration
		return exitUsage
	}
	parsed, err := parser.Parse(p.args)
	switch {
	case exited >= 0: // --help or --version
		return exited
	case err != nil:
		return usageError(p, say, err, fromEnv)
	}
	return parsed.Selected().Target.Addr().Interface().(command).run(ctx, p, say)
}

// command is what each command of [cli] is.
type command interface {
	run(ctx context.Context, p process, say talk) int
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

// badInput says what is wrong with what was asked for, also on the page of a CI's run, and returns the exit code. There
// is no summary then that could say it.
func badInput(p process, say talk, err error, advice string) int {
	say.errorf("%v", err)
	if advice != "" {
		say.hintf("%s", advice)
	}
	system, unknown := ci.Detect(p.getenv, "") // --ci may be what is wrong
	if unknown == nil {
		unknown = system.Annotate(p.stderr, ci.Error, "regsweep", report.Visible(err.Error()))
	}
	if unknown != nil {
		say.warningf("%v", unknown)
	}
	return exitUsage
}

// usageError reports bad input in one line and says which flags came from the environment.
func usageError(p process, say talk, err error, fromEnv map[string]string) int {
	badInput(p, say, err, "")
	var parse *kong.ParseError
	known, command := errors.As(err, &parse), "prune"
	if known && parse.Context.Selected() != nil {
		command = parse.Context.Selected().Name
	}
	if known && len(fromEnv) > 0 {
		var from []string
		for _, flag := range sortedKeys(fromEnv) {
			from = append(from, fmt.Sprintf("--%s from %s", flag, fromEnv[flag]))
		}
		say.hintf("set by the environment: %s", strings.Join(from, ", "))
	}
	say.hintf("regsweep %s --help lists the flags", command)
	return exitUsage
}

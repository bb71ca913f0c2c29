package cli

import (
	"bufio"
	"context"
	"io"
	"strings"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
)

// asks reports whether to ask before anything is deleted: when a person runs regsweep by hand at a terminal. A pipeline is
// never asked, because nobody would answer.
func (c *pruneCommand) asks(w World, system ci.System) bool {
	isTerminal := w.IsTerminal
	if isTerminal == nil {
		isTerminal = publish.IsTerminal
	}
	return !c.Yes && !c.DryRun && c.Explain == "" && system.Name == ci.None && w.Getenv("CI") == "" && isTerminal(w.Stdin) && isTerminal(w.Stderr)
}

// confirm shows the plan, and asks whether to carry it out. Every answer but yes is no, and so are the end of the input
// and of the run's time.
func (a *asked) confirm(stdin io.Reader) func(context.Context, report.Summary) bool {
	return func(ctx context.Context, plan report.Summary) bool {
		console := a.sinks.Console
		a.sayPolicy(&plan)
		if err := console.Plan(plan); err != nil {
			return false
		}
		question := "regsweep: delete " + plural(plan.Totals().Planned, "image", "images")
		if n := len(plan.Repositories); n > 1 {
			question += " of " + plural(n, "repository", "repositories")
		}
		if a.job.GC != nil {
			question += " and run garbage collection, which stops the registry"
		}
		console.Raw("\n" + question + "? [y/N] ")
		answer := make(chan string, 1)
		go func() { // it cannot be interrupted, and ends with the process
			line, _ := bufio.NewReader(stdin).ReadString('\n')
			answer <- strings.ToLower(strings.TrimSpace(line))
		}()
		select {
		case said := <-answer:
			return said == "y" || said == "yes"
		case <-ctx.Done():
			console.Raw("\n")
			return false
		}
	}
}

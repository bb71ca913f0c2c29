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

// atTerminal reports whether a person runs regsweep by hand at a terminal, who is asked before anything is deleted. A pipeline
// is never asked, because nobody would answer.
func atTerminal(w World, system ci.System) bool {
	return system.Name == ci.None && w.Getenv("CI") == "" && w.terminal(w.Stdin) && w.terminal(w.Stderr)
}

// confirmation asks whether to carry out a plan.
type confirmation struct {
	console *publish.Console
	// sayPolicy notes in a summary what is kept, and where that is from.
	sayPolicy func(*report.Summary)
	collect   bool // garbage is collected after it
}

// ask shows the plan, and asks whether to carry it out. Every answer but yes is no, and so are the end of the input and of
// the run's time.
func (c confirmation) ask(stdin io.Reader) func(context.Context, report.Summary) bool {
	return func(ctx context.Context, plan report.Summary) bool {
		console := c.console
		c.sayPolicy(&plan)
		if err := console.Plan(plan); err != nil {
			return false
		}
		question := "regsweep: delete " + plural(plan.Totals().Planned, "image", "images")
		if n := len(plan.Repositories); n > 1 {
			question += " of " + plural(n, "repository", "repositories")
		}
		if c.collect {
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

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
)

// reportCommand is the command line of report.
type reportCommand struct {
	Files []string `arg:"" name:"file" help:"JSON reports of earlier runs (--report x.json); - is standard input. Each repository may be in one file only."`

	reporting
}

// run writes one report of several and returns the most severe of their exit codes.
func (c *reportCommand) run(_ context.Context, w World, console *publish.Console) (int, error) {
	sinks := publish.Sinks{Out: w.Stdout, Form: report.Form(c.Output), All: c.All, Color: c.color(w), Console: console, Getenv: w.Getenv, Now: w.Now}
	sum, err := c.merged(w.Stdin, console)
	if err == nil {
		if sinks.CI, err = ci.Detect(w.Getenv, c.CI); err != nil {
			err = fmt.Errorf("--ci: %w", err)
		}
	}
	if err == nil { // only now, because a file can be both read and written
		sinks.Files, err = publish.OpenFiles(c.Report, report.FormOf)
	}
	if err != nil {
		return 0, err
	}
	sum.CI.Mermaid = sinks.CI.Mermaid() // of the system that shows it
	sinks.Summary(sum)
	return sum.ExitCode, nil
}

// merged reads the reports into one.
func (c *reportCommand) merged(stdin io.Reader, console *publish.Console) (report.Summary, error) {
	var all []report.Summary
	from := map[oci.Repository]int{}
	for i, path := range c.Files {
		one, err := readJSONReport(path, stdin)
		if err != nil {
			return report.Summary{}, fmt.Errorf("%s: %w", path, err)
		}
		if len(all) > 0 && one.DryRun != all[0].DryRun {
			return report.Summary{}, fmt.Errorf("%s and %s: one is a dry run and the other is not, so their numbers do not add up", c.Files[0], path)
		}
		for _, r := range one.Repositories {
			if other, twice := from[r.Name]; twice && other != i {
				return report.Summary{}, fmt.Errorf("%s and %s: both cover %s; pass one report for each repository", c.Files[other], path, r.Name)
			}
			from[r.Name] = i
		}
		all = append(all, one)
	}
	if missing := report.MissingShards(all); missing != "" {
		console.Warningf("%s missing: the numbers cover only the others", missing)
	}
	sum := report.Merge(all)
	sum.ExitCode = codeOfReports(all)
	sum.CI = ciOf(ci.System{Name: sum.CI.Name, BuildURL: sum.CI.BuildURL})
	return sum, nil
}

func readJSONReport(path string, stdin io.Reader) (report.Summary, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return report.Summary{}, errors.Unwrap(err) // without the path, which the caller adds
		}
		defer f.Close()
		in = f
	}
	sum, err := report.ReadJSON(in)
	if err == nil && !isExitCode(sum.ExitCode) {
		err = fmt.Errorf("read JSON report: %d is not an exit code of regsweep", sum.ExitCode)
	}
	return sum, err
}

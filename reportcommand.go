package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/report"
)

// reportCommand is the command line of report.
type reportCommand struct {
	Files []string `arg:"" name:"file" help:"JSON reports that regsweep wrote (--report x.json); - is standard input. They must be about different repositories."`

	reporting
}

// run writes one report of several and returns the gravest of their exit codes, so that the job that collects them ends
// as the worst of the jobs that made them.
func (c *reportCommand) run(_ context.Context, p process, say talk) int {
	s, sum, err := c.session(p, say)
	if err != nil {
		return badInput(p, say, err, "")
	}
	return s.publish(sum)
}

// session reads the reports before it opens any that is to be written: one may be both.
func (c *reportCommand) session(p process, say talk) (*session, report.Summary, error) {
	s := &session{process: p, say: say, form: report.Form(c.Output)}
	sum, err := c.merged(p.stdin, say)
	if err != nil {
		return nil, sum, err
	}
	if s.system, err = ci.Detect(p.getenv, c.CI); err != nil {
		return nil, sum, fmt.Errorf("--ci: %w", err)
	}
	s.outputs, err = openOutputs(c.Report, report.FormOf)
	return s, sum, err
}

// merged reads the reports into one.
func (c *reportCommand) merged(stdin io.Reader, say talk) (report.Summary, error) {
	var all []report.Summary
	code := exitDone
	from := map[oci.Repository]int{}
	for i, path := range c.Files {
		one, err := readJSONReport(path, stdin)
		if err != nil {
			return report.Summary{}, fmt.Errorf("%s: %w", path, err)
		}
		if len(all) > 0 && one.DryRun != all[0].DryRun {
			return report.Summary{}, fmt.Errorf("%s and %s: one is of a dry run, the other is not; their numbers do not add up", c.Files[0], path)
		}
		for _, r := range one.Repositories {
			if other, twice := from[r.Name]; twice && other != i {
				return report.Summary{}, fmt.Errorf("%s and %s: both are about %s; give one report of each repository", c.Files[other], path, r.Name)
			}
			from[r.Name] = i
		}
		all, code = append(all, one), worse(code, one.ExitCode)
	}
	if missing := report.MissingShards(all); missing != "" {
		say.warningf("%s missing: the numbers are those of the others", missing)
	}
	sum := report.Merge(all)
	sum.ExitCode = code
	return sum, nil
}

func readJSONReport(path string, stdin io.Reader) (report.Summary, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return report.Summary{}, errors.Unwrap(err) // without the path, which is said already
		}
		defer f.Close()
		in = f
	}
	sum, err := report.ReadJSON(in)
	if err == nil && !isExitCode(sum.ExitCode) {
		err = fmt.Errorf("read JSON report: exit code %d is none of regsweep's", sum.ExitCode)
	}
	return sum, err
}

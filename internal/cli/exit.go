package cli

import (
	"context"
	"errors"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/rank"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/run"
)

// The exit codes. They are part of the contract with pipelines, which can allow one by its number. This is the only file
// that chooses one.
const (
	exitDone      = 0   // success, also if there was nothing to do, and after a dry run
	exitFailed    = 1   // some deletions failed or were not answered, something pushed meanwhile lost a part, or rank could not read some repositories; the report says which
	exitUsage     = 2   // bad input: unknown flag, no keep rule, no image known, a log in the wrong format
	exitRefused   = 3   // a guard refused the plan
	exitRegistry  = 4   // the registry is unreachable, denies access or has deletion disabled; or a failed garbage collection
	exitCancelled = 130 // cancelled; what was done is reported
)

// exits says what the exit codes mean, for --help and the manual.
var exits = []struct {
	code int
	what string
}{
	{exitDone, "Success. Also when there is nothing to delete, and after a dry run."},
	{exitFailed, "Deletions failed or were not answered, or a pushed image lost a part."},
	{exitUsage, "Bad input: an unknown flag, no keep rule, no such repository."},
	{exitRefused, "Refused by a safety check, or a repository cannot be read completely."},
	{exitRegistry, "Registry unreachable, access denied, deletion disabled, or GC failed; or check found why a prune would fail."},
	{exitCancelled, "Cancelled. The report says what was done."},
}

// severity orders exit codes for a run whose repositories ended differently. The problem that a person must check first
// has the highest severity. A partial failure, which the next run may fix, has the lowest.
var severity = map[int]int{exitDone: 0, exitFailed: 1, exitUsage: 2, exitRegistry: 3, exitRefused: 4, exitCancelled: 5}

// worse returns the more severe of two exit codes.
func worse(a, b int) int {
	if severity[b] > severity[a] {
		return b
	}
	return a
}

// isExitCode reports whether a number is an exit code of this program.
func isExitCode(code int) bool {
	_, ok := severity[code]
	return ok
}

// codeOfCommand returns the exit code of a command: its own, or the one for bad input if bad is not nil. It is a refusal
// when the names that still exist are not known: the command line is right, and what another program wrote is not.
func codeOfCommand(code int, bad error) int {
	switch {
	case errors.Is(bad, live.ErrUnusable):
		return exitRefused
	case bad != nil:
		return exitUsage
	}
	return code
}

// codeOf returns the exit code of a run.
func codeOf(s report.Summary) int {
	code := exitDone
	for _, r := range s.Repositories {
		code = worse(code, codeOfRepository(r))
	}
	if s.GC != nil {
		code = worse(code, codeOfError(s.GC.Err))
	}
	if !errors.Is(s.Cause, report.ErrTimeout) || errors.Is(s.Cause, run.ErrNothingRead) {
		code = worse(code, codeOfError(s.Cause))
	}
	return code
}

// codeOfRepository returns the exit code for the result of one repository.
func codeOfRepository(r report.Outcome) int {
	switch {
	case r.Plan != nil && len(r.Plan.Refusals) > 0:
		return exitRefused
	case r.Plan == nil && errors.Is(r.Err, report.ErrTimeout): // the user asked for it, and the next run continues
		return exitDone
	case errors.Is(r.Err, report.ErrTimeout): // what had begun is not finished
		return exitFailed
	case r.Err == nil && r.Troubled():
		return exitFailed
	}
	return codeOfError(r.Err)
}

// codeOfRanking returns the exit code of a ranking.
func codeOfRanking(r rank.Ranking) int {
	if r.Err == nil && len(r.Unread) > 0 {
		return exitFailed
	}
	if code := codeOfError(r.Err); code != exitRefused {
		return code
	}
	return exitRegistry // nothing is refused where nothing is deleted
}

// codeOfChecks returns the exit code of a check: exitDone when a prune would work.
func codeOfChecks(c report.Checks) int {
	code := exitDone
	for _, s := range c.Sections {
		for _, l := range s.Problems() {
			one := codeOfError(l.Err)
			if one == exitRefused || one == exitDone { // nothing is refused where nothing is deleted
				one = exitRegistry
			}
			code = worse(code, one)
		}
	}
	return code
}

// codeOfReports returns the most severe of the exit codes of several runs, so that the job that merges their reports
// ends like the worst of them.
func codeOfReports(all []report.Summary) int {
	code := exitDone
	for _, s := range all {
		code = worse(code, s.ExitCode)
	}
	return code
}

// codeOfError returns the exit code for an error that ended the work; it is exitDone for nil.
func codeOfError(err error) int {
	var unmatched *policy.NoEntryError
	switch {
	case err == nil:
		return exitDone
	case gc.IsDisaster(err): // whatever else happened
		return exitRegistry
	case gc.KindOf(err) == gc.KindRefused:
		return exitRefused
	case errors.Is(err, context.Canceled):
		return exitCancelled
	case errors.Is(err, registry.ErrUnknownRepository), errors.Is(err, run.ErrNoMatch), errors.As(err, &unmatched):
		return exitUsage
	case errors.Is(err, registry.ErrIncomplete), errors.Is(err, prune.ErrRefused),
		errors.Is(err, prune.ErrNoTagDeletion), errors.Is(err, prune.ErrTagDeletion), errors.Is(err, prune.ErrNoPlaceholder),
		errors.Is(err, registry.ErrTagDeletionUnclear), errors.Is(err, prune.ErrNoJournal), errors.Is(err, run.ErrNotDistribution),
		errors.Is(err, prune.ErrLayout):
		return exitRefused
	}
	return exitRegistry
}

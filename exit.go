package main

// The exit codes. They are part of the contract with pipelines, which can allow one by its number.
const (
	exitDone      = 0   // done, also when there was nothing to do, and a dry run
	exitFailed    = 1   // some deletions failed, or some repositories of rank were not read; the report says which
	exitUsage     = 2   // bad input: unknown flag, no keep rule, no image known, a log that is none
	exitRefused   = 3   // a guard refused the plan
	exitRegistry  = 4   // the registry is unreachable, denies, or has deletion disabled
	exitCancelled = 130 // cancelled; what was done is reported
)

// severity orders exit codes when the repositories of a run ended differently: what a person must look at first wins,
// and a partial failure, which the next run may mend, comes last.
var severity = map[int]int{exitDone: 0, exitFailed: 1, exitUsage: 2, exitRegistry: 3, exitRefused: 4, exitCancelled: 5}

// isExitCode reports whether a number is an exit code of this program.
func isExitCode(code int) bool {
	_, ok := severity[code]
	return ok
}

// worse returns the more severe of two exit codes.
func worse(a, b int) int {
	if severity[b] > severity[a] {
		return b
	}
	return a
}

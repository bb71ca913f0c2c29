package ci

import "time"

var buildkite = kind{
	name: Buildkite, found: says("BUILDKITE"), page: page("BUILDKITE_BUILD_URL"),
	// The agent gives 10 s, of which the processes have 9 (https://github.com/buildkite/agent/pull/2696).
	grace: 9 * time.Second,
	// https://buildkite.com/docs/pipelines/configure/managing-log-output; "+++" is a group that is open
	section: section{open: func(title string, _ time.Time) string { return "+++ " + title + "\n" }},
	// https://buildkite.com/docs/pipelines/configure/environment-variables
	jobs: parallelJobs{index: "BUILDKITE_PARALLEL_JOB", total: "BUILDKITE_PARALLEL_JOB_COUNT", first: 0},
}

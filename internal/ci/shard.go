package ci

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Shard is the part of the work that is for one of several jobs that run side by side. The zero value is no part: the
// work is not shared.
type Shard struct {
	// Index is the number of the job, from 1 to Total.
	Index int
	// Total is how many jobs there are.
	Total int
}

// String returns the shard as --shard takes it, such as "2/5".
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Total) }

// mostShards is more jobs than any CI runs for one: GitLab's limit is 200 (https://docs.gitlab.com/ci/yaml/#parallel).
const mostShards = 10_000

// ParseShard reads I/N, the first of N jobs being 1.
func ParseShard(text string) (Shard, error) {
	index, total, ok := strings.Cut(text, "/")
	if !ok {
		return Shard{}, fmt.Errorf("%q is not I/N, such as 2/5 for the second of five jobs", text)
	}
	return shardOf(index, total, 1)
}

// shardOf reads the number of a job, which the CI counts from first, and how many there are.
func shardOf(index, total string, first int) (Shard, error) {
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(total)
	switch {
	case errors.Join(err1, err2) != nil:
		return Shard{}, fmt.Errorf("%q of %q is no shard: both are whole numbers", index, total)
	case n < 1 || n > mostShards:
		return Shard{}, fmt.Errorf("%s of %s is no shard: there are 1 to %d of them", index, total, mostShards)
	case i < first || i >= first+n:
		return Shard{}, fmt.Errorf("%s of %s is no shard: they are counted from %d to %d", index, total, first, first+n-1)
	}
	return Shard{Index: i - first + 1, Total: n}, nil
}

// parallelJobs are the variables in which the CI systems number jobs that run side by side.
var parallelJobs = map[string]struct {
	index, total string
	first        int // the number of the first job
}{
	GitLab:    {"CI_NODE_INDEX", "CI_NODE_TOTAL", 1},                         // https://docs.gitlab.com/ci/variables/predefined_variables/
	CircleCI:  {"CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0},                 // https://circleci.com/docs/variables/
	Buildkite: {"BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0}, // https://buildkite.com/docs/pipelines/configure/environment-variables
}

// Shard returns which of the jobs that run side by side this one is, and the variable that says so; the zero value when
// the CI says nothing of others.
//
// The jobs of GitLab's parallel:matrix are numbered too, but they are different jobs, not parts of one. Their names end
// with their values in brackets (https://docs.gitlab.com/ci/yaml/#parallelmatrix). gitlab-ci-local puts the numbers of
// parts into brackets too.
func (s System) Shard(getenv func(string) string) (shard Shard, source string, err error) {
	v, ok := parallelJobs[s.Name]
	if !ok {
		return Shard{}, "", nil
	}
	index, total := strings.TrimSpace(getenv(v.index)), strings.TrimSpace(getenv(v.total))
	if total == "" || total == "1" || s.Name == GitLab && ofMatrix(getenv("CI_JOB_NAME"), index, total) {
		return Shard{}, "", nil
	}
	if shard, err = shardOf(index, total, v.first); err != nil {
		return Shard{}, "", fmt.Errorf("%s of %s: %w", v.index, v.total, err)
	}
	return shard, v.index, nil
}

func ofMatrix(job, index, total string) bool {
	return strings.HasSuffix(job, "]") && strings.Contains(job, ": [") && !strings.HasSuffix(job, ": ["+index+"/"+total+"]")
}

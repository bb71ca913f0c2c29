package ci

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Shard is the part of the work that is for one of several jobs that run side by side. The zero value means that the
// work is not shared.
type Shard struct {
	// Index is the number of the job, from 1 to Total.
	Index int
	// Total is how many jobs there are.
	Total int
}

// String returns the shard as --shard takes it, such as "2/5".
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Total) }

// maxShards is more jobs than any CI runs side by side: GitLab's limit is 200 (https://docs.gitlab.com/ci/yaml/#parallel).
const maxShards = 10_000

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
		return Shard{}, fmt.Errorf("%q of %q is not a shard: both must be whole numbers", index, total)
	case n < 1 || n > maxShards:
		return Shard{}, fmt.Errorf("%s of %s is not a shard: there can be 1 to %d", index, total, maxShards)
	case i < first || i >= first+n:
		return Shard{}, fmt.Errorf("%s of %s is not a shard: the first number goes from %d to %d", index, total, first, first+n-1)
	}
	return Shard{Index: i - first + 1, Total: n}, nil
}

// parallelJobs are the variables in which a CI system numbers jobs that run side by side.
type parallelJobs struct {
	index, total string
	first        int // the number of the first job
	// different tells jobs that are numbered and are not parts of one task; nil if the system has no such jobs.
	different func(vars variables, index, total string) bool
}

// Shard returns which of the jobs that run side by side this one is, and the variable that says so; the zero value when
// the CI says nothing of others.
func (s System) Shard(getenv func(string) string) (shard Shard, source string, err error) {
	v := s.kind().jobs
	if v.index == "" {
		return Shard{}, "", nil
	}
	index, total := strings.TrimSpace(getenv(v.index)), strings.TrimSpace(getenv(v.total))
	if total == "" || total == "1" || v.different != nil && v.different(getenv, index, total) {
		return Shard{}, "", nil
	}
	if shard, err = shardOf(index, total, v.first); err != nil {
		return Shard{}, "", fmt.Errorf("%s of %s: %w", v.index, v.total, err)
	}
	return shard, v.index, nil
}

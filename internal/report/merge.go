package report

import (
	"fmt"
	"strings"
	"time"
)

// Merge makes one summary of those of several runs, such as the shards of one job: all their repositories, in order. It
// began when the first of them did and took until the last one ended, because shards run side by side. What they do not
// agree about (the CI's build, the policy, the shard) is left out; each repository has its own policy.
//
// A summary has room for one garbage collection: the first of the most severe.
//
// It is a dry run when all are. The exit code is the first one's: which is the most severe is for the caller to say.
func Merge(summaries []Summary) Summary {
	if len(summaries) == 0 {
		return Summary{}
	}
	out := summaries[0]
	out.Repositories = nil
	var end time.Time
	for _, s := range summaries {
		out.DryRun = out.DryRun && s.DryRun
		if !s.Started.IsZero() && (out.Started.IsZero() || s.Started.Before(out.Started)) {
			out.Started = s.Started
		}
		if e := s.Started.Add(s.Elapsed); e.After(end) {
			end = e
		}
		if severity(s) > severity(out) {
			out.GC = s.GC
		}
		out.CI.Name = common(out.CI.Name, s.CI.Name)
		out.CI.BuildURL = common(out.CI.BuildURL, s.CI.BuildURL)
		out.CI.ArtifactsPath = common(out.CI.ArtifactsPath, s.CI.ArtifactsPath)
		out.Policy = common(out.Policy, s.Policy)
		out.Shard = common(out.Shard, s.Shard)
		for _, r := range s.Repositories {
			if r.Policy == "" {
				r.Policy = s.Policy
			}
			out.Repositories = append(out.Repositories, r)
		}
	}
	out.Elapsed = max(0, end.Sub(out.Started))
	return out
}

// MissingShards names those parallel jobs of a run of which there is no summary, such as "shard 2/3", or several; "" when
// there are all, or when the summaries are of no such jobs. A job that was stopped leaves no report, and the totals of the
// others would pass for those of the whole. One summary alone says itself which part it is.
func MissingShards(summaries []Summary) string {
	if len(summaries) < 2 {
		return ""
	}
	var missing []string
	there, total := map[int]bool{}, summaries[0].Shard.Total
	for _, s := range summaries {
		if s.Shard.Total != total { // reports of several runs, of which nobody knows how many there are
			return ""
		}
		there[s.Shard.Index] = true
	}
	for i := 1; i <= total; i++ {
		if !there[i] {
			missing = append(missing, fmt.Sprintf("shard %d/%d", i, total))
		}
	}
	if n := len(missing); n > maxMissing {
		return fmt.Sprintf("%s and %d more", strings.Join(missing[:maxMissing], ", "), n-maxMissing)
	}
	return strings.Join(missing, ", ")
}

// maxMissing is how many a line of the log names.
const maxMissing = 5

// severity orders garbage collections by how much a reader has to know of them.
func severity(s Summary) int {
	switch {
	case s.GC == nil:
		return 0
	case s.alarm() != "":
		return 4
	case s.GC.Err != nil:
		return 3
	case s.GC.Skipped == "":
		return 2
	}
	return 1
}

// common is what both say, or nothing.
func common[T comparable](a, b T) T {
	if a != b {
		var none T
		return none
	}
	return a
}

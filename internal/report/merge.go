package report

import "time"

// Merge makes one summary of those of several runs, such as the shards of one job: all their repositories, in order. It
// began when the first of them did and took until the last one ended, because shards run side by side. What they do not
// agree about (the CI's build, the policy, the shard) is left out; each repository has its own policy.
//
// A summary has room for one collection: the first of the gravest.
//
// It is a dry run when all are. The exit code is the first one's: which is the gravest is for the caller to say.
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
		if gravity(s) > gravity(out) {
			out.GC = s.GC
		}
		out.CI.Name = common(out.CI.Name, s.CI.Name)
		out.CI.BuildURL = common(out.CI.BuildURL, s.CI.BuildURL)
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

// gravity says how much of a run's collection a reader has to know.
func gravity(s Summary) int {
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

package main

import "context"

// algorithm is a way to leave the newest images of repositories.
type algorithm struct {
	name string
	// exact says that anything but the newest images by date is a failure, not a finding.
	exact bool
	// prune does the work on the registry at host and returns the peak of its memory in bytes, 0 when nobody measured that.
	prune func(ctx context.Context, host string, repositories []repository) (peak int64, err error)
}

// algorithms are the contestants. The first is what the others are compared to.
func (b *bench) algorithms() []algorithm {
	return []algorithm{
		{name: "the script", prune: script},
		{name: "regsweep", exact: true, prune: b.sweeper.prune},
	}
}

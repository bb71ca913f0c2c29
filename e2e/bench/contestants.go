package main

import (
	"cmp"
	"context"
)

// task is what a contestant is given.
type task struct {
	host         string // where the registry is reached, as it stands in an image reference
	repositories []repository
	state        string // a folder for what outlives a run
}

// base is the address of what is in a repository.
func (t task) base(r repository) string { return "http://" + t.host + "/v2/" + r.path }

// contestant is a way to leave the newest images of repositories.
type contestant struct {
	name  string // in tables
	label string // in the plot
	style string // the class of its line in the plot
	// exact says that anything but the newest images by date is a failure, not a finding.
	exact bool
	// prepare does what has to be done before and is not measured; nil is nothing.
	prepare func(context.Context, task) (peak int64, err error)
	// prune does the work and returns the peak of its memory in bytes, 0 when nobody measured that.
	prune func(context.Context, task) (peak int64, err error)
}

// The names by which tables and promises find a contestant.
const (
	nameScript   = "the script"
	nameNaive    = "naive parallel loop"
	nameFloor    = "bare floor"
	nameRegsweep = "regsweep"
	nameWarm     = "regsweep, warm cache"
	nameDigest   = "regsweep `--delete-by digest`"
	nameRetag    = "regsweep `--delete-by retag`"
)

// contestants are those who meet on a registry. The floor is not among them: it is tried apart, for its best number of
// workers.
func (b *bench) contestants(k kind) []contestant {
	out := []contestant{
		{name: nameScript, label: "script", style: "script", prune: script},
		{name: nameNaive, label: "naive", style: "naive", prune: naive},
		b.regsweep(nameRegsweep, ""),
		b.regsweep(nameWarm, ""),
		b.regsweep(nameDigest, "digest"),
	}
	warm := &out[3]
	warm.label, warm.style = "warm cache", "warm"
	warm.prepare = func(ctx context.Context, t task) (int64, error) {
		return b.sweeper.run(ctx, t, sweep{keep: keep, dryRun: true})
	}
	if !k.deletesTags {
		out = append(out, b.regsweep(nameRetag, "retag"))
	}
	return out
}

// regsweep is the product, as a process with an empty state folder.
func (b *bench) regsweep(name, deleteBy string) contestant {
	style := cmp.Or(deleteBy, "regsweep")
	return contestant{
		name: name, label: style, style: style, exact: true,
		prune: func(ctx context.Context, t task) (int64, error) {
			return b.sweeper.run(ctx, t, sweep{keep: keep, deleteBy: deleteBy})
		},
	}
}

// bare is the floor with that many workers.
func bare(k kind, workers int) contestant {
	return contestant{name: nameFloor, label: "floor", style: "floor", prune: floor(k, workers)}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/regsweep/regsweep/e2e/bench/bare"
	"github.com/regsweep/regsweep/e2e/bench/product"
)

// task is what a contestant is given.
type task struct {
	host         string // where the registry is reached, as it stands in an image reference
	far          bool   // the registry stands for one on another machine
	repositories []repository
	state        string // a folder for what outlives a run
}

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
	nameScript      = "the script"
	nameNaive       = "naive parallel loop"
	nameFloor       = "bare floor"
	nameRegsweep    = "regsweep"
	nameWarm        = "regsweep, warm cache"
	nameDigest      = "regsweep `--delete-by digest`"
	nameByName      = "regsweep `--sort name`"
	nameRetag       = "regsweep `--delete-by retag`"
	nameRetagByName = "regsweep `--delete-by retag --sort name`"
)

// contestants are those who meet on a registry. The floor is not among them: it is tried apart, for its best number of
// workers.
func (b *bench) contestants(k kind) []contestant {
	out := []contestant{
		{name: nameScript, label: "script", style: "script", prune: b.bare(bare.Task{Contestant: bare.Script})},
		{name: nameNaive, label: "naive", style: "naive", prune: b.bare(bare.Task{Contestant: bare.Naive})},
		b.regsweep(nameRegsweep, "regsweep", sweep{}),
		b.regsweep(nameWarm, "warm", sweep{}),
		b.byName(nameByName, sweep{}),
		b.regsweep(nameDigest, "digest", sweep{deleteBy: "digest"}),
	}
	warm := &out[3]
	warm.label = "warm cache"
	warm.prepare = func(ctx context.Context, t task) (int64, error) {
		return b.sweeper.run(ctx, t, sweep{keep: keep, dryRun: true})
	}
	if !k.deletesTags {
		retag := b.byName(nameRetagByName, sweep{deleteBy: "retag"})
		retag.label, retag.style = "retag by name", "retag"
		out = append(out, b.regsweep(nameRetag, "retag", sweep{deleteBy: "retag"}), retag)
	}
	return out
}

// regsweep is the product, as a process with an empty state folder.
func (b *bench) regsweep(name, style string, o sweep) contestant {
	o.keep = keep
	return contestant{
		name: name, label: style, style: style, exact: true,
		prune: func(ctx context.Context, t task) (int64, error) { return b.sweeper.run(ctx, t, o) },
	}
}

// byName is regsweep with a policy that needs no dates. It keeps the greatest names, as the others intend to.
func (b *bench) byName(name string, o sweep) contestant {
	o.sort = "name"
	c := b.regsweep(name, "byname", o)
	c.label, c.exact = "by name", false
	return c
}

// floorWorkers are the numbers of workers that the floor is tried with: which is best depends on the registry and on how
// far away it is.
var floorWorkers = []int{8, 16, 32, 64, 128}

// floor is the floor with that many workers.
func (b *bench) floor(k kind, workers int) contestant {
	return contestant{name: nameFloor, label: "floor", style: "floor", prune: b.bare(bare.Task{Contestant: bare.Floor, Workers: workers, DeletesTags: k.deletesTags})}
}

// bare runs a contestant of package bare as a process.
func (b *bench) bare(how bare.Task) func(context.Context, task) (int64, error) {
	return func(ctx context.Context, t task) (int64, error) {
		_, err := b.run(ctx, how, t)
		return 0, err
	}
}

// run gives a task to the command of package bare and returns its output.
func (b *bench) run(ctx context.Context, how bare.Task, t task) ([]byte, error) {
	how.URL, how.Keep = "http://"+t.host, keep
	for _, r := range t.repositories {
		how.Repositories = append(how.Repositories, r.path)
	}
	in, err := json.Marshal(how)
	if err != nil {
		return nil, err
	}
	cmd := product.Command(ctx, b.dir, b.contestant)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w: %s", b.contestant, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

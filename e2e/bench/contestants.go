package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/bare"
	"github.com/regsweep/regsweep/e2e/bench/product"
)

// task is what a contestant is given.
type task struct {
	host         string   // where the registry is reached, as it stands in an image reference
	collect      []string // flags of a garbage collection of a registry that commands stop and start; none of any other
	far          bool     // the registry stands for one on another machine
	repositories []repository
	state        string // a folder for what outlives a run
}

// contestant is a way to leave the newest images of repositories.
type contestant struct {
	name  string // in tables
	label string // in the plot; "" is not drawn
	style string // the class of its line in the plot
	// exact says that anything but the newest images by date is a failure, not a finding.
	exact bool
	// against names the safe floor that knows what is newest in the same way; "" is not compared with one.
	against string
	// prepare does what has to be done before and is not measured; nil is nothing.
	prepare func(context.Context, task) (spent, error)
	// prune does the work.
	prune func(context.Context, task) (spent, error)
	// operated says that it needs a registry that commands stop and start.
	operated bool
}

// spent is what a contestant has taken beside the time on the clock.
type spent struct {
	peak    int64         // of its memory, in bytes; 0 when nobody measured that
	collect time.Duration // of the garbage collection, which the measurement leaves out
}

// The names by which tables and promises find a contestant.
const (
	nameScript      = "the script"
	nameNaive       = "naive parallel loop"
	nameFloor       = "bare floor"
	nameSafe        = "safe floor, dates read"
	nameSafeCached  = "safe floor, dates in a file"
	nameSafeByName  = "safe floor, no dates"
	nameOneByOne    = "peers, one request at a time"
	nameThreeAtOnce = "peers, three at a time"
	nameRegsweep    = "regsweep"
	nameWarm        = "regsweep, warm cache"
	nameDigest      = "regsweep `--delete-by digest`"
	nameByName      = "regsweep `--sort name`"
	nameRetag       = "regsweep `--delete-by retag`"
	nameRetagByName = "regsweep `--delete-by retag --sort name`"
	nameRetagWarm   = "regsweep `--delete-by retag`, warm cache"
	nameTagsFirst   = "regsweep `--delete-by tags-first --sort name`"
	nameOffline     = "regsweep `--delete-by offline`, without the collection itself"
	nameOfflineWarm = "regsweep `--delete-by offline`, warm cache, without the collection itself"
)

// contestants are those who meet on a registry. The floors are not among them: the bare one is tried apart, for its best
// number of workers.
func (b *bench) contestants(k kind) []contestant {
	out := []contestant{
		{name: nameScript, label: "script", style: "script", prune: b.bare(bare.Task{Contestant: bare.Script})},
		{name: nameNaive, label: "naive", style: "naive", prune: b.bare(bare.Task{Contestant: bare.Naive})},
		b.peer(nameOneByOne, 1),
		b.peer(nameThreeAtOnce, 3),
		b.regsweep(nameRegsweep, "regsweep", sweep{}),
		b.regsweep(nameWarm, "warm", sweep{}),
		b.byName(nameByName, sweep{}),
		b.regsweep(nameDigest, "digest", sweep{deleteBy: "digest"}),
	}
	out[5] = b.warm(out[5])
	out[5].label = "warm cache"
	if !k.deletesTags {
		retag := b.byName(nameRetagByName, sweep{deleteBy: "retag"})
		retag.label, retag.style = "retag by name", "retag"
		out = append(out, b.regsweep(nameRetag, "retag", sweep{deleteBy: "retag"}), retag)
	}
	if k.operated != nil {
		out = append(out, b.offline(nameOffline, sweep{}))
	}
	return out
}

// warm lets regsweep know the dates.
func (b *bench) warm(c contestant) contestant {
	if c.against != "" {
		c.against = nameSafeCached
	}
	c.prepare = func(ctx context.Context, t task) (spent, error) {
		return b.sweeper.run(ctx, t, sweep{keep: keep, dryRun: true})
	}
	return c
}

// offline is regsweep with deletion in the storage of the stopped registry. The garbage collection that belongs to it is
// not counted: the others have to run one as well.
func (b *bench) offline(name string, o sweep) contestant {
	o.deleteBy = "offline"
	c := b.regsweep(name, "", o)
	c.operated, c.against = true, ""
	return c
}

// regsweep is the product, as a process with an empty state folder.
func (b *bench) regsweep(name, style string, o sweep) contestant {
	o.keep = keep
	return contestant{
		name: name, label: style, style: style, exact: true, against: nameSafe,
		prune: func(ctx context.Context, t task) (spent, error) { return b.sweeper.run(ctx, t, o) },
	}
}

// byName is regsweep with a policy that needs no dates. It keeps the greatest names, as the others intend to.
func (b *bench) byName(name string, o sweep) contestant {
	o.sort = "name"
	c := b.regsweep(name, "byname", o)
	c.label, c.exact, c.against = "by name", false, nameSafeByName
	return c
}

// floorWorkers are the numbers of workers that the floor is tried with: which is best depends on the registry and on how
// far away it is.
var floorWorkers = []int{8, 16, 32, 64, 128}

// floor is the floor with that many workers.
func (b *bench) floor(k kind, workers int) contestant {
	return contestant{name: nameFloor, label: "floor", style: "floor", prune: b.bare(bare.Task{Contestant: bare.Floor, Workers: workers, DeletesTags: k.deletesTags})}
}

// safe is a floor with the looks that regsweep promises. It runs with as many workers as the bare one is best with.
func (b *bench) safe(k kind, workers int, name, dates string) contestant {
	how := bare.Task{Contestant: bare.Safe, Workers: workers, DeletesTags: k.deletesTags, Referrers: k.referrers, Dates: dates}
	c := contestant{name: name, exact: dates != bare.ByListing, prune: b.bare(how)}
	if dates == bare.DatesCached {
		c.prepare = b.bare(bare.Task{Contestant: bare.Remember, Workers: workers})
	}
	return c
}

// floors are all of them.
func (b *bench) floors(k kind, workers int) []contestant {
	return []contestant{
		b.floor(k, workers),
		b.safe(k, workers, nameSafe, bare.DatesRead),
		b.safe(k, workers, nameSafeCached, bare.DatesCached),
		b.safe(k, workers, nameSafeByName, bare.ByListing),
	}
}

// peer is the plainest way to the newest images by date, with that many requests at a time.
func (b *bench) peer(name string, workers int) contestant {
	return contestant{name: name, exact: true, prune: b.bare(bare.Task{Contestant: bare.Peer, Workers: workers})}
}

// bare runs a contestant of package bare as a process.
func (b *bench) bare(how bare.Task) func(context.Context, task) (spent, error) {
	return func(ctx context.Context, t task) (spent, error) {
		_, err := b.run(ctx, how, t)
		return spent{}, err
	}
}

// run gives a task to the command of package bare and returns its output.
func (b *bench) run(ctx context.Context, how bare.Task, t task) ([]byte, error) {
	how.URL, how.Keep, how.File = "http://"+t.host, keep, filepath.Join(t.state, "dates.json")
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

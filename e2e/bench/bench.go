package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/product"
	"github.com/regsweep/regsweep/e2e/relay"
)

// keep is how many images each repository keeps.
const keep = 2

// bench is what all measurements share.
type bench struct {
	dir        string // for everything that is written
	sweeper    sweeper
	contestant string // the command that runs the others
	log        io.Writer
	// repeat is how often something short is measured; 0 and 1 are once.
	repeat int

	fillings *fillings
}

func newBench(ctx context.Context, log io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp(storage(), "regsweep-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, log: log, fillings: &fillings{by: map[string]filling{}}}
	b.sweeper.home = dir
	if b.sweeper.program, err = product.Build(ctx, dir); err == nil {
		b.sweeper.peak, err = product.BuildPeak(ctx, dir)
	}
	if err == nil {
		b.contestant, err = product.BuildContestant(ctx, dir)
	}
	if err == nil {
		err = b.sweeper.check(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) close() error { return os.RemoveAll(b.dir) }

// storage is where registries keep their files: in memory where the system has such a folder, so that the disk is no
// part of what is measured, else where temporary files are.
func storage() string {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		return memory
	}
	return ""
}

// result is how a contestant did.
type result struct {
	verdict
	elapsed  time.Duration
	requests tally
	spent
}

// field is where contestants meet: a registry, how far away it is, and what is in it.
type field struct {
	kind         kind
	line         relay.Options
	repositories []repository
}

// short is what is measured several times, because everything else that a machine does shows in it.
const short = 3 * time.Second

// measure lets a contestant do its work, when that is short several times, and returns the run in the middle.
func (b *bench) measure(ctx context.Context, f field, c contestant) (result, error) {
	var runs []result
	for {
		r, err := b.once(ctx, f, c)
		if err != nil {
			return r, fmt.Errorf("%s, %s: %w", f.kind.name, c.name, err)
		}
		if runs = append(runs, r); len(runs) >= b.repeat || r.elapsed >= short {
			return middle(runs, func(r result) time.Duration { return r.elapsed }), nil
		}
	}
}

// middle returns the run that took the median of their times, of an even number the longer.
func middle[T any](runs []T, elapsed func(T) time.Duration) T {
	slices.SortFunc(runs, func(a, b T) int { return int(elapsed(a) - elapsed(b)) })
	return runs[len(runs)/2]
}

// once starts a registry that has been filled, lets the contestant do its work and looks at what it has left.
func (b *bench) once(ctx context.Context, f field, c contestant) (res result, err error) {
	s, wanted, err := b.filled(ctx, f, c.operated)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	t, err := b.task(s, f.line.RoundTrip > 0, f.repositories)
	if err != nil {
		return res, err
	}
	if c.prepare != nil {
		if _, err := c.prepare(ctx, t); err != nil {
			return res, err
		}
		if _, err := s.requests.take(); err != nil {
			return res, err
		}
	}
	if s.Latency != nil {
		s.Latency.Set(f.kind.operation)
	}
	began := time.Now()
	if res.spent, err = c.prune(ctx, t); err != nil {
		return res, err
	}
	res.elapsed = time.Since(began) - res.collect
	if res.requests, err = s.requests.take(); err != nil {
		return res, err
	}
	if s.Latency != nil {
		s.Latency.Set(0)
	}
	for path, w := range wanted {
		if err := res.look(ctx, s.URL, path, w); err != nil {
			return res, err
		}
	}
	fmt.Fprintf(b.log, "%s at %v: %s, %d images: %s, %d requests\n",
		f.kind.name, f.line.RoundTrip, c.name, count(f.repositories), seconds(res.elapsed), res.requests.total())
	return res, res.wrong(c.exact)
}

// task is the work on a server, with a state folder that nobody has used.
func (b *bench) task(s *server, far bool, repositories []repository) (task, error) {
	state, err := os.MkdirTemp(b.dir, "state-")
	return task{s.relay.Host, s.collect, far, repositories, state}, err
}

// count is how many images there are.
func count(repositories []repository) (n int) {
	for _, r := range repositories {
		n += r.images
	}
	return n
}

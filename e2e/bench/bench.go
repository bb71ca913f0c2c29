package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/product"
	"github.com/regsweep/regsweep/internal/oci"
)

// keep is how many images each repository keeps.
const keep = 2

// bench is what all measurements share.
type bench struct {
	dir     string // for everything that is written
	sweeper sweeper
	log     io.Writer
}

func newBench(ctx context.Context, log io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp(storage(), "regsweep-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, log: log}
	b.sweeper.home = dir
	if b.sweeper.program, err = product.Build(ctx, dir); err == nil {
		b.sweeper.peak, err = product.BuildPeak(ctx, dir)
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

// result is how one contestant did.
type result struct {
	registry, algorithm string
	images              int
	elapsed             time.Duration
	requests            int64
	peak                int64 // bytes; 0 when it was not measured
	exact               bool  // nothing but the right survivors will do
	// right is how many of the images that should survive do, of wanted; extra is how many others do.
	right, wanted, extra int
}

// wrong returns what is wrong with the survivors, or nil.
func (r result) wrong() error {
	if r.right == r.wanted && r.extra == 0 {
		return nil
	}
	return fmt.Errorf("registry %s: after %s %d of the newest %d images are left, and %d others", r.registry, r.algorithm, r.right, r.wanted, r.extra)
}

// contest lets every algorithm do the job on a registry of its own.
func (b *bench) contest(ctx context.Context, k kind, repositories []repository) ([]result, error) {
	var out []result
	for _, a := range b.algorithms() {
		r, err := b.measure(ctx, k, repositories, a)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// measure fills a new registry, lets the algorithm do its work and looks at what it has left.
func (b *bench) measure(ctx context.Context, k kind, repositories []repository, a algorithm) (res result, err error) {
	s, err := b.start(k)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	res = result{registry: k.name, algorithm: a.name, exact: a.exact}
	fmt.Fprintf(b.log, "%s: fill nine repositories for %s\n", k.name, a.name)
	newest := map[string]map[string]oci.Digest{}
	for _, r := range repositories {
		if newest[r.path], err = r.fill(ctx, s.URL); err != nil {
			return res, fmt.Errorf("fill %s: %w", r.path, err)
		}
		res.images += r.images
		res.wanted += len(newest[r.path])
	}
	fmt.Fprintf(b.log, "%s: run %s on %d images\n", k.name, a.name, res.images)
	began := time.Now()
	if res.peak, err = a.prune(ctx, s.front.host, repositories); err != nil {
		return res, err
	}
	res.elapsed, res.requests = time.Since(began), s.front.requests.Load()
	for _, r := range repositories {
		left, err := survivors(ctx, s.URL, r.path)
		if err != nil {
			return res, fmt.Errorf("look at %s: %w", r.path, err)
		}
		maps.DeleteFunc(left, func(tag string, d oci.Digest) bool {
			ok := newest[r.path][tag] == d
			if ok {
				res.right++
			}
			return ok
		})
		res.extra += len(left)
	}
	return res, nil
}

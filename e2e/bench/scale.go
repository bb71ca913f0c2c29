package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/product"
	"github.com/regsweep/regsweep/e2e/relay"
)

// perRepository is how many tags each repository of many has.
const perRepository = 20

// scaleResult is what it took to do one thing with so many.
type scaleResult struct {
	what     amount
	kind     string
	count    int
	elapsed  time.Duration
	requests tally
	peak     int64 // bytes
}

// amount is a thing to do with many.
type amount struct {
	name string // of what is counted, with what is done
	most int64  // bytes of memory that regsweep is held to with the greatest number; 0 is no promise
}

// The things that are measured.
var (
	manyTags         = amount{"tags in one repository, a dry run with a JSON report", 300e6}
	manyRepositories = amount{fmt.Sprintf("repositories of %d tags in one call with `--shard`, all but %d tags deleted", perRepository, keep), 150e6}
	manyManifests    = amount{"manifests in `regsweep rank --from`", 0}
)

// fifthAndAll are the numbers that a growth is found in.
func fifthAndAll(n int) []int { return []int{max(1, n/5), n} }

// large measures a dry run over one repository with so many tags, each an image of its own.
func (b *bench) large(ctx context.Context, k kind, tags int) (scaleResult, error) {
	return b.scaled(ctx, k, manyTags, tags, []repository{{"zdtest/large", tags}}, sweep{keep: keep, dryRun: true, peak: true})
}

// many measures a prune of so many repositories in one call.
func (b *bench) many(ctx context.Context, k kind, repositories int) (scaleResult, error) {
	all := make([]repository, repositories)
	for i := range all {
		all[i] = repository{fmt.Sprintf("zdtest/r%05d", i), perRepository}
	}
	return b.scaled(ctx, k, manyRepositories, repositories, all, sweep{keep: keep, shard: "1/1", peak: true})
}

func (b *bench) scaled(ctx context.Context, k kind, what amount, n int, all []repository, o sweep) (res scaleResult, err error) {
	s, err := b.start(k, relay.Options{})
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Fprintf(b.log, "%s: fill %d repositories with %d images\n", k.name, len(all), count(all))
	for _, r := range all {
		if _, err := r.fill(ctx, s.URL); err != nil {
			return res, err
		}
	}
	t, err := b.task(s, false, all)
	if err != nil {
		return res, err
	}
	began := time.Now()
	spent, err := b.sweeper.run(ctx, t, o)
	if err != nil {
		return res, err
	}
	res = scaleResult{what: what, kind: k.name, count: n, elapsed: time.Since(began), peak: spent.peak}
	fmt.Fprintf(b.log, "%s: %d %s: %s, %s\n", k.name, n, what.name, seconds(res.elapsed), mebibytes(res.peak))
	if res.requests, err = s.requests.take(); err != nil || o.dryRun {
		return res, err
	}
	for _, r := range all {
		left, err := survivors(ctx, s.URL, r.path)
		if err != nil || len(left) != keep {
			return res, errors.Join(err, fmt.Errorf("%s: %d images are left instead of %d", r.path, len(left), keep))
		}
	}
	return res, nil
}

// rank measures the ranking by a log of a garbage collection with so many manifests.
func (b *bench) rank(ctx context.Context, manifests int) (res scaleResult, err error) {
	file := filepath.Join(b.dir, "collection.log")
	if err := writeLog(file, manifests); err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, os.Remove(file)) }()
	measured := filepath.Join(b.dir, "rank.bytes")
	cmd := product.Command(ctx, b.dir, b.sweeper.peak, measured, b.sweeper.program, "rank", "--from", file)
	cmd.Stderr = b.log
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return res, fmt.Errorf("run regsweep rank: %w", err)
	}
	res = scaleResult{what: manyManifests, kind: "–", count: manifests, elapsed: time.Since(began)}
	text, err := os.ReadFile(measured)
	if err != nil {
		return res, err
	}
	res.peak, err = strconv.ParseInt(string(text), 10, 64)
	fmt.Fprintf(b.log, "rank: %d manifests: %s, %s\n", manifests, seconds(res.elapsed), mebibytes(res.peak))
	return res, err
}

// blobsEach is how many blobs each manifest of a log names beside the one that all images of its repository share.
const blobsEach = 2

// writeLog writes what a dry run of distribution 2.8's garbage collection prints of so many images, a thousand in each
// repository.
func writeLog(name string, manifests int) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriter(file)
	blobs := 0
	for i := range manifests {
		path := fmt.Sprintf("zdtest/r%05d", i/1000)
		if i%1000 == 0 {
			fmt.Fprintln(out, path)
			blobs++
		}
		fmt.Fprintf(out, "%s: marking manifest %s \n", path, digestOf("manifest", i))
		for n := range blobsEach {
			fmt.Fprintf(out, "%s: marking blob %s\n", path, digestOf("blob", i*blobsEach+n))
		}
		fmt.Fprintf(out, "%s: marking blob %s\n", path, digestOf("shared", i/1000))
	}
	fmt.Fprintf(out, "\n%d blobs marked, 0 blobs and 0 manifests eligible for deletion\n", manifests*(1+blobsEach)+blobs)
	return out.Flush()
}

// digestOf is a digest that stands for something.
func digestOf(what string, i int) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(fmt.Appendf(nil, "%s %d", what, i)))
}

// writeScale writes what many took.
func writeScale(w io.Writer, rows []scaleResult) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprint(w, "\n### Many tags, repositories and manifests\n\n")
	writeRow(w, "", "registry", "how many", "seconds", "requests", "peak memory", "time grows as N to the power of", "memory grows as N to the power of")
	writeRule(w, 7)
	var before scaleResult
	for _, r := range rows {
		byTime, byMemory := "–", "–"
		if before.what == r.what && before.kind == r.kind && before.count < r.count {
			byTime = times(exponent(before.count, r.count, float64(before.elapsed), float64(r.elapsed)))
			byMemory = times(exponent(before.count, r.count, float64(before.peak), float64(r.peak)))
		}
		writeRow(w, r.what.name, r.kind, fmt.Sprint(r.count), seconds(r.elapsed), fmt.Sprint(r.requests.total()), mebibytes(r.peak), byTime, byMemory)
		before = r
	}
}

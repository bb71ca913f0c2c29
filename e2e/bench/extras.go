package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/bare"
	"github.com/regsweep/regsweep/e2e/relay"
)

// jobResult is how one contestant did the script's job.
type jobResult struct {
	kind       kind
	contestant contestant
	images     int
	result
}

// jobWorkers is how many requests the floors send at a time in the whole job.
const jobWorkers = 64

// wholeJob lets the script, the floors and regsweep do the job of nine repositories. What fails is missing, and the others
// go on. The floors say what the registry itself needs for the requests that cannot be left out.
func (b *bench) wholeJob(ctx context.Context, k kind, scale float64) ([]jobResult, error) {
	f := field{k, relay.Options{}, job(scale)}
	contestants := []contestant{
		b.contestants(k)[0],
		b.safe(k, jobWorkers, nameSafe, bare.DatesRead),
		b.safe(k, jobWorkers, nameSafeCached, bare.DatesCached),
		b.regsweep(nameRegsweep, "", sweep{peak: true}),
		b.warm(b.regsweep(nameWarm, "", sweep{peak: true})),
	}
	if !k.deletesTags {
		retag := sweep{deleteBy: "retag", peak: true}
		contestants = append(contestants, b.regsweep(nameRetag, "", retag), b.warm(b.regsweep(nameRetagWarm, "", retag)))
	}
	if k.operated != nil {
		contestants = append(contestants, b.offline(nameOffline, sweep{peak: true}), b.warm(b.offline(nameOfflineWarm, sweep{peak: true})))
	}
	var out []jobResult
	var errs []error
	for _, c := range contestants {
		r, err := b.measure(ctx, f, c)
		if err == nil {
			out = append(out, jobResult{k, c, count(f.repositories), r})
		}
		if errs = append(errs, err); ctx.Err() != nil {
			break
		}
	}
	return out, errors.Join(errs...)
}

// inJob is how a contestant did the job on a registry; the zero value where it has not done it.
func (r report) inJob(registry, name string) jobResult {
	for _, j := range r.job {
		if j.kind.name == registry && j.contestant.name == name {
			return j
		}
	}
	return jobResult{}
}

// alone is how long the requests of a contestant in the whole job take by themselves, at the prices that a bare loop has paid
// on the same registry. It is 0 where no prices are known.
func (r report) alone(j jobResult) time.Duration {
	for _, p := range r.prices {
		if p.kind.name == j.kind.name {
			return p.of(j.requests)
		}
	}
	return 0
}

// writeJob writes how the script and regsweep did the job of nine repositories.
func (r report) writeJob(w io.Writer) {
	if len(r.job) == 0 {
		return
	}
	fmt.Fprint(w, "\n### Nine repositories, the job of the script\n\nThe last column has the time of the same requests in a bare loop, by the prices above. "+
		"On 2.8.2 it leaves out deletions by digest, whose price falls with the number of tags:\n\n")
	writeRow(w, "", "registry", "images", "seconds", "times as fast as the script", "newest kept", "others left", "requests", "peak memory", "its requests alone")
	writeRule(w, 9)
	for _, j := range r.job {
		alone := "–"
		if d := r.alone(j); d > 0 && j.contestant.exact { // the script deletes by digest while the tags are there
			alone = seconds(d)
		}
		writeRow(w, j.contestant.name, j.kind.name, fmt.Sprint(j.images), seconds(j.elapsed), quotient(r.inJob(j.kind.name, nameScript).elapsed, j.elapsed).String(), fmt.Sprintf("%d of %d", j.right, j.wanted),
			fmt.Sprint(j.extra), fmt.Sprint(j.requests.total()), mebibytes(j.peak), alone)
	}
}

// writeThresholds writes the two orders of deletion on small repositories.
func writeThresholds(w io.Writer, rows []threshold) {
	for _, t := range rows {
		fmt.Fprintf(w, "\n### Where tags-first begins to gain: %s\n\nAll but two deleted, the median of several runs:\n\n", title(t.kind, t.delay))
		writeRow(w, "images", "by digest", "tags first", "by digest ÷ tags first")
		writeRule(w, 3)
		for i, images := range t.images {
			writeRow(w, fmt.Sprint(images), seconds(t.digest[i].elapsed), seconds(t.tagsFirst[i].elapsed), ratio(&t.digest[i], &t.tagsFirst[i]))
		}
	}
}

// name says where a steady state was measured.
func (r steadyResult) name() string {
	if r.line.Handshake {
		return r.kind.name + ", a new connection costs a round trip"
	}
	return r.kind.name + ", a new connection costs nothing"
}

// writeSteady writes what the step takes that has one image to delete.
func writeSteady(w io.Writer, rows []steadyResult) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n### Steady state: %d tags, one to delete, %d images in the cache, a round trip of %v\n\nFrom the start of the process to its end, the median of %d runs and the least:\n\n",
		steadyTags, steadyTags-1, steadyDelay, steadyRuns)
	writeRow(w, "", "seconds", "round trips", "least")
	writeRule(w, 3)
	for _, r := range rows {
		writeRow(w, r.name(), fmt.Sprintf("%.3f s", r.elapsed.Seconds()), fmt.Sprintf("%.1f", r.roundTrips(r.elapsed)), fmt.Sprintf("%.1f", r.roundTrips(r.least)))
	}
	fmt.Fprintln(w)
	writeRequestsHead(w, "requests")
	for _, r := range rows {
		writeRequests(w, r.name(), r.requests)
	}
}

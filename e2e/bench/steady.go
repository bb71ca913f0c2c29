package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/e2e/relay"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// What the step finds after a push when it runs after each: a repository of so many tags, one of which goes.
const (
	steadyTags  = 12
	steadyRuns  = 5
	steadyDelay = 20 * time.Millisecond
)

// steadyResult is what one such step took.
type steadyResult struct {
	kind kind
	line relay.Options
	result
	least time.Duration // of all runs; the result is the one in the middle
}

// roundTrips is a time in round trips of the line.
func (r steadyResult) roundTrips(d time.Duration) float64 {
	return float64(d) / float64(r.line.RoundTrip)
}

// steady measures the step several times.
func (b *bench) steady(ctx context.Context, k kind, o relay.Options) (steadyResult, error) {
	out := steadyResult{kind: k, line: o}
	var runs []result
	for range steadyRuns {
		r, err := b.steadyOnce(ctx, k, o)
		if err != nil {
			return out, fmt.Errorf("%s, steady state: %w", k.name, err)
		}
		runs = append(runs, r)
	}
	out.result = middle(runs, func(r result) time.Duration { return r.elapsed })
	out.least = runs[0].elapsed // middle has sorted them
	fmt.Fprintf(b.log, "%s at %v: steady state: %s, %d requests\n", k.name, o.RoundTrip, seconds(out.elapsed), out.requests.total())
	return out, nil
}

// steadyOnce lets regsweep know all images but the last, pushes that and runs the step.
func (b *bench) steadyOnce(ctx context.Context, k kind, o relay.Options) (res result, err error) {
	s, err := b.start(k, o)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r := repository{"zdtest/app", steadyTags}
	images := r.build()
	slices.SortFunc(images, func(a, b fixture.Image) int { return a.Created.Compare(b.Created) })
	pusher := fixture.New(s.URL, r.path)
	digests, err := pusher.Images(ctx, images[:steadyTags-1])
	if err != nil {
		return res, err
	}
	t, err := b.task(s, o.RoundTrip > 0, []repository{r})
	if err != nil {
		return res, err
	}
	if _, err := b.sweeper.run(ctx, t, sweep{keep: steadyTags - 1, dryRun: true}); err != nil {
		return res, err
	}
	last, err := pusher.Image(ctx, images[steadyTags-1])
	if err != nil {
		return res, err
	}
	if _, err := s.requests.take(); err != nil {
		return res, err
	}
	began := time.Now()
	if _, err := b.sweeper.run(ctx, t, sweep{keep: steadyTags - 1}); err != nil {
		return res, err
	}
	res.elapsed = time.Since(began)
	if res.requests, err = s.requests.take(); err != nil {
		return res, err
	}
	if err := res.look(ctx, s.URL, r.path, newest(images, append(digests, last), steadyTags-1)); err != nil {
		return res, err
	}
	return res, res.wrong(true)
}

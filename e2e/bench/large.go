package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regsweep/regsweep/e2e/relay"
)

// largeResult is what it took to plan for one large repository.
type largeResult struct {
	kind     kind
	tags     int
	elapsed  time.Duration
	requests tally
	peak     int64 // bytes
}

// large measures a dry run over one repository with that many tags, each an image of its own.
func (b *bench) large(ctx context.Context, k kind, tags int) (res largeResult, err error) {
	s, err := b.start(k, relay.Options{})
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r := repository{"zdtest/large", tags}
	fmt.Fprintf(b.log, "%s: fill %s with %d images\n", k.name, r.path, r.images)
	if _, err := r.fill(ctx, s.URL); err != nil {
		return res, err
	}
	fmt.Fprintf(b.log, "%s: dry run\n", k.name)
	t, err := b.task(s, false, []repository{r})
	if err != nil {
		return res, err
	}
	began := time.Now()
	peak, err := b.sweeper.run(ctx, t, sweep{keep: keep, dryRun: true, peak: true})
	if err != nil {
		return res, err
	}
	res = largeResult{kind: k, tags: tags, elapsed: time.Since(began), peak: peak}
	res.requests, err = s.requests.take()
	return res, err
}

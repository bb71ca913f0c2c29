package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// largeResult is what it took to plan for one large repository.
type largeResult struct {
	registry string
	tags     int
	elapsed  time.Duration
	requests int64
	peak     int64 // bytes
}

// large measures a dry run over one repository with that many tags, each an image of its own.
func (b *bench) large(ctx context.Context, k kind, tags int) (res largeResult, err error) {
	s, err := b.start(k)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r := repository{"zdtest/large", tags}
	fmt.Fprintf(b.log, "%s: fill %s with %d images\n", k.name, r.path, r.images)
	if _, err := r.fill(ctx, s.URL); err != nil {
		return res, fmt.Errorf("fill %s: %w", r.path, err)
	}
	fmt.Fprintf(b.log, "%s: dry run\n", k.name)
	began := time.Now()
	peak, err := b.sweeper.plan(ctx, s.front.host, []repository{r})
	return largeResult{k.name, tags, time.Since(began), s.front.requests.Load(), peak}, err
}

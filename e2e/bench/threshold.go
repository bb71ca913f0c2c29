package main

import (
	"context"
	"errors"
	"time"

	"github.com/regsweep/regsweep/e2e/relay"
)

// thresholdImages are the sizes among which tags-first begins to gain.
var thresholdImages = []int{5, 10, 20, 50, 100, 200}

// thresholdRuns is how often each of them is measured: they take a fraction of a second.
const thresholdRuns = 3

// threshold is the two orders of deletion beside each other, at one distance.
type threshold struct {
	kind              kind
	delay             time.Duration
	images            []int
	digest, tagsFirst []result
}

// threshold compares the two orders of deletion on small repositories.
func (b *bench) threshold(ctx context.Context, k kind, delay time.Duration) (threshold, error) {
	small := *b
	small.repeat = max(b.repeat, thresholdRuns)
	out := threshold{kind: k, delay: delay}
	for _, images := range thresholdImages {
		f := field{k, relay.Options{RoundTrip: delay}, []repository{{"zdtest/app", images}}}
		digest, err := small.measure(ctx, f, b.regsweep(nameDigest, "digest", sweep{deleteBy: "digest"}))
		first, other := small.measure(ctx, f, b.regsweep("regsweep `--delete-by tags-first`", "tags-first", sweep{deleteBy: "tags-first"}))
		if err := errors.Join(err, other); err != nil {
			return out, err
		}
		out.images = append(out.images, images)
		out.digest, out.tagsFirst = append(out.digest, digest), append(out.tagsFirst, first)
	}
	return out, nil
}

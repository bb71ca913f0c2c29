package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/bare"
	"github.com/regsweep/regsweep/e2e/relay"
)

// priceWorkers is how many requests are on their way at once when prices are asked for: enough for two processors.
const priceWorkers = 16

// prices is what requests of each kind take on one registry next door, where nothing but their work takes time.
type prices struct {
	kind   kind
	images int
	rows   []bare.Price
}

// prices asks for them on a repository of that many images.
func (b *bench) prices(ctx context.Context, k kind, images int) (out prices, err error) {
	s, err := b.start(k, relay.Options{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r := repository{"zdtest/app", images}
	if _, err := r.fill(ctx, s.URL); err != nil {
		return out, err
	}
	t, err := b.task(s, false, []repository{r})
	if err != nil {
		return out, err
	}
	text, err := b.run(ctx, bare.Task{Workers: priceWorkers, DeletesTags: k.deletesTags}, t)
	if err != nil {
		return out, err
	}
	out = prices{kind: k, images: images}
	return out, json.Unmarshal(text, &out.rows)
}

// kindOfPrice says which requests a price is that of.
var kindOfPrice = map[string]int{
	"HEAD manifest": headManifest, "GET manifest": getManifest, "GET config": getBlob,
	"PUT manifest": pushed, "DELETE tag": deleteTag, "DELETE digest": deleteDigest,
}

// of is what so many requests take by themselves. Where the price of a deletion by digest falls with the number of tags, it
// has none.
func (p prices) of(t tally) (out time.Duration) {
	for _, r := range p.rows {
		if kind := kindOfPrice[r.Kind]; kind != deleteDigest || p.kind.deletesTags {
			out += r.Elapsed * time.Duration(t[kind]) / time.Duration(p.images)
		}
	}
	return out
}

// writePrices writes what requests take.
func writePrices(w io.Writer, all []prices) {
	for _, p := range all {
		fmt.Fprintf(w, "\n### What %d requests of each kind take: %s\n\nBy a bare loop, %d at once:\n\n", p.images, title(p.kind, 0), priceWorkers)
		writeRow(w, "", "seconds", "times a look at a tag")
		writeRule(w, 2)
		for _, r := range p.rows {
			writeRow(w, r.Kind, seconds(r.Elapsed), times(float64(r.Elapsed)/float64(p.rows[0].Elapsed)))
		}
	}
}

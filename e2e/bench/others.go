package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/bare"
	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/e2e/relay"
)

// otherResult is how a contestant did on a registry of another kind.
type otherResult struct {
	registry   string
	contestant contestant
	images     int
	result
}

// otherKinds are registries that read no tags for a deletion by digest.
var otherKinds = []kind{{name: "olareg", start: registries.Olareg, deletesTags: true, referrers: true}}

// mostRequests is how many requests regsweep sends at a time at most, and how many the naive loop sends that it is compared with.
const mostRequests = 128

// others lets the naive loop, the safe floors and regsweep meet on registries of other kinds.
func (b *bench) others(ctx context.Context, images int) ([]otherResult, error) {
	var out []otherResult
	var errs []error
	for _, k := range otherKinds {
		f := field{k, relay.Options{}, []repository{{"zdtest/app", images}}}
		for _, c := range []contestant{
			{name: nameNaive, prune: b.bare(bare.Task{Contestant: bare.Naive, Workers: mostRequests})},
			b.safe(k, mostRequests, nameSafe, bare.DatesRead),
			b.safe(k, mostRequests, nameSafeCached, bare.DatesCached),
			b.safe(k, mostRequests, nameSafeByName, bare.ByListing),
			b.regsweep(nameRegsweep, "", sweep{}),
			b.warm(b.regsweep(nameWarm, "", sweep{})),
			b.byName(nameByName, sweep{}),
			b.byName(nameTagsFirst, sweep{deleteBy: "tags-first"}),
		} {
			r, err := b.measure(ctx, f, c)
			if err == nil {
				out = append(out, otherResult{k.name, c, images, r})
			}
			if errs = append(errs, err); ctx.Err() != nil {
				return out, errors.Join(errs...)
			}
		}
	}
	return out, errors.Join(errs...)
}

// ofNaive is how many times the naive loop's time a contestant took on a registry.
func ofNaive(all []otherResult, registry, name string) number {
	took := map[string]time.Duration{}
	for _, r := range all {
		if r.registry == registry {
			took[r.contestant.name] = r.elapsed
		}
	}
	return quotient(took[name], took[nameNaive])
}

// writeOthers writes how they did.
func writeOthers(w io.Writer, rows []otherResult) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n### Registries that read no tags for a deletion\n\nThe naive loop and the safe floors send %d requests at a time, as many as regsweep at most. regsweep and the safe floors ask what refers to an image before they delete it, and look at its tag once more:\n\n", mostRequests)
	writeRow(w, append(append([]string{"", "registry", "images", "seconds", "times the naive loop"}, kindNames[:]...), "all")...)
	writeRule(w, 4+len(kindNames)+1)
	for _, r := range rows {
		line := []string{r.contestant.name, r.registry, fmt.Sprint(r.images), seconds(r.elapsed), ofNaive(rows, r.registry, r.contestant.name).String()}
		for _, n := range r.requests {
			line = append(line, fmt.Sprint(n))
		}
		writeRow(w, append(line, fmt.Sprint(r.requests.total()))...)
	}
}

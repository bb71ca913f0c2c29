package prune

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// errUnanswered is why it is not known whether something was removed.
var errUnanswered = errors.New("the removal was interrupted, and nothing was heard of it")

// End looks at the repository once more, closes the journal, and returns what has become of each deletion. why says what kept
// the caller from removing, where something did; "" otherwise. What was chosen and not settled is perhaps removed.
// The context's drain bounds the look.
func (r *Removal) End(ctx context.Context, why string) Result {
	e := r.e
	drain, cancel := registry.Drain(ctx)
	defer cancel()
	ctx = registry.WithDrain(drain, drain)
	switch {
	case r.chosen != nil:
		r.settleUnanswered(ctx)
	default:
		e.method = "" // nothing was removed by any method
		why = cmp.Or(r.why, why, "the registry was not stopped")
		for d := range e.ledger.images {
			if e.ledger.kept[d] == "" && e.health.err == nil {
				e.ledger.outcomes[d] = Outcome{Skipped, why}
			}
		}
	}
	return e.end(ctx)
}

// settleUnanswered settles what was chosen and not heard of. Where an image has all its tags, nothing of it was removed, and
// nothing that waits for it. Of all else it is not known, and the journal keeps it.
func (r *Removal) settleUnanswered(ctx context.Context) {
	l := r.e.ledger
	var open []oci.Digest
	for _, d := range slices.Concat(r.levels...) {
		if _, settled := l.outcomes[d]; !settled {
			open = append(open, d)
		}
	}
	if len(open) == 0 {
		return
	}
	has := map[oci.Digest]int{}
	if later, err := r.e.target.Refresh(ctx, r.e.plan.Snapshot(), nil); err == nil {
		for _, i := range later.Images {
			has[i.Digest] = len(i.Tags)
		}
	}
	untouched := map[oci.Digest]bool{}
	for _, d := range open {
		tags := len(l.images[d].Tags)
		waits := func(b oci.Digest) bool { return untouched[b] }
		if tags > 0 && has[d] >= tags || tags == 0 && slices.ContainsFunc(l.before[d], waits) {
			untouched[d] = true
			l.settle(d, Outcome{Skipped, "not tried: the removal was interrupted"})
			continue
		}
		l.doubt(d, errUnanswered)
		l.settle(d, Outcome{Unsettled, errUnanswered.Error()})
	}
}

package prune

import (
	"context"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
)

// maxReferrerRounds is how often a plan is made again because attachments of what it deletes have come to light. Each round
// finds the attachments of those that the round before has found.
const maxReferrerRounds = 16

// Plan decides about a snapshot, with the attachments in view that no listing has and the referrers API does. It asks for
// those of what is to be deleted, and decides again with them, until nothing new comes to light. Those of what stays need
// not be known: they stay. A plan that deletes nothing, or that a guard refuses, asks for nothing. The plan comes with the
// snapshot from which it was made, and that snapshot's warnings. An error says that the attachments are not known, and that
// nothing may be deleted.
func Plan(ctx context.Context, r registry.Repository, s oci.Snapshot, decide func(oci.Snapshot) retain.Plan) (retain.Plan, oci.Snapshot, error) {
	plan := decide(s)
	lister, can := r.(registry.ReferrerLister)
	asked := map[oci.Digest]bool{}
	for range maxReferrerRounds {
		var of []oci.Digest
		for _, d := range plan.Deletions() {
			if i := d.Image; !asked[i.Digest] && i.Kind != oci.KindPlaceholder {
				asked[i.Digest] = true
				of = append(of, i.Digest)
			}
		}
		if !can || len(of) == 0 || len(plan.Refusals) > 0 {
			return plan, s, nil
		}
		whole, err := lister.WithReferrers(ctx, s, of)
		if err != nil {
			return retain.Plan{}, oci.Snapshot{}, err
		}
		if len(whole.Images) == len(s.Images) {
			return plan, whole, nil
		}
		next := decide(whole)
		if name := givesUp(plan, next); name != "" {
			s.Warnings = append(slices.Clone(whole.Warnings), fmt.Sprintf("attachments without a tag are left in the registry: with them in view, the rules would delete %s, which they keep", name))
			return plan, s, nil
		}
		s, plan = whole, next
	}
	err := fmt.Errorf("attachments of attachments have no end after %d rounds of the referrers API", maxReferrerRounds)
	return retain.Plan{}, oci.Snapshot{}, registry.Mark(err, registry.ErrIncomplete)
}

// givesUp names what a plan keeps and the next one deletes, "" where there is nothing. Attachments may go: what they are
// attached to can have come to light.
func givesUp(plan, next retain.Plan) string {
	kept := map[oci.Digest]bool{}
	for _, d := range plan.Decisions {
		kept[d.Image.Digest] = d.Verdict == retain.Keep
	}
	for _, d := range next.Deletions() {
		if kept[d.Image.Digest] && d.Image.Kind != oci.KindAttachment {
			return retain.Name(d.Image)
		}
	}
	return ""
}

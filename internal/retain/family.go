package retain

import (
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
)

// family is how the images of a snapshot hang together.
type family struct {
	byDigest    map[oci.Digest]*entry
	parents     map[oci.Digest][]*entry // the indexes that list a digest
	attachments map[oci.Digest][]*entry // what is attached to a digest
}

func familyOf(entries []*entry) family {
	f := family{map[oci.Digest]*entry{}, map[oci.Digest][]*entry{}, map[oci.Digest][]*entry{}}
	for _, e := range entries {
		f.byDigest[e.image.Digest] = e
		for _, c := range e.image.Children {
			f.parents[c] = append(f.parents[c], e)
		}
		for _, s := range e.image.Subjects() {
			f.attachments[s] = append(f.attachments[s], e)
		}
	}
	return f
}

// sort puts what belongs to a digest in the order in which reports name it.
func (f family) sort() {
	for _, lists := range []map[oci.Digest][]*entry{f.parents, f.attachments} {
		for _, es := range lists {
			slices.SortFunc(es, func(a, b *entry) int { return orderCreated(a.rank, b.rank) })
		}
	}
}

// keepOrphans keeps attachments whose subject is not in the repository: it may be stored elsewhere
// (COSIGN_REPOSITORY, https://docs.sigstore.dev/cosign/signing/signing_with_containers/), so nothing is known of it.
// So is nothing of a manifest that neither a tag nor an index names. But what an earlier run has begun to delete is an
// orphan because of that.
func (d *decider) keepOrphans() {
	for _, e := range d.entries {
		if e.pending {
			continue
		}
		if len(e.image.Tags)+len(e.image.Subjects()) == 0 && !e.part {
			e.always(RuleChild, "nothing in the repository names it")
		}
		for _, s := range e.image.Subjects() {
			if d.family.byDigest[s] == nil {
				e.always(RuleAttachment, "its subject "+ShortDigest(s)+" is not in the repository")
			}
		}
	}
}

// keepReachable carries each keep on to what the image needs: to its children, to theirs, and to everything attached
// to any of them.
func (d *decider) keepReachable() {
	var queue []*entry
	for _, e := range d.entries {
		if e.stays() {
			queue = append(queue, e)
		}
	}
	hold := func(e *entry, r Rule, detail string) {
		if e != nil && !e.stays() {
			e.keep(r, detail)
			queue = append(queue, e)
		}
	}
	for len(queue) > 0 {
		e := queue[0]
		queue = queue[1:]
		for _, c := range e.image.Children {
			hold(d.family.byDigest[c], RuleChild, "part of "+Name(e.image))
		}
		for _, a := range d.family.attachments[e.image.Digest] {
			hold(a, RuleAttachment, "attached to "+Name(e.image))
		}
	}
}

// promote makes images of their own out of parts that stay while every index that lists them goes, and reports
// whether there were any. The rules must count those from now on, as they will when they look at what is left:
// deciding twice must not delete more than deciding once.
func (d *decider) promote() bool {
	promoted := false
	for _, e := range d.entries {
		held := slices.ContainsFunc(d.family.parents[e.image.Digest], func(p *entry) bool { return e.isPartOf(p) && p.stays() })
		if e.part && counted(e.image) && e.stays() && !held {
			e.part, promoted = false, true
		}
	}
	return promoted
}

// doom gives parts and attachments that nothing has kept the reason why they go. Everything else without a reason to
// stay has been missed by a rule.
func (d *decider) doom() {
	for _, e := range d.entries {
		if e.stays() {
			continue
		}
		if e.part {
			e.miss(RuleChild, "only part of "+names(d.family.parents[e.image.Digest])+", which goes")
		}
		for _, s := range e.image.Subjects() {
			if subject := d.family.byDigest[s]; subject != nil {
				e.miss(RuleAttachment, "attached to "+Name(subject.image)+", which goes")
			}
		}
		switch {
		case e.image.Kind == oci.KindPlaceholder:
			e.miss(RuleInterrupted, "what an interrupted run has pointed these tags at to remove them")
		case e.pending && len(e.missed) == 0:
			e.miss(RuleInterrupted, "an interrupted run had begun to delete it")
		}
	}
}

func names(es []*entry) string {
	if len(es) == 1 {
		return Name(es[0].image)
	}
	return fmt.Sprintf("%s and %s", Name(es[0].image), plural(len(es)-1, "other"))
}

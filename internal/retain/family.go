package retain

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
)

// family says which images of a snapshot belong together.
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

// keepOrphans keeps attachments with a tag whose subject is not in the repository: it may be stored elsewhere
// (COSIGN_REPOSITORY, https://docs.sigstore.dev/cosign/signing/signing_with_containers/), so nothing is known of it. It
// also keeps untagged manifests that the policy does not give up. What an earlier run has begun to delete is an orphan
// because of that run, and is not kept.
func (d *decider) keepOrphans() {
	for _, e := range d.entries {
		if e.pending {
			continue
		}
		if e.untagged = d.isUntagged(e); e.untagged {
			if why, old := d.untaggedFor(e); !old {
				e.always(RuleUntagged, why)
			}
			continue
		}
		for _, s := range e.image.Subjects() {
			if len(e.image.Tags) > 0 && d.family.byDigest[s] == nil { // else it goes where its index goes
				e.always(RuleAttachment, "its subject "+ShortDigest(s)+" is not in the repository")
			}
		}
	}
}

// isUntagged reports whether no tag, no index and no subject leads to a manifest.
func (d *decider) isUntagged(e *entry) bool {
	return len(e.image.Tags) == 0 && !e.part && !slices.ContainsFunc(e.image.Subjects(), func(s oci.Digest) bool { return d.family.byDigest[s] != nil })
}

// untaggedFor says how old an untagged manifest is, and reports whether the policy gives it up.
func (d *decider) untaggedFor(e *entry) (why string, old bool) {
	at := cmp.Or(d.usable(e.image.Pushed), d.usable(e.image.Created))
	limit := d.policy.Untagged
	switch {
	case limit.IsZero():
		return "nothing in the repository refers to it", false
	case at.IsZero():
		return "nothing in the repository refers to it, and it has no usable date", false
	}
	why = "nothing in the repository refers to it; " + Elapsed(max(0, d.now.Sub(at))) + " old"
	if at.After(limit.Before(d.now)) {
		return why + ", younger than " + limit.String(), false
	}
	return why, true
}

// keepSubjects keeps what attachments are attached to that stay by themselves, and what that is attached to. A part without a tag goes where its indexes
// go all the same: without them no listing would have it, and the next run could not know what it needs.
func (d *decider) keepSubjects() {
	itself := func(r Reason) bool { return r.Rule != RuleAttachment && r.Rule != RuleUntagged }
	var queue []*entry
	for _, e := range d.entries {
		if slices.ContainsFunc(e.firm, itself) {
			queue = append(queue, e)
		}
	}
	for seen := map[*entry]bool{}; len(queue) > 0; queue = queue[1:] {
		e := queue[0]
		if seen[e] || e.image.Kind != oci.KindAttachment {
			continue
		}
		seen[e] = true
		for _, s := range e.image.Subjects() {
			subject := d.family.byDigest[s]
			if subject == nil || len(subject.image.Tags)+len(subject.image.Removed) == 0 && subject.part {
				continue
			}
			subject.always(RuleSubject, Name(e.image)+", which stays, is attached to it")
			queue = append(queue, subject)
		}
	}
}

// keepReachable keeps what each kept image needs: its children, their children, and everything that is attached to any
// of them.
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

// explainDeletions gives the parts and attachments that nothing keeps the reason why they are deleted. Everything else
// that is deleted has the reasons of the rules that did not keep it.
func (d *decider) explainDeletions() {
	for _, e := range d.entries {
		if e.stays() {
			continue
		}
		if e.part {
			e.miss(RuleChild, "only part of "+deletedNames(d.family.parents[e.image.Digest]))
		}
		for _, s := range e.image.Subjects() {
			if subject := d.family.byDigest[s]; subject != nil {
				e.miss(RuleAttachment, "attached to "+Name(subject.image)+", which is deleted")
			}
		}
		switch {
		case e.image.Kind == oci.KindPlaceholder:
			e.miss(RuleInterrupted, "placeholder of an interrupted run, which pointed these tags at it to remove them")
		case e.untagged:
			why, _ := d.untaggedFor(e)
			e.miss(RuleUntagged, why)
		case e.pending && len(e.missed) == 0:
			e.miss(RuleInterrupted, "an interrupted run has begun to delete it")
		}
	}
}

// deletedNames names the first of some images and says that all are deleted.
func deletedNames(es []*entry) string {
	if len(es) == 1 {
		return Name(es[0].image) + ", which is deleted"
	}
	return fmt.Sprintf("%s and %s, which are deleted", Name(es[0].image), plural(len(es)-1, "other"))
}

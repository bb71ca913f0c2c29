package retain

import (
	"fmt"

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

// keepReachable carries each keep on to what the image needs: to its children, to theirs, and to everything attached
// to any of them. An attachment whose subject is not in the repository stays: its subject may be stored elsewhere
// (COSIGN_REPOSITORY, https://docs.sigstore.dev/cosign/signing/signing_with_containers/), so nothing is known of it.
func (d *decider) keepReachable() {
	var queue []*entry
	for _, e := range d.entries {
		for _, s := range e.image.Subjects() {
			if d.family.byDigest[s] == nil {
				e.keep(RuleAttachment, "its subject "+ShortDigest(s)+" is not in the repository")
			}
		}
		if len(e.kept) > 0 {
			queue = append(queue, e)
		}
	}
	hold := func(e *entry, r Rule, detail string) {
		if e == nil || len(e.kept) > 0 {
			return
		}
		e.keep(r, detail)
		queue = append(queue, e)
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

// doom gives children and attachments that nothing has kept the reason why they go, and keeps whatever is left
// without one: a deletion without a reason does not happen.
func (d *decider) doom() {
	for _, e := range d.entries {
		if len(e.kept) > 0 {
			continue
		}
		if parents := d.family.parents[e.image.Digest]; len(parents) > 0 && !e.counts {
			e.miss(RuleChild, "only part of "+names(parents)+", which goes")
		}
		for _, s := range e.image.Subjects() {
			e.miss(RuleAttachment, "attached to "+Name(d.family.byDigest[s].image)+", which goes")
		}
		if len(e.missed) == 0 {
			e.keep(RuleNoPolicy, "nothing says that it may go")
		}
	}
}

func names(es []*entry) string {
	if len(es) == 1 {
		return Name(es[0].image)
	}
	return fmt.Sprintf("%s and %s", Name(es[0].image), plural(len(es)-1, "other"))
}

package prune

import (
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// dependencies are what must be deleted before what: an index before its children, and a subject before its attachments,
// so that an interrupted run leaves parts without a whole, never a whole without its parts.
type dependencies struct {
	images map[oci.Digest]oci.Image    // that are to be deleted
	roots  []oci.Digest                // those that wait for nothing, the oldest first
	before map[oci.Digest][]oci.Digest // what a deletion waits for
	after  map[oci.Digest][]oci.Digest // what waits for it
	loose  map[oci.Digest]bool         // nothing led there when the plan was made, without any doing of this program
	leads  map[oci.Digest][]oci.Digest // through what a digest is found: the indexes that list it, and its subjects
}

// dependenciesOf orders deletions. Registries that refuse to delete what an attachment refers to want the attachments
// first.
func dependenciesOf(deletions []retain.Decision, attachmentsFirst bool) dependencies {
	out := dependencies{
		images: map[oci.Digest]oci.Image{}, before: map[oci.Digest][]oci.Digest{}, after: map[oci.Digest][]oci.Digest{},
		leads: map[oci.Digest][]oci.Digest{}, loose: map[oci.Digest]bool{},
	}
	for _, d := range deletions {
		out.images[d.Image.Digest] = d.Image
	}
	for _, d := range deletions {
		for _, c := range d.Image.Children {
			out.add(c, d.Image.Digest)
			out.lead(c, d.Image.Digest)
		}
		for _, s := range d.Image.Subjects() {
			out.lead(d.Image.Digest, s)
			if attachmentsFirst {
				out.add(s, d.Image.Digest)
			} else {
				out.add(d.Image.Digest, s)
			}
		}
	}
	for _, d := range deletions {
		if i := d.Image; i.Kind == oci.KindAttachment && len(i.Subjects()) == 0 { // it was a referrers index
			for _, c := range i.Children {
				out.lead(i.Digest, out.images[c].Subject)
			}
		}
	}
	for _, d := range deletions {
		i := d.Image
		out.loose[i.Digest] = !d.Pending && len(i.Tags)+len(out.leads[i.Digest]) == 0
	}
	for _, d := range slices.Backward(deletions) { // plans are newest first
		if len(out.before[d.Image.Digest]) == 0 {
			out.roots = append(out.roots, d.Image.Digest)
		}
	}
	return out
}

// add notes that one deletion waits for another, if both are to be deleted.
func (d *dependencies) add(later, earlier oci.Digest) {
	_, has := d.images[later]
	if _, both := d.images[earlier]; !has || !both || later == earlier || slices.Contains(d.before[later], earlier) {
		return
	}
	d.before[later] = append(d.before[later], earlier)
	d.after[earlier] = append(d.after[earlier], later)
}

// lead notes that one of two digests that are to be deleted is found through the other one.
func (d *dependencies) lead(found, through oci.Digest) {
	if _, both := d.images[through]; both && found != through {
		d.leads[found] = append(d.leads[found], through)
	}
}

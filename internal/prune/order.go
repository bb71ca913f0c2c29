package prune

import (
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// dependencies are what must be deleted before what: an index before its children and a subject before its
// attachments, so that an interrupted run leaves parts without a whole, never a whole without its parts.
type dependencies struct {
	roots  []oci.Digest                // those that wait for nothing, the oldest first
	before map[oci.Digest][]oci.Digest // what a deletion waits for
	after  map[oci.Digest][]oci.Digest // what waits for it
}

func dependenciesOf(deletions []retain.Decision) dependencies {
	doomed := map[oci.Digest]bool{}
	for _, d := range deletions {
		doomed[d.Image.Digest] = true
	}
	out := dependencies{before: map[oci.Digest][]oci.Digest{}, after: map[oci.Digest][]oci.Digest{}}
	needs := func(later, earlier oci.Digest) {
		if doomed[later] && doomed[earlier] && later != earlier && !slices.Contains(out.before[later], earlier) {
			out.before[later] = append(out.before[later], earlier)
			out.after[earlier] = append(out.after[earlier], later)
		}
	}
	for _, d := range deletions {
		for _, c := range d.Image.Children {
			needs(c, d.Image.Digest)
		}
		for _, s := range d.Image.Subjects() {
			needs(d.Image.Digest, s)
		}
	}
	for _, d := range slices.Backward(deletions) { // plans are newest first
		if len(out.before[d.Image.Digest]) == 0 {
			out.roots = append(out.roots, d.Image.Digest)
		}
	}
	return out
}

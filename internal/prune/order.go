package prune

import (
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// waves puts the deletions in the order in which they are safe: an index before its children and a subject before its
// attachments, so that an interrupted run leaves parts without a whole, never a whole without its parts. Deletions of
// one wave do not depend on each other; within a wave the oldest come first. before maps each deletion to those that
// must have succeeded for it.
func waves(deletions []retain.Decision) (order [][]oci.Digest, before map[oci.Digest][]oci.Digest) {
	doomed := map[oci.Digest]bool{}
	for _, d := range deletions {
		doomed[d.Image.Digest] = true
	}
	before = map[oci.Digest][]oci.Digest{}
	needs := func(later, earlier oci.Digest) {
		if doomed[later] && doomed[earlier] && later != earlier {
			before[later] = append(before[later], earlier)
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
	depth := map[oci.Digest]int{}
	for i := len(deletions) - 1; i >= 0; i-- { // plans are newest first
		d := deletions[i].Image.Digest
		n := depthOf(d, before, depth)
		for len(order) <= n {
			order = append(order, nil)
		}
		order[n] = append(order[n], d)
	}
	return order, before
}

// depthOf returns the length of the longest chain of deletions that come before d. Tags can claim a circle of
// subjects, which digests cannot; a circle is cut where it is entered.
func depthOf(d oci.Digest, before map[oci.Digest][]oci.Digest, depth map[oci.Digest]int) int {
	if n, ok := depth[d]; ok {
		return n
	}
	depth[d] = 0
	n := 0
	for _, e := range before[d] {
		n = max(n, 1+depthOf(e, before, depth))
	}
	depth[d] = n
	return n
}

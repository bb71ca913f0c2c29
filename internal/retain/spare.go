package retain

import (
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
)

// Spare compares the plan with a later look at the repository and returns the deletions that must not happen any
// more, each with the cause: digests that a new or moved tag has come to reach, directly, through an index or as the
// subject of a new attachment, which somebody made because the image is needed. When nothing that the plan keeps is left in the repository, all deletions are spared.
func (p Plan) Spare(later oci.Snapshot) map[oci.Digest]string {
	spared := map[oci.Digest]string{}
	known := map[oci.Digest]*Decision{}
	before := map[string]oci.Digest{}
	attached := map[oci.Digest][]oci.Digest{}
	for i := range p.Decisions {
		d := &p.Decisions[i]
		known[d.Image.Digest] = d
		for _, t := range d.Image.Tags {
			before[t] = d.Image.Digest
		}
		for _, s := range d.Image.Subjects() {
			attached[s] = append(attached[s], d.Image.Digest)
		}
	}
	children := map[oci.Digest][]oci.Digest{}
	type reached struct {
		digest oci.Digest
		why    string
	}
	var queue []reached
	for _, i := range later.Images {
		children[i.Digest] = i.Children
		if known[i.Digest] == nil {
			children[i.Digest] = append(i.Subjects(), i.Children...)
		}
		for _, t := range i.Tags {
			if before[t] != i.Digest {
				queue = append(queue, reached{i.Digest, "tag " + t + " has come to need it since the plan was made"})
			}
		}
	}
	for seen := map[oci.Digest]bool{}; len(queue) > 0; queue = queue[1:] {
		r := queue[0]
		if seen[r.digest] {
			continue
		}
		seen[r.digest] = true
		d := known[r.digest]
		if d != nil && d.Verdict == Delete {
			spared[r.digest] = r.why
		}
		next := children[r.digest]
		if d != nil {
			next = append(d.Image.Children[:len(d.Image.Children):len(d.Image.Children)], next...)
		}
		for _, c := range append(next, attached[r.digest]...) {
			queue = append(queue, reached{c, r.why})
		}
	}
	if p.Leaves(later) {
		return spared
	}
	for _, d := range p.Deletions() {
		spared[d.Image.Digest] = "nothing that the plan keeps is left in the repository"
	}
	return spared
}

// Leaves reports whether a later look at the repository shows an image with a tag that the plan keeps.
func (p Plan) Leaves(later oci.Snapshot) bool {
	kept := map[oci.Digest]bool{}
	for _, d := range p.Decisions {
		kept[d.Image.Digest] = d.Verdict == Keep && counted(d.Image)
	}
	return slices.ContainsFunc(later.Images, func(i oci.Image) bool { return kept[i.Digest] && len(i.Tags) > 0 })
}

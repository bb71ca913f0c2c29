package retain

import (
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
)

// Recheck compares the plan with a later look at the repository and returns the deletions that must not happen any
// more, each with the cause. These are the digests that a new or moved tag needs: the one that it points at, what an
// index contains, and the subject of a new attachment, which somebody made because the image is needed. When nothing
// that the plan keeps is left in the repository, it returns all deletions.
func (p Plan) Recheck(later oci.Snapshot) map[oci.Digest]string {
	deleted := map[oci.Digest]bool{}
	for _, d := range p.Deletions() {
		deleted[d.Image.Digest] = true
	}
	out := map[oci.Digest]string{}
	if !p.KeepsAny(later) {
		for d := range deleted {
			out[d] = "nothing that the plan keeps is left in the repository"
		}
		return out
	}
	needs, seen := p.needs(later), map[oci.Digest]bool{}
	for queue := p.newlyNamed(later); len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if seen[at.digest] {
			continue
		}
		seen[at.digest] = true
		if deleted[at.digest] {
			out[at.digest] = at.cause
		}
		for _, d := range needs[at.digest] {
			queue = append(queue, needed{d, at.cause})
		}
	}
	return out
}

// KeepsAny reports whether a later look at the repository shows an image with a tag that the plan keeps.
func (p Plan) KeepsAny(later oci.Snapshot) bool {
	kept := map[oci.Digest]bool{}
	for _, d := range p.Decisions {
		kept[d.Image.Digest] = d.Verdict == Keep && counted(d.Image)
	}
	return slices.ContainsFunc(later.Images, func(i oci.Image) bool { return kept[i.Digest] && len(i.Tags) > 0 })
}

// needed is a digest that must stay, and why.
type needed struct {
	digest oci.Digest
	cause  string
}

// newlyNamed returns what tags of a later look point at or are attached to that did not when the plan was made.
func (p Plan) newlyNamed(later oci.Snapshot) []needed {
	before := map[string]oci.Digest{}
	for _, d := range p.Decisions {
		for _, t := range d.Image.Tags {
			before[t] = d.Image.Digest
		}
		if d.Verdict != Keep {
			continue
		}
		for _, t := range d.Image.Removed { // the run puts them back itself
			before[t] = d.Image.Digest
		}
	}
	var out []needed
	for _, i := range later.Images {
		for _, t := range i.Tags {
			if before[t] == i.Digest {
				continue
			}
			cause := "needed by tag " + t + ", which changed after the plan was made"
			out = append(out, needed{i.Digest, cause})
			if subject, ok := oci.AttachmentSubject(t); ok && i.Kind != oci.KindPlaceholder {
				out = append(out, needed{subject, cause})
			}
		}
	}
	return out
}

// needs returns what must stay with each digest: its children and its attachments, and what an attachment that the plan
// does not know is attached to.
func (p Plan) needs(later oci.Snapshot) map[oci.Digest][]oci.Digest {
	out, known := map[oci.Digest][]oci.Digest{}, map[oci.Digest]bool{}
	for _, d := range p.Decisions {
		known[d.Image.Digest] = true
		out[d.Image.Digest] = append(out[d.Image.Digest], d.Image.Children...)
		for _, s := range d.Image.Subjects() {
			out[s] = append(out[s], d.Image.Digest)
		}
	}
	for _, i := range later.Images {
		if !known[i.Digest] {
			out[i.Digest] = slices.Concat(out[i.Digest], i.Subjects(), i.Children)
		}
	}
	return out
}

package rank

import (
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
)

// reach says what tags of a repository need.
type reach struct {
	images map[oci.Digest]oci.Image
	parts  map[oci.Digest]bool // what an index lists
	needed map[oci.Digest]bool
}

// needed finds what a tag leads to: parts of an index at every depth, and attachments. The tag of an attachment leads to
// nothing where its subject is in the repository.
func needed(s oci.Snapshot) reach {
	r := reach{map[oci.Digest]oci.Image{}, map[oci.Digest]bool{}, map[oci.Digest]bool{}}
	attached := map[oci.Digest][]oci.Digest{}
	for _, i := range s.Images {
		r.images[i.Digest] = i
		for _, c := range i.Children {
			r.parts[c] = true
		}
		for _, subject := range i.Subjects() {
			attached[subject] = append(attached[subject], i.Digest)
		}
	}
	var queue []oci.Digest
	for _, i := range s.Images {
		if len(i.Tags) > 0 && !(i.Kind == oci.KindAttachment && r.isAttached(i)) {
			queue = append(queue, i.Digest)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		d := queue[0]
		if _, there := r.images[d]; !there || r.needed[d] {
			continue
		}
		r.needed[d] = true
		queue = append(append(queue, r.images[d].Children...), attached[d]...)
	}
	return r
}

func (r reach) has(d oci.Digest) bool { return r.needed[d] }

// isAttached reports whether the subject of an attachment is in the repository.
func (r reach) isAttached(i oci.Image) bool {
	return slices.ContainsFunc(i.Subjects(), func(s oci.Digest) bool {
		_, there := r.images[s]
		return there
	})
}

// isRoot reports whether an image belongs to no other.
func (r reach) isRoot(i oci.Image) bool {
	return len(i.Tags) == 0 && !r.parts[i.Digest] && !r.isAttached(i)
}

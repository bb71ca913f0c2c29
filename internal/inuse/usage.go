package inuse

import "github.com/regsweep/regsweep/internal/oci"

// Usage is what texts say about the images of a snapshot. The zero value says nothing.
type Usage struct {
	tags    map[string]bool
	whole   map[oci.Digest]bool     // named by digest, or an index that contains such a one
	reasons map[oci.Digest][]string // a phrase from each text that names the image
	ghosts  map[string][]string     // the same for tags without a manifest
	// Unmatched are the sources of the texts that name nothing of the repository.
	Unmatched []string
}

// Names reports whether a text names an image by this tag, or the whole image by its digest or by one that it contains.
func (u Usage) Names(i oci.Image, tag string) bool { return u.tags[tag] || u.whole[i.Digest] }

// Reasons returns a phrase from each text that names the image, in the order of the texts.
func (u Usage) Reasons(d oci.Digest) []string { return u.reasons[d] }

// Tag returns a phrase from each text that names a tag without a manifest ([oci.Snapshot.Ghosts]), in the order of the
// texts.
func (u Usage) Tag(ghost string) []string { return u.ghosts[ghost] }

// Find looks for each image of a snapshot in each text. The first place in a text counts, so that the order of the
// images does not.
func Find(texts []Text, s oci.Snapshot) Usage {
	if len(texts) == 0 {
		return Usage{}
	}
	u := Usage{tags: map[string]bool{}, whole: map[oci.Digest]bool{}, reasons: map[oci.Digest][]string{}, ghosts: map[string][]string{}}
	names, parents := namesOf(s.Repository), map[oci.Digest][]oci.Digest{}
	for _, i := range s.Images {
		for _, c := range i.Children {
			parents[c] = append(parents[c], i.Digest)
		}
	}
	for _, t := range texts {
		u.add(t, t.find(names, s, parents))
	}
	return u
}

// found is what one text names of a repository.
type found struct {
	tags     []string
	digests  []oci.Digest
	ghosts   map[string]place
	named    map[oci.Digest]place // the images, by tag or by digest
	contains map[oci.Digest]place // the indexes that contain an image that is named by digest
}

// find looks for the images of a snapshot in a text. names are those of the repository; parents has the indexes that
// list a digest.
func (t Text) find(names []string, s oci.Snapshot, parents map[oci.Digest][]oci.Digest) found {
	f := found{named: map[oci.Digest]place{}, contains: map[oci.Digest]place{}, ghosts: map[string]place{}}
	for _, tag := range s.Ghosts {
		if at, ok := t.tag(names, tag); ok {
			f.ghosts[tag] = at
		}
	}
	for _, i := range s.Images {
		if at, ok := t.digest(names, i.Digest); ok {
			f.digests = append(f.digests, i.Digest)
			first(f.named, i.Digest, at)
			climb(i.Digest, at, parents, f.contains)
		}
		for _, tag := range i.Tags {
			if at, ok := t.tag(names, tag); ok {
				f.tags = append(f.tags, tag)
				first(f.named, i.Digest, at)
			}
		}
	}
	return f
}

// add takes over what a text names.
func (u *Usage) add(t Text, f found) {
	for _, tag := range f.tags {
		u.tags[tag] = true
	}
	for _, d := range f.digests {
		u.whole[d] = true
	}
	for d, at := range f.named {
		u.reasons[d] = append(u.reasons[d], t.where(at))
	}
	for d, at := range f.contains {
		u.whole[d] = true
		if _, ok := f.named[d]; !ok {
			u.reasons[d] = append(u.reasons[d], "contains what is "+t.where(at))
		}
	}
	for tag, at := range f.ghosts {
		u.ghosts[tag] = append(u.ghosts[tag], t.where(at))
	}
	if len(f.named)+len(f.ghosts) == 0 {
		u.Unmatched = append(u.Unmatched, t.source)
	}
}

// first notes a place where a digest is in use, unless an earlier one is known, and reports whether it did.
func first(places map[oci.Digest]place, d oci.Digest, at place) bool {
	before, known := places[d]
	if known && before.line <= at.line {
		return false
	}
	places[d] = at
	return true
}

// climb notes the indexes that contain a digest, at any depth, each with the first place that leads to it.
func climb(from oci.Digest, at place, parents map[oci.Digest][]oci.Digest, places map[oci.Digest]place) {
	for queue := []oci.Digest{from}; len(queue) > 0; queue = queue[1:] {
		for _, parent := range parents[queue[0]] {
			if first(places, parent, at) {
				queue = append(queue, parent)
			}
		}
	}
}

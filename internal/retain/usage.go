package retain

import "github.com/regsweep/regsweep/internal/oci"

// usage is what the texts of images in use say about the images of a snapshot. The zero value says nothing.
type usage struct {
	tags   map[string]bool         // named by tag: not counted
	whole  map[oci.Digest]bool     // named by digest, or an index with such a one in it: not counted by any tag
	why    map[oci.Digest][]string // a phrase from each text that names the image
	silent []string                // the texts that name nothing of the repository
}

// usage looks for each image in each text. The first place in a text counts, so that the order of the images does not.
func (p Policy) usage(s oci.Snapshot) usage {
	if len(p.InUse) == 0 {
		return usage{}
	}
	u := usage{tags: map[string]bool{}, whole: map[oci.Digest]bool{}, why: map[oci.Digest][]string{}}
	repository := namesOf(s.Repository)
	indexes := map[oci.Digest][]oci.Digest{}
	for _, i := range s.Images {
		for _, c := range i.Children {
			indexes[c] = append(indexes[c], i.Digest)
		}
	}
	for _, text := range p.InUse {
		named, inside := map[oci.Digest]place{}, map[oci.Digest]place{}
		for _, i := range s.Images {
			at, found := text.digest(repository, i.Digest)
			if found {
				u.whole[i.Digest] = true
				climb(i.Digest, at, indexes, inside)
			}
			for _, t := range i.Tags {
				other, ok := text.tag(repository, t)
				if !ok {
					continue
				}
				u.tags[t] = true
				if !found || other.line < at.line {
					at, found = other, true
				}
			}
			if found {
				named[i.Digest] = at
			}
		}
		for d, at := range named {
			u.why[d] = append(u.why[d], text.where(at))
		}
		for d, at := range inside {
			u.whole[d] = true
			if _, ok := named[d]; !ok {
				u.why[d] = append(u.why[d], "contains what is "+text.where(at))
			}
		}
		if len(named) == 0 {
			u.silent = append(u.silent, text.source)
		}
	}
	return u
}

// climb notes in found the indexes that contain a digest, at any depth, each with the first place that leads to it.
func climb(from oci.Digest, at place, indexes map[oci.Digest][]oci.Digest, found map[oci.Digest]place) {
	for queue := []oci.Digest{from}; len(queue) > 0; queue = queue[1:] {
		for _, parent := range indexes[queue[0]] {
			if before, ok := found[parent]; !ok || at.line < before.line {
				found[parent] = at
				queue = append(queue, parent)
			}
		}
	}
}

// names reports whether a text names an image by this tag, or as a whole.
func (u usage) names(i oci.Image, tag string) bool { return u.tags[tag] || u.whole[i.Digest] }

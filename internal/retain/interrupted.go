package retain

import (
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
)

// removed returns the tags that an interrupted run has removed, by what they pointed at. A tag that points at something
// again is somebody's, and one that points at a placeholder is about to be removed with it. Where the interrupted run did
// not come to a tag, its image still has it.
func (c Context) removed(images []oci.Image) map[oci.Digest][]string {
	if len(c.Begun) == 0 {
		return nil
	}
	taken := map[string]bool{}
	for _, i := range images {
		for _, t := range i.Tags {
			taken[t] = i.Kind != oci.KindPlaceholder
		}
	}
	out := map[oci.Digest][]string{}
	for t, d := range c.Begun {
		if !taken[t] && slices.Contains(c.Pending, d) {
			out[d] = append(out[d], t)
		}
	}
	return out
}

// withRemoved returns an image with its removed tags. A signature is known by its tag alone: without, it is still the
// signature of its image, and goes or stays with that.
func withRemoved(i oci.Image, tags []string) oci.Image {
	if len(tags) == 0 {
		return i
	}
	i.Removed = sortedTags(tags)
	ordinary := func(t string) bool {
		_, attached := oci.AttachmentSubject(t)
		return !attached
	}
	if len(i.Tags) == 0 && i.Kind != oci.KindPlaceholder && !slices.ContainsFunc(tags, ordinary) {
		i.Kind = oci.KindAttachment
	}
	return i
}

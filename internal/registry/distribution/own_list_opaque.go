package distribution

import (
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// pushOrder is how far the times may be apart, and in the wrong order, that a registry's servers note for an index and for
// what it lists. Their clocks are much closer; an hour more costs little.
const pushOrder = time.Hour

// keepHidden returns the entries of a list with everything retained that an index may list which cannot be read: what was
// pushed before it. What is newer cannot be listed there. An index that an earlier run
// has read is known, because a digest's content does not change.
func (g *gathering) keepHidden(entries []Entry) ([]Entry, error) {
	var opaque []Entry
	for _, e := range entries {
		if _, remembered := g.memory.manifests[e.Digest]; !e.Opaque || remembered {
			continue
		}
		if e.Pushed.IsZero() {
			return nil, incomplete(fmt.Errorf("what %s lists is not known (%s), nor when it was pushed", e.Digest, e.Retained))
		}
		opaque = append(opaque, e)
	}
	if len(opaque) == 0 {
		return entries, nil
	}
	last := slices.MaxFunc(opaque, func(a, b Entry) int { return a.Pushed.Compare(b.Pushed) })
	out := slices.Clone(entries)
	kept := 0
	for i, e := range out {
		if e.Retained == "" && !e.Pushed.After(last.Pushed.Add(pushOrder)) {
			out[i].Retained = fmt.Sprintf("it may belong to the index %s, which cannot be read (%s)", last.Digest, last.Retained)
			kept++
		}
	}
	if kept > 0 {
		g.warnings = append(g.warnings, g.repository.client.Hide(fmt.Sprintf("what %s lists is not known (%s), so what was pushed before it stays (%d images)",
			names(opaque), last.Retained, kept)))
	}
	return out, nil
}

// names names indexes by their digests.
func names(all []Entry) string {
	if len(all) == 1 {
		return "the index " + all[0].Digest.String()
	}
	return fmt.Sprintf("the index %s, as that of %d others,", all[0].Digest, len(all)-1)
}

// newOpaque is an error where an index cannot be read that was not there before, so that no plan was made with it.
func newOpaque(entries []Entry, before oci.Snapshot) error {
	for _, e := range entries {
		if e.Opaque && !slices.ContainsFunc(before.Images, func(i oci.Image) bool { return i.Digest == e.Digest }) {
			return incomplete(fmt.Errorf("what the new index %s lists is not known (%s): run again", e.Digest, e.Retained))
		}
	}
	return nil
}

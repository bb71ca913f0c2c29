package prune

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
)

// restoring is what has become of the tags that are to be put back or removed.
type restoring struct {
	tried    map[string]bool       // the tags with which that went wrong: it is not tried twice
	restored map[oci.Digest]bool   // what has a tag again
	pointed  map[string]bool       // the tags that point at the placeholder of an interrupted run
	ghosts   map[string]oci.Digest // the tags without an image that could not be removed, and what they pointed at
}

func newRestoring(p retain.Plan) restoring {
	r := restoring{map[string]bool{}, map[oci.Digest]bool{}, map[string]bool{}, map[string]oci.Digest{}}
	for _, d := range p.Decisions {
		if d.Image.Kind != oci.KindPlaceholder {
			continue
		}
		for _, t := range d.Image.Tags {
			r.pointed[t] = true
		}
	}
	return r
}

// keeps reports whether the plan keeps an image.
func (e *execution) keeps(d oci.Digest) bool {
	return slices.ContainsFunc(e.plan.Decisions, func(p retain.Decision) bool { return p.Image.Digest == d && p.Verdict == retain.Keep })
}

// restoreTags puts back the tags that were removed of what is kept after all, by this run or by an interrupted one.
func (e *execution) restoreTags(ctx context.Context) {
	for _, d := range slices.Sorted(maps.Keys(e.ledger.removed)) {
		_, doomed := e.ledger.images[d]
		if e.looks.emptied || e.ledger.done(d) || doomed && e.ledger.kept[d] == "" {
			continue
		}
		var left []string
		for _, t := range e.ledger.removed[d] {
			if !e.restoreTag(ctx, t, d) {
				left = append(left, t)
			}
		}
		e.ledger.removed[d] = left
	}
}

// restoreTag puts one tag back and tells it. It reports whether that is done, also because somebody has pushed the tag
// again. What points at a placeholder waits until that is deleted.
func (e *execution) restoreTag(ctx context.Context, tag string, d oci.Digest) (done bool) {
	if e.tags.tried[tag] || e.tags.pointed[tag] && !e.placeholdersGone() {
		return false
	}
	restored, err := e.pushTag(ctx, tag, d)
	switch {
	case err != nil:
		e.tags.tried[tag] = true
		e.warn("tag %s of %s was removed before it was seen that the image is needed, and cannot be put back: %v", tag, d, err)
		return false
	case restored:
		e.tags.restored[d] = true
		e.warn("tag %s of %s was removed before it was seen that the image is needed, and is put back", tag, d)
	}
	return true
}

func (e *execution) pushTag(ctx context.Context, tag string, d oci.Digest) (restored bool, err error) {
	tags, can := e.target.(registry.TagRestorer)
	if !can {
		return false, errors.New("this kind of registry has no way to do that")
	}
	return tags.RestoreTag(ctx, tag, d)
}

// placeholdersGone reports whether the placeholders that interrupted runs have left are deleted.
func (e *execution) placeholdersGone() bool {
	for _, d := range e.plan.Decisions {
		if d.Image.Kind == oci.KindPlaceholder && !e.ledger.done(d.Image.Digest) {
			return false
		}
	}
	return true
}

// untagged are the tags that were removed of what is, or may be, still there.
func (e *execution) untagged() map[oci.Digest][]string {
	out := map[oci.Digest][]string{}
	for d, tags := range e.ledger.removed {
		if len(tags) > 0 && !e.ledger.done(d) {
			out[d] = tags
		}
	}
	return out
}

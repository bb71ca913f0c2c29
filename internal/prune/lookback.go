package prune

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// lookBack looks at the repository once more after the deletions: it tells by name what somebody has pushed meanwhile
// and that now lacks a part, clears tags that deletions have left without an image, and puts back the tags of what is
// kept after all. A single image that went with its tags needs no such look.
func (e *execution) lookBack(ctx context.Context) {
	e.restoreTags(ctx)
	e.clearGhosts(ctx)
	if !e.needsLookBack() || !e.health.finishes(ctx) {
		return
	}
	before := e.plan.Snapshot()
	before.Images = slices.DeleteFunc(slices.Clone(before.Images), func(i oci.Image) bool { return e.ledger.done(i.Digest) })
	later, err := e.target.Refresh(ctx, before, nil)
	if err != nil {
		e.warn("the repository could not be looked at after the deletions: %v", err)
		return
	}
	e.ledger.refute(later)
	e.tellBroken(later)
	e.ledger.compare(later, nil)
	gone := e.ledger.gone()
	for _, t := range later.Ghosts {
		if d, ours := gone[t]; ours {
			e.tags.ghosts[t] = d
		}
	}
	e.clearGhosts(ctx)
}

// needsLookBack reports whether something may have come to lack a part, or may have been left behind.
func (e *execution) needsLookBack() bool {
	done := 0
	for d := range e.ledger.images {
		if e.ledger.unsettled[d] != nil || e.ledger.outcomes[d].Status == Gone && len(e.ledger.images[d].Tags) > 0 {
			return true
		}
		if e.ledger.done(d) {
			done++
		}
	}
	return done > 1
}

// refute takes back what the registry said of a deletion, where a look shows the image under one of its tags: an answer
// that it does not have it says nothing then.
func (l *ledger) refute(later oci.Snapshot) {
	for _, i := range later.Images {
		if l.outcomes[i.Digest].Status != Gone {
			continue
		}
		for _, t := range i.Tags {
			if slices.Contains(l.images[i.Digest].Tags, t) {
				l.outcomes[i.Digest] = Outcome{Failed, "the registry answers that it does not have it, and still has it under tag " + t}
				l.tagged[i.Digest] = true
			}
		}
	}
}

// tellBroken names the tags of a look through which something is reached that lacks what this run has deleted.
func (e *execution) tellBroken(later oci.Snapshot) {
	images := map[oci.Digest]oci.Image{}
	for _, i := range later.Images {
		images[i.Digest] = i
	}
	for _, i := range later.Images {
		if len(i.Tags) == 0 {
			continue
		}
		var missing []oci.Digest
		seen := map[oci.Digest]bool{}
		for queue := []oci.Digest{i.Digest}; len(queue) > 0; queue = queue[1:] {
			at := images[queue[0]]
			for _, c := range at.Children {
				if !seen[c] {
					seen[c] = true
					queue = append(queue, c)
				}
			}
			for _, m := range at.Missing {
				if e.ledger.done(m) && !slices.Contains(missing, m) {
					missing = append(missing, m)
				}
			}
		}
		if len(missing) == 0 {
			continue
		}
		for _, t := range i.Tags {
			e.broken = append(e.broken, Broken{t, i.Digest, missing})
		}
	}
}

// ghostsOfEarlierRuns are tags that are listed without an image, and that an earlier run was deleting with it. A tag of
// what stays is put back instead.
func (e *execution) ghostsOfEarlierRuns() map[string]oci.Digest {
	out := map[string]oci.Digest{}
	if e.options.Journal == nil {
		return out
	}
	begun := e.options.Journal.Begun()
	for _, t := range e.plan.Snapshot().Ghosts {
		if d, ours := begun[t]; ours && !e.keeps(d) {
			out[t] = d
		}
	}
	return out
}

// clearGhosts removes the tags that point at nothing, where the registry can remove tags, and names them where it cannot.
// What goes wrong with it is left to the next run, and is not tried twice.
func (e *execution) clearGhosts(ctx context.Context) {
	tags := slices.Sorted(maps.Keys(e.tags.ghosts))
	tags = slices.DeleteFunc(tags, func(t string) bool { return e.tags.tried[t] })
	if len(tags) == 0 {
		return
	}
	can, probed := false, e.health.cause(ctx)
	if probed == nil {
		can, probed = e.canDeleteTags(ctx)
	}
	for _, t := range tags {
		err := e.clearGhost(ctx, t, can, probed)
		if err != nil {
			e.tags.tried[t] = true
			e.warn("tag %s is still listed although its image %s is deleted, and stays: %v", t, e.tags.ghosts[t], err)
		}
		if err == nil || errors.Is(err, errCannotClear) {
			delete(e.tags.ghosts, t)
		}
	}
}

var errCannotClear = errors.New("the registry cannot remove a tag by itself")

// clearGhost removes one of them. What points at something again is left alone.
func (e *execution) clearGhost(ctx context.Context, tag string, can bool, err error) error {
	switch {
	case err != nil:
		return err
	case !can:
		return errCannotClear
	}
	_, err = e.target.(registry.TagDeleter).DeleteTag(ctx, tag, "")
	return err
}

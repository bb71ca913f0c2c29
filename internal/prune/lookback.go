package prune

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// lookBack looks at the repository once more after the deletions: it tells by name what somebody has pushed meanwhile
// and that now lacks a part, clears tags that deletions have left without an image, and puts back the tags of what is
// kept after all. A single image that went with its tags needs no such look.
func (e *execution) lookBack(ctx context.Context) {
	e.clearGhosts(ctx, e.ghostsOfEarlierRuns())
	e.restoreTags(ctx)
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
	e.tellDamage(later)
	e.ledger.compare(later, nil)
	ghosts := map[string]oci.Digest{}
	gone := e.ledger.gone()
	for _, t := range later.Ghosts {
		if d, ours := gone[t]; ours {
			ghosts[t] = d
		}
	}
	e.clearGhosts(ctx, ghosts)
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

// tellDamage names the tags of a look through which something is reached that lacks what this run has deleted.
func (e *execution) tellDamage(later oci.Snapshot) {
	images := map[oci.Digest]oci.Image{}
	for _, i := range later.Images {
		images[i.Digest] = i
	}
	var lacks func(d oci.Digest, seen map[oci.Digest]bool) oci.Digest
	lacks = func(d oci.Digest, seen map[oci.Digest]bool) oci.Digest {
		for _, m := range images[d].Missing {
			if e.ledger.done(m) {
				return m
			}
		}
		for _, c := range images[d].Children {
			if !seen[c] {
				seen[c] = true
				if m := lacks(c, seen); m != "" {
					return m
				}
			}
		}
		return ""
	}
	for _, i := range later.Images {
		if len(i.Tags) == 0 {
			continue
		}
		if m := lacks(i.Digest, map[oci.Digest]bool{}); m != "" {
			e.damage = append(e.damage, fmt.Sprintf("%s (%s) was pushed while its part %s was being deleted and cannot be pulled: push it again", strings.Join(i.Tags, ", "), i.Digest, m))
		}
	}
}

// ghostsOfEarlierRuns are tags that are listed without an image, and that an earlier run was deleting with it.
func (e *execution) ghostsOfEarlierRuns() map[string]oci.Digest {
	if e.options.Journal == nil {
		return nil
	}
	out, begun := map[string]oci.Digest{}, e.options.Journal.Begun()
	for _, t := range e.plan.Snapshot().Ghosts {
		if d, ours := begun[t]; ours {
			out[t] = d
		}
	}
	return out
}

// clearGhosts removes tags that point at nothing, where the registry can remove tags, and names them where it cannot.
func (e *execution) clearGhosts(ctx context.Context, ghosts map[string]oci.Digest) {
	if len(ghosts) == 0 {
		return
	}
	var can bool
	var err error
	if e.health.finishes(ctx) {
		can, err = e.canDeleteTags(ctx)
	}
	for _, t := range slices.Sorted(maps.Keys(ghosts)) {
		why := "the registry cannot remove a tag by itself"
		if err != nil {
			why = err.Error()
		}
		if can {
			removed, err := e.target.(registry.TagDeleter).DeleteTag(ctx, t, "")
			if err == nil && removed {
				continue
			}
			if why = "it points at something again"; err != nil {
				why = err.Error()
			}
		}
		e.warn("tag %s is still listed although its image %s is deleted, and stays: %s", t, ghosts[t], why)
	}
}

// restoreTags puts back the tags that were removed of what is kept after all, where nothing else leads to it.
func (e *execution) restoreTags(ctx context.Context) {
	for _, d := range slices.Sorted(maps.Keys(e.ledger.removed)) {
		if e.ledger.kept[d] == "" || e.ledger.tagged[d] || e.looks.emptied || e.ledger.done(d) {
			continue
		}
		tags, can := e.target.(registry.TagRestorer)
		for _, t := range e.ledger.removed[d] {
			err := error(registry.ErrNotAllowed)
			if can {
				err = tags.RestoreTag(ctx, t, d)
			}
			if err != nil {
				e.damage = append(e.damage, fmt.Sprintf("tag %s of %s was removed before it was seen that the image is needed, and cannot be put back: %v", t, d, err))
				continue
			}
			e.ledger.removed[d] = slices.DeleteFunc(slices.Clone(e.ledger.removed[d]), func(r string) bool { return r == t })
			e.warn("tag %s of %s was removed before it was seen that the image is needed, and is put back", t, d)
		}
	}
}

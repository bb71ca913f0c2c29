package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// untagAll removes the tags of everything that is to be deleted and returns the digests that may be deleted now: those
// of which a new look at the repository has shown that no tag leads to them. Wholes come before their parts and
// subjects before their attachments, with a look between: a signature must not lose its tag when the image turns out to
// be needed.
func (e *execution) untagAll(ctx context.Context) []oci.Digest {
	tags := map[oci.Digest][]string{}
	for _, d := range e.deletions {
		tags[d.Image.Digest] = d.Image.Tags
		for _, t := range d.Image.Tags {
			e.untagging[t] = d.Image.Digest
		}
	}
	if !e.goesOn(ctx) || !e.look(ctx) {
		return nil
	}
	remove, err := e.remover(ctx)
	if err != nil {
		e.err, e.method = err, "" // nothing was removed in any way
		return nil
	}
	var begun []oci.Digest
	had := map[oci.Digest]bool{}
	for wave := e.roots; len(wave) > 0; wave = e.behind(wave, had) {
		for _, d := range wave {
			had[d] = true
		}
		e.untagWave(ctx, wave, tags, remove.tag)
		if !e.settle(ctx, remove) {
			return nil
		}
		for _, d := range wave {
			if !e.tagged[d] && len(e.before[d]) == 0 {
				begun = append(begun, d)
			}
		}
		if !e.goesOn(ctx) {
			break
		}
	}
	clear(e.untagging) // what is left of it was spared, and is looked at from now on
	return begun
}

// settle ends a wave, a cancelled one too: it looks at what the wave has come to.
func (e *execution) settle(ctx context.Context, remove remover) bool {
	ctx, cancel := lingering(ctx)
	defer cancel()
	if err := remove.settle(ctx); err != nil {
		e.err, e.broken = err, true
		return false
	}
	return e.lookNow(ctx)
}

// behind returns what comes after a wave: that of which everything that it waits for has had its turn, this wave
// included, and has lost its tags for good.
func (e *execution) behind(wave []oci.Digest, had map[oci.Digest]bool) []oci.Digest {
	var out []oci.Digest
	seen := map[oci.Digest]bool{}
	waits := func(b oci.Digest) bool { return !had[b] || e.tagged[b] || e.spared[b] != "" }
	for _, d := range wave {
		for _, next := range e.after[d] {
			if e.spared[next] == "" && !seen[next] && !slices.ContainsFunc(e.before[next], waits) {
				seen[next] = true
				out = append(out, next)
			}
		}
	}
	return out
}

// remover is how a method removes tags.
type remover struct {
	tag    func(ctx context.Context, tag string, d oci.Digest) (removed bool, err error)
	settle func(ctx context.Context) error // ends a wave
}

func (e *execution) remover(ctx context.Context) (remover, error) {
	if tags, can := e.target.(registry.TagDeleter); can && e.method == TagsFirst {
		return remover{tags.DeleteTag, func(context.Context) error { return nil }}, nil
	}
	tags, can := e.target.(registry.TagPointer)
	if !can {
		return remover{}, ErrNoPlaceholder
	}
	placeholder, err := tags.PushPlaceholder(ctx)
	if err != nil {
		return remover{}, err
	}
	return remover{tags.PointTag, func(ctx context.Context) error {
		if err := e.target.Delete(ctx, []oci.Image{{Digest: placeholder}})[0].Err; err != nil {
			return fmt.Errorf("delete the placeholder that tags were pointed at: %w", err)
		}
		return nil
	}}, nil
}

// untagWave removes the tags of the digests, the first ones alone until the registry has let one go.
func (e *execution) untagWave(ctx context.Context, wave []oci.Digest, tags map[oci.Digest][]string, remove func(context.Context, string, oci.Digest) (bool, error)) {
	wave = slices.DeleteFunc(slices.Clone(wave), func(d oci.Digest) bool { return e.spared[d] != "" || len(tags[d]) == 0 })
	for len(wave) > 0 && !e.answered && e.goesOn(ctx) {
		e.untag(ctx, wave[0], tags[wave[0]], remove)
		wave = wave[1:]
	}
	e.spread(ctx, wave, func(int) bool { return true }, func(d oci.Digest) { e.untag(ctx, d, tags[d], remove) })
}

// untag removes the tags of one digest. One that was moved is left alone, with what it points at now. Once a tag is
// removed the others follow even when the run is cancelled.
func (e *execution) untag(ctx context.Context, d oci.Digest, tags []string, remove func(context.Context, string, oci.Digest) (bool, error)) {
	for i, t := range tags {
		if i > 0 && ctx.Err() != nil {
			var cancel context.CancelFunc
			ctx, cancel = draining(ctx)
			defer cancel()
		}
		removed, err := remove(ctx, t, d)
		if !e.untagged(ctx, d, t, removed, err) {
			return
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tagged[d] = false // as far as is known: a look follows
}

// untagged notes what became of a tag and reports whether the others of its image may follow. An image of which a tag
// could not be removed is not deleted.
func (e *execution) untagged(ctx context.Context, d oci.Digest, tag string, removed bool, err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if errors.Is(err, registry.ErrNotSent) || err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return false // it has its tags, and the run says why it ended
	}
	delete(e.untagging, tag)
	if err != nil {
		e.learn(ctx, err)
		e.claimed[d] = true
		e.outcomes[d] = Outcome{Failed, fmt.Sprintf("tag %s: %v", tag, err)}
		return false
	}
	if removed {
		e.removed[d] = append(e.removed[d], tag)
		e.answered, e.failures = true, 0
	}
	e.step()
	return true
}

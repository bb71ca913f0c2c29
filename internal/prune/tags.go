package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// removeTags removes the tags of everything that is still to be deleted, the roots first, and returns the digests that may
// be deleted now: those of which a new look at the repository has shown that no tag leads to them. Wholes come before their
// parts and subjects before their attachments, with a look between: a signature must not lose its tag when the image turns
// out to be needed. A look that is not too old has come before, and the tags are watched.
func (e *execution) removeTags(ctx context.Context, roots []oci.Digest) []oci.Digest {
	e.removing = e.remaining().tags
	remove, err := e.remover(ctx)
	if err != nil {
		e.health.fails(err)
		e.method = "" // nothing was removed by any method
		return nil
	}
	var begun []oci.Digest
	had := e.ledger.begun()
	for wave := roots; len(wave) > 0; wave = e.ledger.nextWave(wave, had) {
		for _, d := range wave {
			had[d] = true
		}
		e.placeholder = remove.placeholder
		e.removeWave(ctx, wave, remove.tag)
		if !e.endWave(ctx, remove) {
			return nil
		}
		for _, d := range wave {
			if !e.ledger.tagged[d] && len(e.ledger.before[d]) == 0 {
				begun = append(begun, d)
			}
		}
		if !e.health.begins(ctx) {
			break
		}
	}
	e.looks.unwatch()
	return begun
}

// endWave ends a wave, a cancelled one too: it looks at what the wave has come to.
func (e *execution) endWave(ctx context.Context, remove remover) bool {
	drain, cancel := registry.Drain(ctx)
	defer cancel()
	drain = registry.WithDrain(drain, drain)
	if err := remove.endWave(drain); err != nil {
		e.health.breaks(err)
		return false
	}
	e.placeholder = ""
	return e.look(drain)
}

// nextWave returns what comes after a wave: that of which everything that it waits for has had its turn, this wave
// included, and has lost its tags for good.
func (l *ledger) nextWave(wave []oci.Digest, had map[oci.Digest]bool) []oci.Digest {
	var out []oci.Digest
	seen := map[oci.Digest]bool{}
	waits := func(b oci.Digest) bool { return !had[b] || l.tagged[b] || l.kept[b] != "" }
	for _, d := range wave {
		for _, next := range l.after[d] {
			if l.kept[next] == "" && !seen[next] && !slices.ContainsFunc(l.before[next], waits) {
				seen[next] = true
				out = append(out, next)
			}
		}
	}
	return out
}

// remover is how a method removes tags.
type remover struct {
	placeholder oci.Digest // that tags are pointed at; "" where none is needed
	tag         func(ctx context.Context, tag string, d oci.Digest) (removed bool, err error)
	endWave     func(ctx context.Context) error
}

func (e *execution) remover(ctx context.Context) (remover, error) {
	if tags, can := e.target.(registry.TagDeleter); can && e.method == TagsFirst {
		return remover{"", tags.DeleteTag, func(context.Context) error { return nil }}, nil
	}
	tags, can := e.target.(registry.TagPointer)
	if !can {
		return remover{}, ErrNoPlaceholder
	}
	placeholder, err := tags.PushPlaceholder(ctx)
	if err != nil {
		return remover{}, err
	}
	e.placeholder = placeholder // from the first tag on it is there, and another run can take its tags away
	if err := e.writeJournal(); err != nil {
		return remover{}, err
	}
	return remover{placeholder, tags.PointTag, func(ctx context.Context) error {
		if err := e.target.Delete(ctx, []oci.Image{{Digest: placeholder}})[0].Err; err != nil {
			return fmt.Errorf("delete the placeholder that tags were pointed at: %w", err)
		}
		return nil
	}}, nil
}

// removeWave removes the tags of the digests, the first ones alone until the registry has let one go.
func (e *execution) removeWave(ctx context.Context, wave []oci.Digest, remove func(context.Context, string, oci.Digest) (bool, error)) {
	wave = slices.DeleteFunc(slices.Clone(wave), func(d oci.Digest) bool { return e.ledger.kept[d] != "" || len(e.ledger.images[d].Tags) == 0 })
	for len(wave) > 0 && !e.health.hasAnswered() && e.health.begins(ctx) {
		e.removeFrom(ctx, wave[0], remove)
		wave = wave[1:]
	}
	e.spread(wave, e.workers(), func(int) bool { return e.health.begins(ctx) }, func(level []oci.Digest) {
		for _, d := range level {
			e.removeFrom(ctx, d, remove)
		}
	})
}

// removeFrom removes the tags of one digest. One that was moved is left alone, with what it points at now. Once a tag is
// removed the others follow even when the run is cancelled.
func (e *execution) removeFrom(ctx context.Context, d oci.Digest, remove func(context.Context, string, oci.Digest) (bool, error)) {
	for i, t := range e.ledger.images[d].Tags {
		if i > 0 && ctx.Err() != nil {
			drain, cancel := registry.Drain(ctx)
			defer cancel()
			ctx = registry.WithDrain(drain, drain)
		}
		removed, err := remove(ctx, t, d)
		if !e.tagSettled(ctx, d, t, removed, err) {
			return
		}
	}
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	e.ledger.tagged[d] = false // as far as is known: a look follows
}

// tagSettled notes what became of a tag and reports whether the others of its image may follow. An image of which a tag
// could not be removed is not deleted.
func (e *execution) tagSettled(ctx context.Context, d oci.Digest, tag string, removed bool, err error) bool {
	doubt := errors.Is(err, registry.ErrUnsettled)
	if errors.Is(err, registry.ErrNotSent) || !doubt && err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return false // it has its tags, and the run says why it ended
	}
	e.looks.watched(tag)
	if err != nil || removed {
		e.health.learn(ctx, err, false)
	}
	l := e.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		out := Outcome{Failed, fmt.Sprintf("tag %s: %v", tag, err)}
		if doubt {
			l.unsettled[d], out.Status = err, Unsettled
		}
		l.claimed[d] = true
		l.outcomes[d] = out
		return false
	case removed:
		l.removed[d] = append(l.removed[d], tag)
	}
	l.step()
	return true
}

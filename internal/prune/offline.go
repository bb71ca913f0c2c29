package prune

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// Removal carries out a plan by [Offline]: it decides what is removed from the storage of a stopped registry, and takes what
// has become of it. The caller removes: it calls Look while the registry serves, Choose and Settle while it is stopped, and
// End, whatever has happened, when it serves again. A Removal is for one goroutine.
type Removal struct {
	e        *execution
	why      string // why nothing is removed; "" when something may be
	expected map[string]oci.Digest
	ghosts   map[string]bool         // tags of the last look that point at nothing
	stored   map[oci.Digest]bool     // the manifests that the storage held right before the last look
	chosen   map[oci.Digest]bool     // what the caller was told to remove
	owners   map[string][]oci.Digest // of the tags that the caller was told to remove; none for a tag without an image
	levels   [][]oci.Digest
}

// Stored is what a storage holds of the repository.
type Stored struct {
	// Tags are what the tags point at; "" for one that points at nothing.
	Tags map[string]oci.Digest
	// Manifests are all that are there, with or without a tag.
	Manifests map[oci.Digest]bool
	// Rewritten are those that were pushed, new or again, since right before the last look.
	Rewritten []oci.Digest
	// Odd names a file that the registry does not write. It is "" when the storage has no such file. If Odd is set, do not use
	// the other fields.
	Odd string
}

// NewRemoval begins with a plan. Of the options, Workers, Method and LookEvery have no effect.
func NewRemoval(p retain.Plan, t Target, o Options) *Removal {
	o.Method = Offline
	return &Removal{e: newExecution(p, t, o)}
}

// Look looks at the repository for the last time, keeps what something has come to depend on, and writes the journal. It
// reports whether anything is to be removed. stored is what the storage held right before.
func (r *Removal) Look(ctx context.Context, stored Stored) bool {
	e := r.e
	if r.isOdd(stored) {
		return false
	}
	if e.options.Journal == nil {
		e.health.fails(ErrNoJournal)
		return false
	}
	e.restoreTags(ctx)
	later, seen := e.see(ctx, r.unmoved(stored))
	if !seen {
		return false
	}
	r.expected, r.ghosts, r.stored = map[string]oci.Digest{}, map[string]bool{}, stored.Manifests
	for _, i := range later.Images {
		for _, t := range i.Tags {
			r.expected[t] = i.Digest
		}
	}
	for _, t := range later.Ghosts {
		r.ghosts[t] = true
	}
	if r.levels = r.leveled(); len(r.levels) == 0 || r.why != "" {
		return false
	}
	e.method = Offline
	if err := e.writeJournal(); err != nil {
		e.health.fails(err)
		e.method = ""
		return false
	}
	return true
}

// unmoved are the tags that point where the plan has seen them, by what the storage held right before. The last look does not ask
// for them again: at rest all are compared with the storage once more.
func (r *Removal) unmoved(s Stored) map[string]oci.Digest {
	out := map[string]oci.Digest{}
	for _, i := range r.e.plan.Snapshot().Images {
		for _, t := range i.Tags {
			if s.Tags[t] == i.Digest {
				out[t] = i.Digest
			}
		}
	}
	return out
}

// isOdd refuses a storage that has something that the registry does not write.
func (r *Removal) isOdd(s Stored) bool {
	if s.Odd != "" {
		r.e.health.fails(fmt.Errorf("%w: %s", ErrLayout, s.Odd))
	}
	return s.Odd != ""
}

// leveled are the manifests that may go, those that must go first on the first level. What waits for something that stays,
// stays.
func (r *Removal) leveled() [][]oci.Digest {
	l := r.e.ledger
	gone := map[oci.Digest]bool{}
	var out [][]oci.Digest
	for level := l.roots; len(level) > 0; {
		var now, next []oci.Digest
		for _, d := range level {
			if l.kept[d] != "" || gone[d] {
				continue
			}
			if !strings.HasPrefix(d.String(), "sha256:") {
				r.why = fmt.Sprintf("%s is not a sha256, and its place in the storage is not known", d)
			}
			now = append(now, d)
		}
		for _, d := range now {
			gone[d] = true
		}
		for _, d := range now {
			for _, after := range l.after[d] {
				waits := func(b oci.Digest) bool { return !gone[b] }
				if !gone[after] && !slices.Contains(next, after) && !slices.ContainsFunc(l.before[after], waits) {
					next = append(next, after)
				}
			}
		}
		if len(now) > 0 {
			out = append(out, now)
		}
		level = next
	}
	return out
}

// Choose compares what the storage holds at rest with the last look, and returns the tags to remove and then, level by
// level, the manifests. It returns nothing where anything has changed but that a tag is gone which was to go anyway.
func (r *Removal) Choose(now Stored) (tags []string, levels [][]oci.Digest) {
	if r.why != "" || r.e.method != Offline || r.isOdd(now) {
		return nil, nil
	}
	doomed := map[oci.Digest]bool{}
	for _, d := range slices.Concat(r.levels...) {
		doomed[d] = true
	}
	if r.why = r.changed(now, doomed); r.why != "" {
		r.why += "; nothing was removed in this repository, and the next run decides again"
		return nil, nil
	}
	r.chosen, r.owners = doomed, map[string][]oci.Digest{}
	for _, d := range slices.Concat(r.levels...) {
		for _, t := range r.e.ledger.images[d].Tags {
			if now.Tags[t] == d {
				tags = append(tags, t)
				r.owners[t] = []oci.Digest{d}
			}
		}
	}
	for _, t := range slices.Sorted(maps.Keys(r.e.tags.ghosts)) { // an interrupted run has left them
		if to, listed := now.Tags[t]; listed && r.owners[t] == nil && !now.Manifests[to] {
			tags = append(tags, t)
		}
	}
	return tags, r.levels
}

// changed says what has changed between the last look and the rest; "" when nothing has that matters.
func (r *Removal) changed(now Stored, doomed map[oci.Digest]bool) string {
	for t, to := range now.Tags {
		was, known := r.expected[t]
		switch {
		case known && was == to:
		case known:
			return fmt.Sprintf("tag %s was moved after the last look", t)
		case !r.ghosts[t]:
			return fmt.Sprintf("tag %s was pushed after the last look", t)
		case now.Manifests[to]:
			return fmt.Sprintf("tag %s, which pointed at nothing, was pushed after the last look", t)
		}
	}
	for t, to := range r.expected {
		if _, there := now.Tags[t]; !there && !doomed[to] {
			return fmt.Sprintf("tag %s was removed after the last look", t)
		}
		if !now.Manifests[to] && !doomed[to] {
			return fmt.Sprintf("the storage does not hold %s, to which tag %s points", to, t)
		}
	}
	for d := range now.Manifests {
		if !r.stored[d] {
			return fmt.Sprintf("manifest %s was pushed after the last look", d)
		}
	}
	for d := range r.stored {
		if !now.Manifests[d] && !doomed[d] {
			return fmt.Sprintf("manifest %s was removed after the last look", d)
		}
	}
	for _, d := range now.Rewritten {
		if doomed[d] {
			return fmt.Sprintf("manifest %s, which was to be deleted, was pushed again after the last look", d)
		}
	}
	return ""
}

// SettleTag takes what has become of a tag: it is not there any more, or why it still is, "" for what was not tried.
func (r *Removal) SettleTag(tag string, gone bool, why string) {
	l := r.e.ledger
	for _, d := range r.owners[tag] {
		if gone {
			l.lose(d, []string{tag})
		} else if why != "" {
			l.settle(d, Outcome{Failed, fmt.Sprintf("tag %s: %s", tag, why)})
		}
	}
	if gone && len(r.owners[tag]) == 0 {
		delete(r.e.tags.ghosts, tag)
	}
}

// Settle takes what has become of a manifest.
func (r *Removal) Settle(d oci.Digest, o Outcome) {
	if r.e.ledger.outcomes[d].Status != Failed { // of its tag
		r.e.ledger.settle(d, o)
	}
}

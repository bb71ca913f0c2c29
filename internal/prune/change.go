package prune

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// sampleTags is how many of the tags that are to be removed the look asks for that confirms a decision: as many as are read
// at a time, because fewer would make a look dearer where each waits for the line.
const sampleTags = 128

// adviseFrom is from which time on it is worth a line that a method somebody has to ask for is faster.
const adviseFrom = time.Minute

// changes reports whether the method changes now, between two batches of deletions by digest: whether a deletion has come
// to cost so much more than a look that what is left is faster with its tags removed first, and that can be done. Left
// are the roots that are still to be deleted. The change keeps what the methods promise: the journal has everything
// since before the first deletion, and each tag is looked at right before its removal.
func (e *execution) changes(ctx context.Context, left []oci.Digest) bool {
	t := e.trial
	if !t.runs() {
		return false
	}
	rest := e.remaining()
	switch {
	case len(left) == 0 || rest.tags < tagsFirstFrom:
		reason := ""
		if t.isDear() {
			reason = fmt.Sprintf(", and only %d tags were left", rest.tags)
		}
		t.ends(reason)
		return false
	case !t.sure || !t.gains(rest) || !e.health.begins(ctx):
		return false
	case !e.journaled:
		if e.options.Journal == nil { // for one that cannot be written, a warning has said so
			e.warn("tags are not removed first, which takes longer: %v", ErrNoJournal)
		}
		t.ends(", and without a journal images are deleted by digest")
		return false
	}
	return e.changeOver(ctx, rest)
}

// changeOver changes the method. Where the latest look is not from just now, another one has to confirm the decision: where the
// whole registry has become slower, a deletion costs no more looks than before. What this look takes for granted a deletion by
// digest must not take for granted, so it does not count as a look for those.
func (e *execution) changeOver(ctx context.Context, rest remaining) bool {
	t := e.trial
	if t.refused {
		t.ends(", and this registry does not remove tags by themselves" + e.advice(rest))
		return false
	}
	at, took := e.looks.at, e.looks.took
	defer func() {
		if e.method == ByDigest {
			clear(e.looks.removing)
			e.looks.at, e.looks.took = at, took
		}
	}()
	if !t.early() || e.age() > e.lookFor() {
		if e.watchTags(sampleTags); !e.look(ctx) || !t.gains(rest) {
			return false
		}
	}
	can, err := e.canDeleteTags(ctx)
	switch {
	case err != nil && ctx.Err() != nil: // which says nothing of the registry
		return false
	case err != nil: // deletions by digest work all the same, and tell when they do not
		t.ends(", and it is not clear whether this registry removes tags by themselves: " + err.Error())
		return false
	case !can:
		t.ends(", and this registry does not remove tags by themselves" + e.advice(rest))
		return false
	}
	e.watchTags(0) // those that the look has asked for too
	e.health.asksAgain()
	e.method = TagsFirst
	t.ends(fmt.Sprintf(", so that after %d of them regsweep changed to removing the tags first", e.ledger.dones))
	return true
}

// watchTags takes over the tags of what is still to be deleted, but for some, for a look.
func (e *execution) watchTags(but int) {
	for d := range e.ledger.rest() {
		for _, t := range e.ledger.images[d].Tags {
			if but > 0 {
				but--
				continue
			}
			e.looks.watches(t, d)
		}
	}
}

// remaining counts what is still to be deleted.
func (e *execution) remaining() (out remaining) {
	for d := range e.ledger.rest() {
		out.images++
		out.tags += len(e.ledger.images[d].Tags)
	}
	return out
}

// asked are the methods that somebody has to ask for, where a registry does not remove tags: what each takes for a tag, as a
// multiple of a look at a tag (docs/performance.md: with retag 1000 images take 3.2 times as long as a look at each), and what
// it needs.
var asked = []struct {
	flag  string
	looks int
	needs string
	can   func(Target) bool
}{
	{"--delete-by offline", 8, "it needs --gc, such as with --gc-via, and a storage that is a folder, and stops the registry meanwhile", func(t Target) bool {
		scanner, tells := t.(registry.TagScanner)
		return tells && scanner.ScansTags()
	}},
	{"--delete-by retag", 4, "it pushes a placeholder, and its login needs the right to push", func(t Target) bool {
		_, can := t.(registry.TagPointer)
		return can
	}},
}

// advice says how long the rest takes by digest, and what would be faster, where that is worth it; "" where it is not.
func (e *execution) advice(left remaining) string {
	t := e.trial
	rest := t.rest(left)
	if rest < adviseFrom {
		return ""
	}
	var ways []string
	for _, m := range asked {
		if takes := time.Duration(left.tags*m.looks) * t.request(); m.can(e.target) && takes < rest/2 {
			ways = append(ways, fmt.Sprintf("%s would take about %s: %s", m.flag, spoken(takes), m.needs))
		}
	}
	if len(ways) == 0 {
		return ""
	}
	return fmt.Sprintf("; the other %d images take about %s by digest, and %s", left.images, spoken(rest), strings.Join(ways, "; "))
}

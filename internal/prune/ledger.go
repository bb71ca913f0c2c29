package prune

import (
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// ledger is what has become of each deletion so far. It is safe for use by several goroutines.
type ledger struct {
	dependencies
	mu        sync.Mutex
	outcomes  map[oci.Digest]Outcome
	kept      map[oci.Digest]string // what must not be deleted after all, and why
	claimed   map[oci.Digest]bool   // what was tried, or is being tried
	tagged    map[oci.Digest]bool   // what still has its tags, as far as is known
	removed   map[oci.Digest][]string
	refused   map[oci.Digest]int   // what the registry keeps, and how many deletions were done by then
	unsettled map[oci.Digest]error // what was sent and not refused, so that nobody knows what became of it, and the error
	absent    map[oci.Digest]bool  // subjects of deletions that were not there from the start

	dones    int // deletions that are done
	steps    int
	progress func(done int)
}

func newLedger(d dependencies, progress func(done int)) *ledger {
	l := &ledger{
		dependencies: d, outcomes: map[oci.Digest]Outcome{}, kept: map[oci.Digest]string{}, claimed: map[oci.Digest]bool{},
		tagged: map[oci.Digest]bool{}, removed: map[oci.Digest][]string{}, unsettled: map[oci.Digest]error{}, refused: map[oci.Digest]int{},
		absent: map[oci.Digest]bool{}, progress: progress,
	}
	for digest, i := range d.images {
		l.tagged[digest] = len(i.Tags) > 0
	}
	return l
}

// know takes over from the plan what earlier runs have done.
func (l *ledger) know(p retain.Plan) {
	there := map[oci.Digest]bool{}
	for _, d := range p.Decisions {
		there[d.Image.Digest] = true
		if len(d.Image.Removed) > 0 {
			l.removed[d.Image.Digest] = slices.Clone(d.Image.Removed)
		}
	}
	for _, i := range l.images {
		for _, s := range i.Subjects() {
			l.absent[s] = !there[s]
		}
	}
}

// claim reserves a digest for one goroutine. It is refused while something speaks against the deletion.
func (l *ledger) claim(d oci.Digest) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.claimed[d] || l.kept[d] != "" || !l.ready(d) {
		return false
	}
	l.claimed[d] = true
	return true
}

// rest is what may still be deleted and was not tried.
func (l *ledger) rest() iter.Seq[oci.Digest] {
	return func(yield func(oci.Digest) bool) {
		for d := range l.images {
			if !l.claimed[d] && l.kept[d] == "" && !yield(d) {
				return
			}
		}
	}
}

// begun is what was tried.
func (l *ledger) begun() map[oci.Digest]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.claimed)
}

// release gives a reserved digest back that was not tried.
func (l *ledger) release(d oci.Digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.claimed, d)
}

// parts are what has not been tried, and waits for deletions all of which are done.
func (l *ledger) parts() []oci.Digest {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []oci.Digest
	for d, before := range l.before {
		if len(before) > 0 && !l.claimed[d] && l.kept[d] == "" && l.ready(d) {
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out
}

// ready reports whether everything that must go before the digest has gone.
func (l *ledger) ready(d oci.Digest) bool {
	return !slices.ContainsFunc(l.before[d], func(b oci.Digest) bool { return !l.done(b) })
}

// done reports whether a manifest is not there any more.
func (l *ledger) done(d oci.Digest) bool {
	s := l.outcomes[d].Status
	return s == Deleted || s == Gone
}

// settle notes what became of a deletion.
func (l *ledger) settle(d oci.Digest, o Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outcomes[d] = o
	l.tagged[d] = l.tagged[d] && !l.done(d)
	if l.done(d) {
		l.dones++
	}
	l.step()
}

// refuse notes that the registry keeps a manifest: it protects it, or something that this run does not know, or has not
// deleted yet, refers to it. Neither is a failure, and neither is for a later run to finish.
func (l *ledger) refuse(d oci.Digest, o Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[d], l.outcomes[d] = l.dones, o
	l.step()
}

// again returns what the registry kept because something referred to it, where that may be gone by now: something was
// deleted since. It can be tried once more.
func (l *ledger) again() []oci.Digest {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []oci.Digest
	for d, dones := range l.refused {
		if l.outcomes[d].Status == Skipped && dones < l.dones {
			delete(l.refused, d)
			delete(l.outcomes, d)
			delete(l.claimed, d)
			l.steps--
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out
}

// keeps reports whether the registry has refused the deletion of a manifest for the manifest's own sake.
func (l *ledger) keeps(d oci.Digest) bool {
	_, refused := l.refused[d]
	return refused
}

// lose notes the tags of a manifest that were removed although it was not deleted: where it has no other one, no listing
// shows it any more.
func (l *ledger) lose(d oci.Digest, tags []string) {
	if len(tags) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.removed[d] = append(l.removed[d], tags...)
	l.tagged[d] = slices.ContainsFunc(l.images[d].Tags, func(t string) bool { return !slices.Contains(l.removed[d], t) })
}

// doubt notes that a deletion, or the removal of a tag, was sent and not refused.
func (l *ledger) doubt(d oci.Digest, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsettled[d] = err
}

// step counts a step and tells of it.
func (l *ledger) step() {
	l.steps++
	if l.progress != nil {
		l.progress(l.steps)
	}
}

// gone returns the tags that were removed, alone or with their image.
func (l *ledger) gone() map[string]oci.Digest {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]oci.Digest{}
	for d, i := range l.images {
		tags := l.removed[d]
		if l.done(d) {
			tags = slices.Concat(i.Tags, i.Removed)
		}
		for _, t := range tags {
			out[t] = d
		}
	}
	return out
}

// stranded reports whether a manifest is, or may be, still there while nothing leads to it any more: its own tags are
// removed, or all that it is a part of is deleted. An attachment is stranded without its subject, which this run or an
// earlier one has deleted, even with a tag of its own: a later run could not know that the subject was deleted, and not
// stored elsewhere. What is kept has something
// that leads to it, unless it is kept because there is nothing at all, which emptied says.
func (l *ledger) stranded(d oci.Digest, emptied bool) bool {
	return l.isStranded(d, emptied, map[oci.Digest]bool{})
}

// isStranded notes what it finds in known. What belongs to itself in a circle is not stranded by that.
func (l *ledger) isStranded(d oci.Digest, emptied bool, known map[oci.Digest]bool) bool {
	if _, is := known[d]; is {
		return known[d]
	}
	known[d] = false
	lost := func(b oci.Digest) bool { return l.done(b) || l.unsettled[b] != nil }
	orphan := slices.ContainsFunc(l.images[d].Subjects(), func(s oci.Digest) bool { return lost(s) || l.absent[s] })
	switch {
	case l.done(d), l.keeps(d), l.loose[d] && l.unsettled[d] == nil: // untagged manifests are found as they were found now
	case l.unsettled[d] != nil:
		known[d] = true
	case l.kept[d] != "" && !emptied:
	case l.tagged[d]:
		known[d] = orphan && l.images[d].Kind == oci.KindAttachment
	default:
		leads := func(b oci.Digest) bool { return !lost(b) && !l.isStranded(b, emptied, known) }
		known[d] = orphan || !slices.ContainsFunc(l.leads[d], leads)
	}
	return known[d]
}

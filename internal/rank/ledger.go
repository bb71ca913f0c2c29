package rank

import (
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Ledger counts repositories one by one and finds out what they share. It remembers each blob in some 60 bytes and
// nothing else of a snapshot. The zero value is empty and ready.
type Ledger struct {
	repositories  []Row
	blobs         map[oci.Key]blob
	bytes, shared int64
}

// blob is where a blob was seen. Repositories are numbered in the order in which they are added.
type blob struct {
	size  int64
	first int32 // the repository that it was seen in first; several when it is in more
	last  int32 // the repository that counted it last
	kept  bool  // something with a tag needs it, in any repository
}

const several = -1

// maxBlob is larger than any layer. A manifest can claim any size, and sums must not run over.
const maxBlob = 1 << 40

// Add counts a repository. A date after now does not count.
func (l *Ledger) Add(s oci.Snapshot, now time.Time) {
	if l.blobs == nil {
		l.blobs = map[oci.Key]blob{}
	}
	me := int32(len(l.repositories))
	l.repositories = append(l.repositories, Row{Path: s.Repository.Path, Tags: len(s.Ghosts), Manifests: len(s.Images)})
	needed := needed(s)
	for _, i := range s.Images {
		r := &l.repositories[me]
		if !needed.has(i.Digest) && needed.isRoot(i) {
			r.Untagged++
		}
		r.Tags += len(i.Tags)
		if i.Kind == oci.KindImage || i.Kind == oci.KindIndex {
			r.built(i.Created, now)
		}
		for _, b := range i.Blobs {
			l.count(me, b, needed.has(i.Digest))
		}
	}
}

// built notes the date of an image.
func (r *Row) built(at, now time.Time) {
	if at.IsZero() || at.After(now) {
		return
	}
	if r.Oldest.IsZero() || at.Before(r.Oldest) {
		r.Oldest = at
	}
	if at.After(r.Newest) {
		r.Newest = at
	}
}

// count notes that a repository uses a blob, and whether something with a tag needs it there.
func (l *Ledger) count(me int32, b oci.Blob, kept bool) {
	key, r := oci.KeyOf(b.Digest), &l.repositories[me]
	known, ok := l.blobs[key]
	switch {
	case !ok:
		known = blob{size: min(b.Size, maxBlob), first: me, last: me, kept: kept}
		l.bytes += known.size
		r.Own += known.size
	case known.last == me:
		if kept && !known.kept {
			known.kept = true
			l.blobs[key] = known
		}
		return
	default:
		if known.first != several {
			before := &l.repositories[known.first]
			before.Own -= known.size
			before.Shared += known.size
			l.shared += known.size
		}
		known.first, known.last = several, me
		r.Shared += known.size
	}
	r.Blobs++
	known.kept = known.kept || kept
	l.blobs[key] = known
}

// Ranking ranks the repositories that were added by their own bytes, and by manifests where those are equal.
func (l *Ledger) Ranking(asked string) Ranking {
	r := Ranking{Source: FromRegistry, Asked: asked, Bytes: l.bytes, Shared: l.shared}
	r.Repositories = append(r.Repositories, l.repositories...)
	for _, b := range l.blobs {
		if b.kept {
			continue
		}
		r.UntaggedBytes += b.size
		if b.first != several {
			r.Repositories[b.first].UntaggedBytes += b.size
		}
	}
	sort(r.Repositories)
	return r
}

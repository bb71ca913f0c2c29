package rank

import (
	"cmp"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Ledger counts repositories one by one and finds out what they share. It remembers each blob in some 60 bytes and
// nothing else of a snapshot. The zero value is empty and ready.
type Ledger struct {
	repositories  []Row
	blobs         map[oci.Key]blob
	bytes, shared int64
	sets          []set
	joined        map[joining]int32 // the number of the set that a repository makes of another one
}

// blob is where a blob was seen. Repositories are numbered in the order in which they are added.
type blob struct {
	size int64
	in   int32 // the set of repositories that it was seen in; many when they are more than are told apart
	last int32 // the repository that counted it last
	kept bool  // something with a tag needs it, in any repository
}

// set is a few repositories, and the bytes of the blobs that exactly these have.
type set struct {
	members []int32
	bytes   int64
}

// joining is a repository that comes to a set; none is the empty set.
type joining struct{ set, repository int32 }

const (
	none = -1
	many = -2
	// maxFew is how many repositories are few: a base image is in all of them, and what a pipeline promotes is in two or three.
	maxFew = 4
)

// join returns the set that a repository makes of another one.
func (l *Ledger) join(in, repository int32) int32 {
	if in == many || in != none && len(l.sets[in].members) == maxFew {
		return many
	}
	key := joining{in, repository}
	n, known := l.joined[key]
	if !known {
		var members []int32
		if in != none {
			members = slices.Clone(l.sets[in].members)
		}
		n = int32(len(l.sets))
		l.sets, l.joined[key] = append(l.sets, set{members: append(members, repository)}), n
	}
	return n
}

// move takes the bytes of a blob from one set to another.
func (l *Ledger) move(size int64, from, to int32) {
	if from >= 0 {
		l.sets[from].bytes -= size
	}
	if to >= 0 {
		l.sets[to].bytes += size
	}
}

// maxBlob is larger than any layer. A manifest can claim any size, and sums must not run over.
const maxBlob = 1 << 40

// Add counts a repository. A date after now does not count.
func (l *Ledger) Add(s oci.Snapshot, now time.Time) {
	if l.blobs == nil {
		l.blobs, l.joined = map[oci.Key]blob{}, map[joining]int32{}
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
		known = blob{size: min(b.Size, maxBlob), in: l.join(none, me), last: me, kept: kept}
		l.move(known.size, none, known.in)
		l.bytes += known.size
		r.Own += known.size
	case known.last == me:
		if kept && !known.kept {
			known.kept = true
			l.blobs[key] = known
		}
		return
	default:
		if known.in != many && len(l.sets[known.in].members) == 1 {
			before := &l.repositories[l.sets[known.in].members[0]]
			before.Own -= known.size
			before.Shared += known.size
			l.shared += known.size
		}
		in := l.join(known.in, me)
		l.move(known.size, known.in, in)
		known.in, known.last = in, me
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
		if b.in != many && len(l.sets[b.in].members) == 1 {
			r.Repositories[l.sets[b.in].members[0]].UntaggedBytes += b.size
		}
	}
	sort(r.Repositories)
	r.Together = l.together()
	return r
}

// together are the sets of more than one repository that hold something, those that hold the most first.
func (l *Ledger) together() []Together {
	var out []Together
	for _, s := range l.sets {
		if len(s.members) < 2 || s.bytes == 0 {
			continue
		}
		t := Together{Bytes: s.bytes}
		for _, m := range s.members {
			t.Paths = append(t.Paths, l.repositories[m].Path)
		}
		slices.SortFunc(t.Paths, oci.NaturalCompare)
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Together) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), slices.CompareFunc(a.Paths, b.Paths, oci.NaturalCompare))
	})
	return out
}

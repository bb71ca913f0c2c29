package distribution

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Lister reads a registry's own list of a repository, which says more at once than the OCI API does. It returns every
// manifest that the list has, in any order: all of it or an error.
type Lister func(ctx context.Context) ([]Entry, error)

// Entry is what such a list says of one manifest.
type Entry struct {
	Digest oci.Digest
	// Tags are all tags of the manifest, as far as the registry has any.
	Tags []string
	// MediaType is the manifest's, "" when the list does not say.
	MediaType string
	// Size is the image's own in bytes, 0 when the list does not say.
	Size int64
	// Pushed is when the registry received the manifest; the zero time when the list does not say.
	Pushed time.Time
	// Retained says why the registry would refuse to delete the manifest; "" when the list does not say.
	Retained string
	// Whole says that MediaType, Children and Subject are all that anything can depend on: the manifest itself need not be
	// read, unless its date, its size or its blobs matter.
	Whole    bool
	Children []oci.Digest
	Subject  oci.Digest
	// Unreadable says that the registry does not hand out the manifest now, although it has it. The entry has to be Whole,
	// or to be Opaque.
	Unreadable bool
	// Opaque says of an unreadable manifest that nobody knows what it lists. The registry takes an index only when it has
	// what the index lists, so that it was Pushed later than that, and Retained says why it cannot be read.
	Opaque bool
}

// manifest is an entry that says everything, in place of the manifest itself.
func (e Entry) manifest() manifest {
	m := manifest{digest: e.Digest, mediaType: e.MediaType, subject: e.Subject, size: e.Size, unread: true}
	for _, c := range e.Children {
		m.children = append(m.children, child{digest: c})
	}
	m.platform = m.isIndex()
	return m
}

// Listed returns a repository that is read by the registry's own list; nothing is sent. Manifests are read over the OCI
// API, as far as the list leaves something out.
func (r *Registry) Listed(path string, list Lister) *Repository {
	out := r.repository(path)
	out.list = list
	return out
}

// checkedList reads the list and refuses one that cannot be: a digest that is not one, or a tag at two places.
func (r *Repository) checkedList(ctx context.Context) ([]Entry, error) {
	entries, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	places := map[string]oci.Digest{}
	seen := map[oci.Digest]bool{}
	for _, e := range entries {
		if err := e.Digest.Validate(); err != nil {
			return nil, incomplete(fmt.Errorf("the registry's list has the digest %q: %w", e.Digest, err))
		}
		if seen[e.Digest] {
			return nil, incomplete(fmt.Errorf("the registry's list has %s twice", e.Digest))
		}
		seen[e.Digest] = true
		for _, t := range e.Tags {
			if at, twice := places[t]; twice && at != e.Digest {
				return nil, incomplete(fmt.Errorf("the registry's list has the tag %s at %s and at %s: it changed while it was read; run again", t, at, e.Digest))
			}
			if !oci.ValidTag(t) { // it would become part of a URL
				return nil, incomplete(fmt.Errorf("the registry's list has the tag %q, which cannot be", t))
			}
			places[t] = e.Digest
		}
		if err := e.manifest().validate(); err != nil {
			return nil, incomplete(fmt.Errorf("the registry's list says of %s: %w", e.Digest, err))
		}
	}
	return entries, nil
}

// readOwnList reads what the registry's own list has, and what that list leaves out. A manifest without a tag that is
// not there any more is left out: lists lag behind deletions.
func (g *gathering) readOwnList(ctx context.Context, skipDates bool) error {
	entries, err := g.repository.checkedList(ctx)
	if err != nil {
		return err
	}
	if entries, err = g.keepHidden(entries); err != nil {
		return err
	}
	var next []step
	tags := 0
	for _, e := range entries {
		g.entries[e.Digest] = e
		for _, t := range slices.SortedFunc(slices.Values(e.Tags), oci.NaturalCompare) {
			g.tags[e.Digest] = append(g.tags[e.Digest], t)
			tags++
		}
		_, remembered := g.memory.manifests[e.Digest]
		if e.Opaque && !remembered || e.Whole && (skipDates && !remembered || e.Unreadable) {
			next = append(next, stepsFrom(e.Digest, g.add(e.manifest()))...)
		}
		next = append(next, step{e.Digest, e.Digest})
	}
	if err := g.readDigests(ctx, next); err != nil {
		return err
	}
	for _, e := range entries {
		if g.absent[e.Digest] {
			g.ghosts = append(g.ghosts, g.tags[e.Digest]...)
			delete(g.tags, e.Digest)
		}
	}
	if tags > 0 && len(g.ghosts) == tags {
		return incomplete(fmt.Errorf("the registry lists tags, such as %s, and has no manifest for any of them (%d in all)", g.ghosts[0], tags))
	}
	slices.SortFunc(g.ghosts, oci.NaturalCompare)
	g.news = true
	return nil
}

// ownTargets lists the tags with what they point at, by the registry's own list. What the caller believes gone and the
// list still has is asked for: lists lag behind deletions.
func (r *Repository) ownTargets(ctx context.Context, before oci.Snapshot, given map[string]oci.Digest) (listing, error) {
	entries, err := r.checkedList(ctx)
	if err == nil {
		err = newOpaque(entries, before)
	}
	if err != nil {
		return listing{}, err
	}
	var l listing
	var doubted []string
	for _, e := range entries {
		for _, t := range e.Tags {
			if d, is := given[t]; is && d == "" {
				doubted = append(doubted, t)
			} else {
				l.tags, l.targets = append(l.tags, t), append(l.targets, manifest{digest: e.Digest, mediaType: e.MediaType, unread: true})
			}
		}
	}
	answers := make([]manifest, len(doubted))
	if err := r.askEach(ctx, doubted, answers, r.resolve); err != nil {
		return listing{}, err
	}
	for i, m := range answers {
		if m.digest != "" {
			l.tags, l.targets = append(l.tags, doubted[i]), append(l.targets, m)
		}
	}
	return l, nil
}

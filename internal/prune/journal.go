package prune

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// Journal remembers which deletions have begun.
type Journal interface {
	// Write replaces the list of manifests, with their tags and those that were removed, and returns when it would survive a
	// crash. An empty list removes it.
	Write(begun []oci.Image) error
	// Begun returns the tags of what an earlier run has begun to delete, and what they pointed at.
	Begun() map[string]oci.Digest
}

// writeJournal writes down all deletions before the first one. Some must not be interrupted without: manifests whose tags
// are removed, and parts of what is deleted. Without a journal, deletion by digest is the careful method.
func (e *execution) writeJournal() error {
	if e.options.Journal == nil {
		return nil
	}
	list := e.held()
	for _, d := range e.plan.Deletions() {
		list = append(list, d.Image)
	}
	list = append(list, e.owed(list)...)
	list = append(list, e.pointedAt()...)
	err := e.options.Journal.Write(list)
	switch {
	case err == nil:
		e.journaled = true
	case e.options.Method == Auto || e.method == ByDigest:
		e.warn("the journal cannot be written: %v", err)
		e.method = ByDigest
	default:
		return fmt.Errorf("%w: %w", ErrNoJournal, err)
	}
	return nil
}

// pointedAt is the placeholder as long as it is perhaps there.
func (e *execution) pointedAt() []oci.Image {
	if e.placeholder == "" {
		return nil
	}
	return []oci.Image{{Digest: e.placeholder, Kind: oci.KindPlaceholder}}
}

// held are the manifests without a name whose deletion an earlier run has begun and that something outside of the
// registry has come to use: one day it may not, and no listing has them.
func (e *execution) held() []oci.Image {
	var out []oci.Image
	for _, d := range e.plan.Decisions {
		other := func(r retain.Reason) bool { return r.Rule != retain.RuleProtectFile }
		named := len(d.Image.Tags) > 0 || e.tags.restored[d.Image.Digest]
		owed := len(e.ledger.removed[d.Image.Digest]) > 0
		if d.Verdict == retain.Keep && d.Pending && !named && !owed && !slices.ContainsFunc(d.Reasons, other) {
			out = append(out, d.Image)
		}
	}
	return out
}

// owed are the manifests that are not on a list, and for whose tags the next run has to do something: it puts back those
// that were removed of what stays, and removes those that are listed without an image.
func (e *execution) owed(listed []oci.Image) []oci.Image {
	tags := e.untagged()
	for t, d := range e.tags.ghosts {
		tags[d] = append(slices.Clone(tags[d]), t)
	}
	var out []oci.Image
	for d := range tags {
		if !slices.ContainsFunc(listed, func(i oci.Image) bool { return i.Digest == d }) {
			out = append(out, oci.Image{Digest: d, Tags: tags[d]})
		}
	}
	slices.SortFunc(out, func(a, b oci.Image) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	return out
}

// closeJournal leaves that in the journal, of this run and of earlier ones, which a later run has to finish, because no
// listing has it any more, or because nobody knows whether it is still there.
func (e *execution) closeJournal() {
	left := e.held()
	for _, d := range e.plan.Deletions() {
		if e.ledger.stranded(d.Image.Digest, e.looks.emptied) {
			left = append(left, d.Image)
		}
	}
	left = append(left, e.pointedAt()...)
	if e.options.Journal == nil {
		return
	}
	for _, i := range left {
		e.unfinished = append(e.unfinished, i.Digest)
	}
	left = append(left, e.owed(left)...)
	if err := e.options.Journal.Write(left); err != nil {
		e.warn("the journal cannot be brought up to date: %v", err)
	}
}

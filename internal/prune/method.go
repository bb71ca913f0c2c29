package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
)

// Method is how images are deleted on the wire. What is deleted is the same in each.
type Method string

// The methods. Their names are those of --delete-by and of the JSON report.
const (
	// Auto asks the registry and takes what is fastest there of ByDigest and TagsFirst.
	Auto Method = "auto"
	// ByDigest deletes each manifest by its digest, and the registry removes the tags. Distribution reads every tag of the
	// repository to find them, so the time grows with the square of their number.
	ByDigest Method = "digest"
	// TagsFirst removes the tags of all doomed images and then deletes their digests, which finds no tag to read any more.
	TagsFirst Method = "tags-first"
	// Retag is TagsFirst for registries that cannot remove a tag, distribution 2.x: it points the tags at a placeholder
	// and deletes that. It pushes to the registry.
	Retag Method = "retag"
)

// tagsFirstFrom is how many tags must go before Auto removes tags first: below it the two requests of the probe and the
// two for each tag cost more than they save. docs/performance.md has the measurement.
const tagsFirstFrom = 50

// Journal remembers which deletions have begun.
type Journal interface {
	// Write replaces the list, and returns when it would survive a crash. An empty list is none.
	Write(digests []oci.Digest) error
}

// choose decides the method, asks the registry where that matters, and writes the journal for those that need it. On an
// error nothing has been changed.
func (e *execution) choose(ctx context.Context) error {
	switch e.method = e.options.Method; e.method {
	case "", ByDigest:
		e.method = ByDigest
	case Auto:
		if e.tags < tagsFirstFrom {
			e.method = ByDigest
			break
		}
		if e.options.Journal == nil {
			e.method = ByDigest
			e.warnings = append(e.warnings, "tags are not removed first, which takes longer: "+ErrNoJournal.Error())
			break
		}
		can, err := e.canDeleteTags(ctx)
		if err != nil && !errors.Is(err, registry.ErrTagDeletionUnclear) {
			return err
		}
		if e.method = ByDigest; can {
			e.method = TagsFirst
		}
	default:
		can, err := e.canDeleteTags(ctx)
		switch {
		case errors.Is(err, registry.ErrTagDeletionUnclear):
			return fmt.Errorf("%w: %w", ErrUnclear, err)
		case err != nil:
			return err
		case !can && e.method == TagsFirst:
			return ErrNoTagDeletion
		case can && e.method == Retag:
			return ErrTagDeletion
		case e.options.Journal == nil:
			return ErrNoJournal
		}
	}
	return e.writeJournal()
}

// canDeleteTags asks whether tags can be removed one by one. A kind of registry that has no such deletion cannot.
func (e *execution) canDeleteTags(ctx context.Context) (bool, error) {
	tags, has := e.target.(registry.TagDeleter)
	if !has {
		return false, nil
	}
	return tags.CanDeleteTags(ctx)
}

// writeJournal writes down all deletions before the first one whose interruption would leave something without a name:
// manifests whose tags are removed, and parts of what is deleted. What an earlier run has begun is brought up to date in
// any case. Without a journal, deletion by digest is the careful method.
func (e *execution) writeJournal() error {
	resumes := slices.ContainsFunc(e.deletions, func(d retain.Decision) bool { return d.Pending })
	if e.options.Journal == nil || e.method == ByDigest && len(e.before) == 0 && !resumes {
		return nil
	}
	list := e.held()
	for _, d := range e.deletions {
		list = append(list, d.Image.Digest)
	}
	err := e.options.Journal.Write(list)
	switch {
	case err == nil:
		e.journaled = true
	case e.options.Method == Auto || e.method == ByDigest:
		e.warnings = append(e.warnings, fmt.Sprintf("the journal cannot be written: %v", err))
		e.method = ByDigest
	default:
		return fmt.Errorf("%w: %w", ErrNoJournal, err)
	}
	return nil
}

// held are the manifests without a name whose deletion an earlier run has begun and that something outside of the
// registry has come to use: one day it may not, and no listing has them.
func (e *execution) held() []oci.Digest {
	var out []oci.Digest
	for _, d := range e.plan.Decisions {
		other := func(r retain.Reason) bool { return r.Rule != retain.RuleProtectFile }
		if d.Verdict == retain.Keep && d.Pending && len(d.Image.Tags) == 0 && !slices.ContainsFunc(d.Reasons, other) {
			out = append(out, d.Image.Digest)
		}
	}
	return out
}

// closeJournal leaves that in the journal, of this run and of earlier ones, which a later run has to finish, because no
// listing has it any more.
func (e *execution) closeJournal() {
	if e.options.Journal == nil {
		return
	}
	left := e.held()
	for _, d := range e.deletions {
		if e.stranded(d.Image.Digest, map[oci.Digest]bool{}) {
			left = append(left, d.Image.Digest)
		}
	}
	e.left = left
	if err := e.options.Journal.Write(left); err != nil {
		e.warnings = append(e.warnings, fmt.Sprintf("the journal cannot be brought up to date: %v", err))
	}
}

// stranded reports whether a manifest is still there while nothing leads to it any more: its own tags are removed, or
// what it is a part of is deleted. What was spared has something that leads to it, unless it was spared for there being
// nothing at all.
func (e *execution) stranded(d oci.Digest, seen map[oci.Digest]bool) bool {
	if e.done(d) || e.spared[d] != "" && !e.emptied || e.tagged[d] || seen[d] {
		return false
	}
	seen[d] = true
	return len(e.before[d]) == 0 || slices.ContainsFunc(e.before[d], func(b oci.Digest) bool { return e.done(b) || e.stranded(b, seen) })
}

// done reports whether a manifest is not there any more.
func (e *execution) done(d oci.Digest) bool {
	s := e.outcomes[d].Status
	return s == Deleted || s == Gone
}

// tagsOf counts the tags of what is deleted.
func tagsOf(deletions []retain.Decision) int {
	n := 0
	for _, d := range deletions {
		n += len(d.Image.Tags)
	}
	return n
}

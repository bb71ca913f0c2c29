package prune

import (
	"context"
	"errors"
	"fmt"

	"github.com/regsweep/regsweep/internal/registry"
)

// Method is how images are deleted on the wire. What is deleted is the same in each.
type Method string

// The methods. Their names are those of --delete-by and of the JSON report.
const (
	// Auto takes TagsFirst where the registry can do it and that is faster. Where that is not known it begins with ByDigest
	// and measures.
	Auto Method = "auto"
	// ByDigest deletes each manifest by its digest, and the registry removes the tags. Distribution reads every tag of the
	// repository to find them, so the time grows with the square of their number.
	ByDigest Method = "digest"
	// TagsFirst removes the tags of all doomed images and then deletes their digests, which finds no tag to read any more.
	TagsFirst Method = "tags-first"
	// Retag is TagsFirst for registries that cannot remove a tag, distribution 2.x: it points the tags at a placeholder
	// and deletes that. It pushes to the registry.
	Retag Method = "retag"
	// Offline removes the tags and manifests from the storage while the registry is stopped for its garbage collection. [Execute]
	// does not know it: see [Removal].
	Offline Method = "offline"
)

// choose decides the method with which the execution begins, asks the registry where that matters, and writes the journal
// for those that need it. On an error nothing has been changed.
func (e *execution) choose(ctx context.Context) error {
	switch e.method = e.options.Method; e.method {
	case "", ByDigest:
		e.method = ByDigest
	case Offline:
		return errOffline
	case Auto:
		if err := e.auto(ctx); err != nil {
			return err
		}
	default:
		can, err := e.canDeleteTags(ctx)
		switch {
		case errors.Is(err, registry.ErrTagDeletionUnclear):
			return fmt.Errorf("%w: %w", registry.ErrTagDeletionUnclear, err)
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

// auto decides between the two methods that nobody has to ask for, as far as that can be told before the first deletion.
// Where the registry is known to read all tags for each, measuring would tell nothing, and would cost a look at each tag.
func (e *execution) auto(ctx context.Context) error {
	e.method = ByDigest
	if _, has := e.target.(registry.TagDeleter); !has || e.ledger.tags() < tagsFirstFrom {
		return nil
	}
	scanner, tells := e.target.(registry.TagScanner)
	switch {
	case !tells || !scanner.ScansTags():
		e.trial = newTrial(e.workers())
		return nil
	case e.options.Journal == nil:
		e.warn("tags are not removed first, which takes longer: %v", ErrNoJournal)
		return nil
	}
	can, err := e.canDeleteTags(ctx)
	switch {
	case errors.Is(err, registry.ErrTagDeletionUnclear): // deletions by digest work all the same
	case err != nil:
		return err
	case can:
		e.method = TagsFirst
	default:
		e.trial = newTrial(e.workers()).afterRefusal()
	}
	return nil
}

// why says why the method was taken, "" where there was nothing to choose.
func (e *execution) why() string {
	if e.options.Method == Auto && e.trial == nil && e.method == TagsFirst {
		return "the registry reads every tag of the repository for each deletion by digest"
	}
	return e.trial.reason()
}

// errOffline is returned for a method that [Execute] does not know.
var errOffline = errors.New("images are removed from the storage only while the registry is stopped")

// canDeleteTags asks whether tags can be removed one by one. A kind of registry that has no such deletion cannot.
func (e *execution) canDeleteTags(ctx context.Context) (bool, error) {
	tags, has := e.target.(registry.TagDeleter)
	if !has {
		return false, nil
	}
	return tags.CanDeleteTags(ctx)
}

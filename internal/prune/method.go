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
	// Offline removes the tags and manifests from the storage while the registry is stopped for its garbage collection. [Execute]
	// does not know it: see [Removal].
	Offline Method = "offline"
)

// tagsFirstFrom is how many tags must go before Auto removes tags first: below it the two requests of the probe and the
// two for each tag cost more than they save. docs/performance.md has the measurement.
const tagsFirstFrom = 50

// choose decides the method, asks the registry where that matters, and writes the journal for those that need it. On an
// error nothing has been changed.
func (e *execution) choose(ctx context.Context) error {
	switch e.method = e.options.Method; e.method {
	case "", ByDigest:
		e.method = ByDigest
	case Offline:
		return errOffline
	case Auto:
		if e.ledger.tags() < tagsFirstFrom {
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

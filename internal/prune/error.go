package prune

import (
	"errors"

	"github.com/regsweep/regsweep/internal/registry"
)

// Errors that refuse a plan or a method before anything is deleted. Where it is not clear whether the registry removes tags,
// TagsFirst and Retag are refused with [registry.ErrTagDeletionUnclear].
var (
	// ErrRefused is returned for a plan that a guard objects to.
	ErrRefused = &registry.Kind{Text: "the plan is refused", Advice: "look at the plan; when it is right, change what the guard objects to"}
	// ErrNoTagDeletion is returned for TagsFirst on a registry that cannot remove a tag.
	ErrNoTagDeletion = &registry.Kind{
		Text:   "the registry does not remove tags, as distribution 2.x does not",
		Advice: "--delete-by auto deletes by digest there; --delete-by retag is faster and pushes a placeholder to the registry",
	}
	// ErrTagDeletion is returned for Retag on a registry that has no need of it.
	ErrTagDeletion = &registry.Kind{
		Text:   "the registry removes tags by itself",
		Advice: "--delete-by auto or tags-first does there what retag is for, and writes nothing",
	}
	// ErrNoPlaceholder is returned for Retag on a kind of registry whose tags are not pointed at placeholders.
	ErrNoPlaceholder = &registry.Kind{Text: "tags are not pointed at placeholders on this kind of registry", Advice: "--delete-by auto takes what works there"}
	// ErrLayout is returned for Offline where the storage has something that the registry does not write.
	ErrLayout = &registry.Kind{
		Text:   "the storage has something that the registry does not write there, so nothing is removed from it",
		Advice: "find out where it is from, and remove it while the registry is stopped; or leave --delete-by offline out",
	}
	// ErrNoJournal is returned when the deletions that are about to begin cannot be written down.
	ErrNoJournal = &registry.Kind{
		Text:   "there is no journal",
		Advice: "name a folder that can be written to with --state-dir, or leave --delete-by out",
	}
)

// stops reports whether an error tells that no further deletion can succeed.
func stops(err error) bool {
	for _, kind := range []error{
		registry.ErrUnauthorized, registry.ErrNoToken, registry.ErrDeletionDisabled, registry.ErrReadOnly, registry.ErrNotAllowed, registry.ErrNotAnswered,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

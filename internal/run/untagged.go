package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
)

// storageList is what the registry's storage says of manifests without a tag. A nil list names none.
type storageList struct {
	gc.Listing
	at  time.Time // when it was made, by the clock of the run
	all bool      // the run is about every repository that it names, and nobody has named them
	err error     // why it could not be made
}

// lookingForUntagged is the step of a dry run that may take minutes.
const lookingForUntagged = "looking for manifests without a tag, by a dry run"

// listUntagged asks the storage, next to the registry. held are manifests that it must have.
func (p *pruner) listUntagged(ctx context.Context, held []gc.Held) {
	p.tell(GCStep{Text: lookingForUntagged})
	listing, err := p.GC.ListUntagged(ctx, p.GC.Options, held)
	for _, note := range listing.Notes {
		p.tell(GCStep{Text: note, Warning: true})
	}
	if err != nil {
		err = fmt.Errorf("list the manifests without a tag: %w", err)
	}
	p.untagged = &storageList{Listing: listing, at: p.Now(), err: err}
}

// listUntaggedOf asks the storage, once, when the policy of any repository gives up manifests without a tag and the registry
// does not list them itself.
func (p *pruner) listUntaggedOf(ctx context.Context, names []oci.Repository) {
	if p.GC == nil || p.GC.ListUntagged == nil || ctx.Err() != nil {
		return
	}
	wanted := slices.ContainsFunc(names, func(name oci.Repository) bool {
		rules, err := p.Policy(name)
		if err != nil || rules.Untagged.IsZero() {
			return false
		}
		client, err := p.Open(name.Host)
		return err == nil && !client.Traits().ListsUntagged
	})
	if wanted {
		p.listUntagged(ctx, nil)
	}
}

// listFor returns what the storage says for a repository with these rules. It is an error when it should and could not.
func (p *pruner) listFor(rules retain.Policy, traits registry.Traits) (*storageList, error) {
	if p.untagged == nil || rules.Untagged.IsZero() || traits.ListsUntagged {
		return nil, nil
	}
	return p.untagged, p.untagged.err
}

// candidates are the manifests of a repository to which the storage has no tag.
func (l *storageList) candidates(name oci.Repository) []oci.Digest {
	if l == nil {
		return nil
	}
	return l.Candidates(name.Path)
}

// dates are those that a plan needs. Where nothing with a tag goes, only untagged manifests need one, and those that the storage
// dates have theirs.
func (l *storageList) dates(name oci.Repository, rules retain.Policy) registry.Dates {
	switch {
	case !rules.KeepTagged:
		return registry.AllDates
	case l != nil && l.Dated(name.Path):
		return registry.ManifestDates
	}
	return registry.UntaggedDates
}

// leaves reports whether a repository that could not be read has no tag, so that the registry does not list it, and nobody
// has asked for it by name. What it holds stays.
func (l *storageList) leaves(name oci.Repository, err error) bool {
	return l != nil && l.all && errors.Is(err, registry.ErrUnknownRepository) && !l.HasTags(name.Path)
}

// apply checks that the storage is the one of the registry, and tells each manifest without a tag when it was pushed.
func (l *storageList) apply(s *oci.Snapshot) error {
	if l == nil {
		return nil
	}
	if err := l.disagreement(*s); err != nil {
		return err
	}
	for i, image := range s.Images {
		if age, known := l.Age(s.Repository.Path, image.Digest); known && len(image.Tags) == 0 && image.Pushed.IsZero() {
			s.Images[i].Pushed = l.at.Add(-age)
		}
	}
	return nil
}

// manyCandidates is how many manifests the storage has to name for it to mean something that the registry has none of them.
// Fewer may have been deleted by somebody else meanwhile.
const manyCandidates = 10

// disagreement says why the storage is not the one that the registry serves. That is known only where it names anything.
func (l *storageList) disagreement(s oci.Snapshot) error {
	path := s.Repository.Path
	candidates := l.Candidates(path)
	if len(candidates) == 0 {
		return nil
	}
	tagged, held, known := 0, 0, 0
	for _, i := range s.Images {
		if _, candidate := slices.BinarySearch(candidates, i.Digest); candidate {
			known++
		}
		if len(i.Tags) > 0 {
			tagged++
			if l.Holds(path, i.Digest) {
				held++
			}
		}
	}
	switch {
	case tagged > 0 && held == 0:
		return &DisagreementError{fmt.Sprintf("the storage next to the registry holds none of the %s that the registry serves: it is not this registry's, or all tags have moved since the dry run", imagesWithTag(tagged))}
	case len(candidates) >= manyCandidates && known == 0:
		return &DisagreementError{fmt.Sprintf("the registry has none of the %d manifests without a tag that the storage next to it names: it is not this registry's", len(candidates))}
	}
	return nil
}

func imagesWithTag(n int) string {
	if n == 1 {
		return "1 image with a tag"
	}
	return fmt.Sprintf("%d images with a tag", n)
}

// DisagreementError says why the storage that was asked is not the one that the registry serves. It wraps
// [prune.ErrRefused]: nothing is deleted.
type DisagreementError struct{ Why string }

func (e *DisagreementError) Error() string { return "refused: " + e.Why }
func (e *DisagreementError) Unwrap() error { return prune.ErrRefused }

// Hint says what to do about it.
func (e *DisagreementError) Hint() string { return gc.ConfigHint }

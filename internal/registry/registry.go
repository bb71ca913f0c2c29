// Package registry is the port to registries: what the rest of the program may ask of one, whatever its kind. A kind is
// a folder below, which reads and deletes in its own way; package kinds opens the right one. Nothing here sends a
// request, and nothing here decides what is deleted.
package registry

import (
	"context"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
)

// Registry is one registry. It is safe for use by several goroutines.
type Registry interface {
	// Repository returns the repository with the path; nothing is sent.
	Repository(path string) Repository
	// Catalog lists the paths of all repositories in natural order. It includes repositories that are empty. A registry
	// that does not list them is [ErrNoCatalog].
	Catalog(ctx context.Context) ([]string, error)
	// Ping asks once whether the registry serves. A registry that wants a login does.
	Ping(ctx context.Context) error
	// Traits says in what this kind of registry differs from others.
	Traits() Traits
}

// Repository is one repository of a registry. What only some kinds can do is asked for by type assertion: [TagDeleter],
// [TagPointer], [TagRestorer], [Verifier], [Cache], [ReferrerLister], [Inspector], [Prober] and [Quota].
type Repository interface {
	// Snapshot reads everything known of the repository: all tags, each manifest that they reach, and the dates. Anything
	// that cannot be read is an error, but for what the registry firmly says that it does not have: a listed tag without a
	// manifest is a ghost, and a manifest or config that another refers to is noted as missing there.
	Snapshot(ctx context.Context, q Query) (oci.Snapshot, error)
	// Refresh looks at the repository again and returns what its tags point at now and what that needs. known are tags
	// that the caller looks at itself, with their digest, which are believed if they are still listed; and tags that the
	// caller believes gone, with "", which are asked for only if they are listed. Dates, sizes and blobs are left out.
	Refresh(ctx context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error)
	// Delete deletes manifests, none of which depends on another of them, with all their tags. It returns one result for
	// each, in their order. A cancelled ctx does not cut a request short that is on its way.
	Delete(ctx context.Context, level []oci.Image) []Result
}

// Query says what a snapshot is for. The zero value reads everything.
type Query struct {
	// Digests are read in addition to those that tags lead to: a pipeline can push without a tag, and such a manifest is in
	// no listing.
	Digests []oci.Digest
	// Untagged are read in addition: manifests that an earlier run has seen under a tag, or as a part of one, and that no tag
	// leads to any more. A registry that lists manifests without a tag needs no such memory.
	Untagged bool
	// SkipDates leaves dates out, and the manifests that can refer to no other manifest: a decision by names alone needs
	// neither.
	SkipDates bool
	// Dates says which dates matter. A kind of registry that lists dates may return all of them whatever it says.
	Dates Dates
}

// Dates are the images whose dates a snapshot needs. A date costs a request where only the config of an image tells it.
type Dates int

// The dates that matter.
const (
	AllDates      Dates = iota
	UntaggedDates       // those of manifests without a tag, and of their parts
	ManifestDates       // those that manifests tell by themselves, without their configs
)

// Result is what became of one deletion.
type Result struct {
	// Existed reports whether the manifest was there. Where it was not, somebody else has deleted it, or an earlier try
	// whose answer was lost.
	Existed bool
	// Err is why the manifest was not deleted, nil when it is not there any more.
	Err error
	// Removed are tags of the manifest that were removed on the way to Err. They lead to it no more.
	Removed []string
}

// TagDeleter is a repository whose registry may be able to remove a tag and leave its manifest.
type TagDeleter interface {
	// CanDeleteTags asks the registry whether it can, by two deletions of what does not exist. An error says that it
	// deletes nothing at all, or is [ErrTagDeletionUnclear].
	CanDeleteTags(ctx context.Context) (bool, error)
	// DeleteTag removes a tag that points at d and reports whether it did: it looks right before each try, and leaves a tag
	// alone that points elsewhere. It finishes a request that is on its way.
	DeleteTag(ctx context.Context, tag string, d oci.Digest) (removed bool, err error)
}

// TagScanner is a repository that may know that its registry reads every tag of it for each deletion by digest.
type TagScanner interface {
	// ScansTags reports whether that is known by what the registry has answered so far. It sends nothing.
	ScansTags() bool
}

// TagPointer is a repository whose tags can be pointed at a placeholder, an image of nothing. The deletion of the
// placeholder takes them along, without the image that they pointed at before.
type TagPointer interface {
	// PushPlaceholder pushes what a placeholder needs that no other run has, and returns its digest.
	PushPlaceholder(ctx context.Context) (oci.Digest, error)
	// PointTag points a tag that points at d to the placeholder, as carefully as [TagDeleter].DeleteTag removes one.
	PointTag(ctx context.Context, tag string, d oci.Digest) (removed bool, err error)
}

// TagRestorer is a repository in which a removed tag can be put back.
type TagRestorer interface {
	// RestoreTag points a tag that points at nothing to a manifest that is there, and reports whether it did: it looks right
	// before, and leaves a tag alone that somebody has pushed meanwhile.
	RestoreTag(ctx context.Context, tag string, d oci.Digest) (restored bool, err error)
}

// Verifier is a repository that can be asked whether images are whole.
type Verifier interface {
	// Missing returns what images need and the registry does not have: their manifests, configs and layers, each once, in
	// the order of the images. The children of an index have to be among the images, as they are in a snapshot.
	Missing(ctx context.Context, images []oci.Image) ([]oci.Digest, error)
}

// Cache is a repository that remembers what it has read, see [Options].Store.
type Cache interface {
	// Forget drops manifests and tags that are not there any more from what is remembered.
	Forget(digests map[oci.Digest]bool, tags map[string]bool)
}

// ReferrerLister is a repository whose registry may list what is attached to a manifest, tagged or not (OCI
// distribution-spec v1.1, "Listing Referrers").
type ReferrerLister interface {
	// WithReferrers returns a snapshot with what is attached to some of its manifests, and what that lists, added. Nothing is
	// added where the registry is known, or found, not to list it, and where its own list has everything. An error says that the attachments are not known.
	WithReferrers(ctx context.Context, s oci.Snapshot, of []oci.Digest) (oci.Snapshot, error)
}

// Pager is a registry whose repositories have pages for people.
type Pager interface {
	// Page is the address of a repository's page, which begins with https://; "" when it is not known for certain. Nothing is
	// sent: what an answer has to tell is known once the repository was read.
	Page(path string) string
}

// Traits say in what kinds of registries differ, as data, so that order, guards and messages need no kind's name. The
// zero value is CNCF distribution's.
type Traits struct {
	// Kind is the name of the kind, as --registry-kind has it.
	Kind string
	// Product is what a person calls it, such as "GitHub Container Registry".
	Product string
	// AttachmentsFirst says that what an attachment refers to cannot be deleted before the attachment.
	AttachmentsFirst bool
	// BatchSize is how many manifests one request deletes; 0 and 1 are one. Manifests of which none waits for another are
	// handed to [Repository].Delete together.
	BatchSize int
	// AtOnce is how many deletions are begun at a time at most; 0 is no bound. Where a limit of the service lets deletions
	// wait, a look at the repository is old before the last of many is sent.
	AtOnce int
	// ListsUntagged says that snapshots have the manifests without a tag too.
	ListsUntagged bool
	// PushTime says that snapshots have the time at which each image was pushed.
	PushTime bool
	// TagsStay says that a deletion by digest may leave tags in the list, so that it is looked for them after each.
	TagsStay bool
	// Frees says that the registry frees the space of what is deleted by itself.
	Frees bool
}

// Core is what every kind of registry that has the OCI API can do.
type Core interface {
	Repository
	Verifier
	Cache
	ReferrerLister
	Inspector
}

// Brancher is a registry that lists the repositories below a path.
type Brancher interface {
	// CatalogBelow lists the paths of all repositories whose path begins with the parent's segments, in natural order; a
	// repository with the parent's own path is among them. A registry that does not list them is [ErrNoCatalog].
	CatalogBelow(ctx context.Context, parent string) ([]string, error)
}

// Recognizer is a repository of a registry whose kind is told by its first answer only.
type Recognizer interface {
	// Recognized returns the repository of the right kind and its traits. The caller calls it after Snapshot and uses that
	// repository from then on.
	Recognized() (Repository, Traits)
}

// Greeting is a registry's first answer, as far as it tells the kind of the registry. The zero value says that the
// registry has not answered yet.
type Greeting struct {
	// Scheme, Realm, Service and Scope are those of its challenge, "" without one.
	Scheme, Realm, Service, Scope string
	// Header is the whole header; nil says that there was no answer.
	Header http.Header
}

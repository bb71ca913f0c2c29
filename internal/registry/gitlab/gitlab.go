// Package gitlab reads and deletes in GitLab's container registry. A registry with the metadata database has a list of its
// own, which says of 1000 tags at once what they point at and when they were pushed, and it refuses to delete what
// something refers to. One without the database is as CNCF distribution is.
package gitlab

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Open returns the registry with the host, as it stands in references. It sends nothing yet. traits are those of a
// registry with the metadata database. It returns no error.
func Open(client *wire.Client, host string, o registry.Options, traits registry.Traits) (registry.Registry, error) {
	g := &gitlab{Registry: distribution.On(client, host, o, traits), client: client, host: host, getenv: o.Getenv}
	client.Tokens(g.protected.learn)
	return g, nil
}

// gitlab is a registry of which the first list tells whether it has the database.
type gitlab struct {
	*distribution.Registry
	client    *wire.Client
	host      string              // as it stands in references
	getenv    func(string) string // of a job
	files     atomic.Bool         // it has no database
	protected protected
}

// Traits are those of a registry with the database, unless a list has shown that the registry does not have one.
func (g *gitlab) Traits() registry.Traits {
	t := g.Registry.Traits()
	if g.files.Load() { // everything is in files, and the administrator collects garbage
		t.PushTime, t.AttachmentsFirst, t.Frees = false, false, false
	}
	return t
}

// Repository returns the repository with the path; nothing is sent.
func (g *gitlab) Repository(path string) registry.Repository {
	r := &repository{registry: g, path: path, plain: g.Registry.Repository(path).(registry.Core)}
	r.listed = g.Listed(path, r.list)
	r.listed.Final(isReferenced)
	return r
}

// repository is read by GitLab's own list, or over the OCI API if the registry does not have that list. It has only the
// abilities of the core. With the database, the registry may still refuse to delete a manifest that has lost its tags, and
// does not list it any more.
type repository struct {
	registry *gitlab
	path     string
	listed   *distribution.Repository
	plain    registry.Core
	deletes  atomic.Bool // the registry has accepted a deletion of this login
}

// core is how the repository is read.
func (r *repository) core() registry.Core {
	if r.registry.files.Load() {
		return r.plain
	}
	return r.listed
}

// Snapshot reads everything known of the repository. The list tells here whether there is one.
func (r *repository) Snapshot(ctx context.Context, q registry.Query) (oci.Snapshot, error) {
	s, err := r.core().Snapshot(ctx, q)
	if errors.Is(err, errNoDatabase) {
		r.registry.files.Store(true)
		s, err = r.plain.Snapshot(ctx, q)
	}
	return s, err
}

// Recognized returns the repository as the first list has told that it is.
func (r *repository) Recognized() (registry.Repository, registry.Traits) {
	traits := r.registry.Traits()
	if r.registry.files.Load() {
		return r.plain, traits
	}
	if r.byTag() { // a tag is removed whatever refers to its manifest
		traits.AttachmentsFirst = false
	}
	return r, traits
}

// Refresh looks at the repository again.
func (r *repository) Refresh(ctx context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error) {
	return r.core().Refresh(ctx, before, known)
}

// Missing returns what images need and the registry does not have.
func (r *repository) Missing(ctx context.Context, images []oci.Image) ([]oci.Digest, error) {
	return r.core().Missing(ctx, images)
}

// Forget drops from what is remembered.
func (r *repository) Forget(digests map[oci.Digest]bool, tags map[string]bool) {
	r.core().Forget(digests, tags)
}

// Package acr reads and deletes in Azure Container Registry. Manifests are listed by the registry's own API below /acr/v1
// (https://github.com/Azure/acr-cli/blob/main/acr/models.go), which is at the registry's host, and deleted over the OCI API
// with all their tags.
package acr

import (
	"context"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Registry is one Azure Container Registry. It implements [registry.Registry].
type Registry struct {
	client *wire.Client
	oci    *distribution.Registry
}

// Open returns the registry with the host, as it stands in references. It sends nothing yet, and there is no error.
func Open(client *wire.Client, host string, o registry.Options, traits registry.Traits) (registry.Registry, error) {
	return &Registry{client, distribution.On(client, host, o, traits)}, nil
}

// Traits are those that the registry was opened with.
func (r *Registry) Traits() registry.Traits { return r.oci.Traits() }

// Ping asks once whether the registry serves.
func (r *Registry) Ping(ctx context.Context) error { return r.oci.Ping(ctx) }

// Catalog lists the paths of all repositories, as far as the login may list them.
func (r *Registry) Catalog(ctx context.Context) ([]string, error) {
	paths, err := r.oci.Catalog(ctx)
	return paths, advise(err)
}

// Repository returns the repository with the path; nothing is sent.
func (r *Registry) Repository(path string) registry.Repository {
	out := &repository{registry: r, path: path}
	out.oci = r.oci.Listed(path, out.entries)
	out.Core = out.oci
	return out
}

// repository is one repository. The OCI API does not remove tags there.
type repository struct {
	registry.Core // hides what else oci can do
	oci           *distribution.Repository
	registry      *Registry
	path          string
}

// Snapshot reads everything known of the repository.
func (r *repository) Snapshot(ctx context.Context, q registry.Query) (oci.Snapshot, error) {
	s, err := r.Core.Snapshot(ctx, q)
	return s, advise(err)
}

// Refresh looks at the repository again.
func (r *repository) Refresh(ctx context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error) {
	s, err := r.Core.Refresh(ctx, before, known)
	return s, advise(err)
}

// Delete deletes manifests with all their tags and returns one result for each. A lock, of the manifest or of one of its
// tags, is [registry.ErrRetained]: the answer to the deletion decides, because lists of locks lag behind
// (https://github.com/Azure/acr/issues/495).
func (r *repository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := r.Core.Delete(ctx, level)
	for i := range out {
		out[i].Err = advise(out[i].Err)
	}
	return out
}

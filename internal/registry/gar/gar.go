// Package gar reads and deletes in Google Artifact Registry, gcr.io included. Google adds to the list of tags what it has
// of every manifest (https://github.com/google/go-containerregistry/blob/main/pkg/v1/google/list.go), so that one request
// lists a repository. Deletion goes over the OCI API, and over Google's own API where a manifest is held by an index that
// the OCI API does not have.
package gar

import (
	"context"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Registry is a host of Google Artifact Registry. It implements [registry.Registry].
type Registry struct {
	client *wire.Client
	oci    *distribution.Registry
	host   string
	api    *api // nil where the host does not tell the location
	pause  time.Duration
}

// Open returns the registry with the host, as it stands in references. It sends nothing yet. An error is about
// certificates.
func Open(client *wire.Client, host string, o registry.Options, traits registry.Traits) (registry.Registry, error) {
	a, err := newAPI(client, host, o)
	if err != nil {
		return nil, err
	}
	return &Registry{client, distribution.On(client, host, o, traits), host, a, o.WithDefaults().RetryBase}, nil
}

// Traits are those that the registry was opened with.
func (r *Registry) Traits() registry.Traits { return r.oci.Traits() }

// Ping asks once whether the registry serves.
func (r *Registry) Ping(ctx context.Context) error { return r.oci.Ping(ctx) }

// Catalog lists the paths of all repositories, as far as Google lists them to this login.
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

// repository is one repository. Its tags are not removed one by one: where tags are immutable, none can be put back.
type repository struct {
	registry.Core // hides what else oci can do
	oci           *distribution.Repository
	registry      *Registry
	path          string
}

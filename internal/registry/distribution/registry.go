// Package distribution reads and deletes over the OCI distribution API: CNCF distribution 2.x and 3.x, and every registry
// that is not known better. Quirks stand where they matter, with their evidence.
package distribution

import (
	"context"
	"errors"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Registry is a registry with the OCI distribution API. It implements [registry.Registry].
type Registry struct {
	client *wire.Client
	host   string
	store  registry.Store
}

// Open returns the registry with the host, as it stands in references. It sends nothing yet.
func Open(host string, o registry.Options) (*Registry, error) {
	client, err := wire.New(host, o)
	if err != nil {
		return nil, err
	}
	return &Registry{client, host, o.Store}, nil
}

// Traits are the zero value: other kinds are described by what differs from this one.
func (*Registry) Traits() registry.Traits { return registry.Traits{Kind: "distribution"} }

// Ping asks once whether the registry serves: 200, or 401 where it wants a login (OCI distribution-spec v1.1,
// "Determining Support").
func (r *Registry) Ping(ctx context.Context) error {
	_, err := r.client.Try(ctx, wire.Call{Method: http.MethodGet, URL: "/v2/", Limit: wire.MaxErrorBody})
	if errors.Is(err, registry.ErrUnauthorized) {
		return nil
	}
	return err
}

// Repository is one repository of a registry. It has every ability that the port knows.
type Repository struct {
	client      *wire.Client
	name        oci.Repository
	store       registry.Store
	placeholder []byte // the manifest that PointTag points tags at
}

// Repository returns the repository with the path, a [*Repository]; nothing is sent.
func (r *Registry) Repository(path string) registry.Repository {
	return &Repository{client: r.client, name: oci.Repository{Host: r.host, Path: path}, store: r.store}
}

// incomplete marks what was read and is not understood.
func incomplete(err error) error { return registry.Mark(err, registry.ErrIncomplete) }

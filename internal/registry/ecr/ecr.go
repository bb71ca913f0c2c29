// Package ecr reads and deletes in Amazon's Elastic Container Registry. With AWS credentials it uses ECR's own API, which
// lists 1000 images at once with their push times, those without a tag among them, and deletes 100 with one request. The
// docker login alone cannot sign that API, and gives the OCI API. Images are always deleted by digest: in Amazon ECR the
// removal of the last tag deletes the image.
package ecr

import (
	"context"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Open returns the registry with the host, as it stands in references. It sends nothing yet. traits are those with AWS
// credentials; without them, and for the public registry, the registry lists less. An error is about the host, about
// variables of the environment that do not fit together, and about certificates.
func Open(client *wire.Client, host string, o registry.Options, traits registry.Traits) (registry.Registry, error) {
	o = o.WithDefaults()
	if strings.EqualFold(host, publicHost) {
		traits.Product += " Public"
		return newPlain(client, host, o, traits), nil
	}
	p, s, err := credentials(host, o)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return newPlain(client, host, o, traits), nil
	}
	a, err := newAPI(p, s, o)
	if err != nil {
		return nil, err
	}
	l := &login{api: a, host: host}
	o.Credentials.Fallback = l.after(o.Credentials.Fallback)
	if l.client, err = wire.New(host, o); err != nil {
		return nil, err
	}
	return &signed{distribution.On(l.client, host, o, traits), a, l}, nil
}

// credentials returns where the API is and where the keys for it come from; nil where the environment names none.
func credentials(host string, o registry.Options) (place, *source, error) {
	p, err := placeOf(host, o.Getenv)
	if err != nil {
		return place{}, nil, err
	}
	s, err := sourceOf(p, o)
	return p, s, err
}

// signed is a registry whose API is called with AWS credentials.
type signed struct {
	*distribution.Registry
	api   *api
	login *login
}

// Repository returns the repository with the path; nothing is sent.
func (r *signed) Repository(path string) registry.Repository {
	out := &repository{registry: r, path: path}
	out.Core = r.Listed(path, out.list)
	return out
}

// repository is one that is read by ECR's own list. It has the abilities of the core alone.
type repository struct {
	registry.Core
	registry *signed
	path     string
}

// Snapshot reads everything known of the repository.
func (r *repository) Snapshot(ctx context.Context, q registry.Query) (oci.Snapshot, error) {
	s, err := r.Core.Snapshot(ctx, q)
	return s, explainRead(err)
}

// Refresh looks at the repository again.
func (r *repository) Refresh(ctx context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error) {
	s, err := r.Core.Refresh(ctx, before, known)
	return s, explainRead(err)
}

// Package dockerhub reads and deletes on Docker Hub. Tags are listed and removed by the API of hub.docker.com
// (https://docs.docker.com/reference/api/hub/latest/), manifests are read and deleted over the OCI API
// (https://docs.docker.com/reference/api/registry/latest/). The docker login is the login of both.
package dockerhub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Registry is Docker Hub. It implements [registry.Registry].
type Registry struct {
	client *wire.Client
	oci    *distribution.Registry
	api    *api
	// viaRegistry says that the API has refused to remove a tag that the registry then removed.
	viaRegistry atomic.Bool
	// deletes says that the registry has deleted a manifest for this login.
	deletes atomic.Bool
}

// Open returns Docker Hub. It sends nothing yet. An error says that the host is not one of Docker Hub's, or is about
// certificates.
func Open(client *wire.Client, host string, o registry.Options, traits registry.Traits) (registry.Registry, error) {
	apiHost, err := apiOf(host)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(client, host, apiHost, o)
	if err != nil {
		return nil, err
	}
	return &Registry{client: client, oci: distribution.On(client, host, o, traits), api: a}, nil
}

// apiOf returns the host of the API. The login goes to no other host: one that only calls itself Docker Hub gets no
// login for hub.docker.com, and hub.docker.com gets no login of another registry. On this machine a server has both.
func apiOf(host string) (string, error) {
	switch name := strings.ToLower(host); {
	case name == "docker.io", name == "index.docker.io", name == "registry-1.docker.io":
		return "hub.docker.com", nil
	case wire.Loopback(name):
		return host, nil
	}
	return "", registry.Advise(fmt.Errorf("%s is not Docker Hub", host), nil, "--registry-kind dockerhub is for docker.io alone; leave the flag out")
}

// Traits are those that the registry was opened with.
func (r *Registry) Traits() registry.Traits { return r.oci.Traits() }

// Ping asks once whether the registry serves.
func (r *Registry) Ping(ctx context.Context) error { return r.oci.Ping(ctx) }

// Catalog is always [registry.ErrNoCatalog].
func (r *Registry) Catalog(context.Context) ([]string, error) {
	return nil, registry.Advise(errors.New("no list has all repositories of Docker Hub"), registry.ErrNoCatalog, "name the repositories one by one")
}

// Repository returns the repository with the path, NAMESPACE/NAME; nothing is sent.
func (r *Registry) Repository(path string) registry.Repository {
	out := &repository{registry: r, path: path}
	out.oci = r.oci.Listed(path, out.entries)
	out.Core = out.oci
	return out
}

// repository is one repository. Its tags are not removed one by one: a removed tag cannot be put back without a push.
type repository struct {
	registry.Core // hides what else oci can do
	oci           *distribution.Repository
	registry      *Registry
	path          string
}

// Snapshot reads everything known of the repository. Reading a manifest counts as a pull; its date needs that, and
// where no date is needed the list says nearly everything.
func (r *repository) Snapshot(ctx context.Context, q registry.Query) (oci.Snapshot, error) {
	s, err := r.Core.Snapshot(context.WithValue(ctx, verifyKey{}, true), q)
	return s, pullLimit(err)
}

// Refresh looks at the repository again.
func (r *repository) Refresh(ctx context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error) {
	s, err := r.Core.Refresh(ctx, before, known)
	return s, pullLimit(err)
}

// Package ghcr reads and deletes in GitHub's container registry, of github.com, of GitHub Enterprise Server and of
// GitHub with data residency. Versions are listed and deleted by the Packages API with the password of the docker login
// as its token (https://docs.github.com/rest/packages/packages); manifests are read over the OCI API, which deletes
// nothing there.
package ghcr

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Registry is a container registry of a GitHub. It implements [registry.Registry].
type Registry struct {
	oci *distribution.Registry
	api *api
}

// Open returns the registry with the host, as it stands in references. It sends nothing yet. An error says that the
// host does not tell where the Packages API is, or is about certificates.
func Open(client *wire.Client, host string, o registry.Options, traits registry.Traits) (registry.Registry, error) {
	base, err := apiOf(host, o.Getenv)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(client, host, base, o)
	if err != nil {
		return nil, err
	}
	return &Registry{distribution.On(client, host, o, traits), a}, nil
}

// Traits are those that the registry was opened with.
func (r *Registry) Traits() registry.Traits { return r.oci.Traits() }

// Ping asks once whether the registry serves.
func (r *Registry) Ping(ctx context.Context) error { return r.oci.Ping(ctx) }

// Catalog is always [registry.ErrNoCatalog]: GitHub lists packages by their owner, and to a workflow's token not at all.
func (r *Registry) Catalog(context.Context) ([]string, error) {
	return nil, &problem{errors.New("GitHub does not list the repositories of its container registry"), registry.ErrNoCatalog, "name the repositories one by one"}
}

// Repository returns the repository with the path; nothing is sent.
func (r *Registry) Repository(path string) registry.Repository {
	p := newPackage(r.api, path)
	return &repository{Core: r.oci.Listed(path, p.entries), pkg: p}
}

// repository is one package. It has no ability to remove tags: GitHub knows versions alone.
type repository struct {
	registry.Core
	pkg *pkg
}

// apiOf returns the address of the API, without a slash at its end. GITHUB_API_URL is believed only where its host
// belongs to the registry's: the login is sent there.
func apiOf(host string, getenv func(string) string) (*url.URL, error) {
	name := strings.ToLower(host)
	server, isServer := strings.CutPrefix(name, "containers.")
	var derived *url.URL
	switch {
	case name == "ghcr.io":
		derived = &url.URL{Scheme: "https", Host: "api.github.com"}
	case isServer && strings.HasSuffix(server, ".ghe.com"):
		derived = &url.URL{Scheme: "https", Host: "api." + server}
	case isServer:
		derived = &url.URL{Scheme: "https", Host: server, Path: "/api/v3"}
	}
	given, err := url.Parse(strings.TrimSuffix(getenv("GITHUB_API_URL"), "/"))
	if err == nil && given.User == nil && given.RawQuery == "" && belongs(given, derived, name) {
		return given, nil
	}
	if derived == nil {
		return nil, &problem{
			fmt.Errorf("it is not known where the Packages API of %s is", host), nil,
			"--registry-kind ghcr is for ghcr.io and for the registry of a GitHub Enterprise Server, containers.HOST; set GITHUB_API_URL if the registry has the API at its own host",
		}
	}
	return derived, nil
}

// belongs reports whether an address of the API may be given the registry's login: it is at the host that the registry's
// name implies, or at the registry's own. Servers on this machine are told apart by their ports, which tests choose.
func belongs(given, derived *url.URL, host string) bool {
	at := strings.ToLower(given.Host)
	switch {
	case at == "":
		return false
	case wire.Loopback(host) && wire.Loopback(at):
		return given.Scheme == "http" || given.Scheme == "https"
	case given.Scheme != "https":
		return false
	}
	return at == host || derived != nil && at == derived.Host
}

package dockerhub_test

import (
	"net/http"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

const path = "acme/app"

// login is a login that docker's configuration has for Docker Hub's registry.
func login(user, secret string) registry.Credentials {
	return registry.Credentials{Explicit: func(host string) (registry.Login, bool) {
		return registry.Login{Username: user, Password: registry.Secret(secret)}, secret != "" && (host == "registry-1.docker.io" || host == "docker.io")
	}}
}

// newStand starts a fake. The client logs in with the first of its tokens.
func newStand(t *testing.T, o vendors.DockerHubOptions) (kindtest.Stand, *vendors.DockerHub) {
	t.Helper()
	user, secret := "acme", vendors.HubAll
	if len(o.Tokens) > 0 {
		user, secret = o.Tokens[0].User, o.Tokens[0].Secret
	}
	f := vendors.NewDockerHub(t, o)
	return kindtest.Stand{
		Fake: f, Host: "docker.io", Path: path, Open: kinds.Open, Options: registry.Options{Credentials: login(user, secret)},
	}, f
}

func TestConformance(t *testing.T) {
	t.Parallel()
	kindtest.Conformance(t, func(t *testing.T) kindtest.Stand {
		s, _ := newStand(t, vendors.DockerHubOptions{Immutable: []string{"b2-release"}})
		s.Protect = func(_ *testing.T, d oci.Digest) { s.Fake.(*vendors.DockerHub).SetTag(path, "b2-release", d) }
		return s
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	kindtest.Faults(t, func(t *testing.T) kindtest.Stand {
		s, _ := newStand(t, vendors.DockerHubOptions{})
		return s
	}, kindtest.Paths{
		List:   registrytest.Fault{Method: http.MethodGet, Path: "/v2/namespaces/*/tags"},
		Delete: registrytest.Fault{Method: http.MethodDelete, Path: "/v2/acme/app/manifests/*"},
	})
}

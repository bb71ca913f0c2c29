package harbor_test

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

const (
	host = "harbor.example"
	path = "acme/team/app"
)

// robot may do what a prune needs; plain lacks the right to list artifacts, and reader the right to delete.
var (
	robot  = vendors.Login{User: "robot$acme+prune", Password: "r0b0t-s3cret", Actions: []string{"pull", "delete", "list"}, Under: "acme"}
	plain  = vendors.Login{User: "robot$acme+plain", Password: "pl41n-s3cret", Actions: []string{"pull", "delete"}, Under: "acme"}
	reader = vendors.Login{User: "robot$acme+read", Password: "r34d-s3cret", Actions: []string{"pull", "list"}, Under: "acme"}
	logins = []vendors.Login{robot, plain, reader}
)

// login is what docker login has written down for the registry's host alone.
func login(l vendors.Login, at string) registry.Credentials {
	return registry.Credentials{Explicit: func(h string) (registry.Login, bool) {
		return registry.Login{Username: l.User, Password: registry.Secret(l.Password)}, h == at
	}}
}

// standOf is a stand on a host that does not tell the kind.
func standOf(f *vendors.Harbor, l vendors.Login) kindtest.Stand {
	return kindtest.Stand{Fake: f, Host: host, Path: path, Open: kinds.Open, Options: registry.Options{Credentials: login(l, host)}}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) kindtest.Stand{
		"found out": func(t *testing.T) kindtest.Stand {
			immutable := []string{"never"}
			f := vendors.NewHarbor(t, vendors.HarborOptions{Logins: logins, Immutable: immutable})
			s := standOf(f, robot)
			s.Protect = func(_ *testing.T, d oci.Digest) {
				for tag, at := range f.Tags(path) {
					if at == d {
						immutable[0] = tag
					}
				}
			}
			return s
		},
		"by name": func(t *testing.T) kindtest.Stand {
			s := standOf(vendors.NewHarbor(t, vendors.HarborOptions{Logins: logins}), robot)
			s.Options.Kind = "harbor"
			return s
		},
		"on loopback": func(t *testing.T) kindtest.Stand {
			f := vendors.NewHarbor(t, vendors.HarborOptions{Logins: logins})
			s := standOf(f, robot)
			s.Host, s.Options.Credentials, s.Options.PlainHTTP = f.Host(), login(robot, f.Host()), true
			return s
		},
		"public": func(t *testing.T) kindtest.Stand {
			f := vendors.NewHarbor(t, vendors.HarborOptions{})
			s := standOf(f, vendors.Login{})
			s.Options.Kind = "harbor"
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kindtest.Conformance(t, start)
			kindtest.Referrers(t, start)
			kindtest.ExtendedReferrers(t, start)
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) kindtest.Stand {
		return standOf(vendors.NewHarbor(t, vendors.HarborOptions{Logins: logins}), robot)
	}
	kindtest.Faults(t, start, kindtest.Paths{
		List:   registrytest.Fault{Method: http.MethodGet, Path: "*app/*t*"}, // Harbor's list, and those of the OCI API
		Delete: registrytest.Fault{Method: http.MethodDelete, Path: "/v2/*"},
	})
}

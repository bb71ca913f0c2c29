package kinds_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

const path = "acme/app"

// prune is a login that may delete, and read one that may not. Quay has no action for deletion.
var (
	pruner     = vendors.Login{User: "ci", Password: "ci-s3cret", Actions: []string{"pull", "delete"}}
	quayPruner = vendors.Login{User: "acme+prune", Password: "r0b0t-s3cret", Actions: []string{"pull", "push"}}
	reader     = vendors.Login{User: "reader", Password: "r34d-s3cret", Actions: []string{"pull"}}
)

// login is what docker login has written down for the registry's host alone.
func login(l vendors.Login, at string) registry.Credentials {
	return registry.Credentials{Explicit: func(h string) (registry.Login, bool) {
		return registry.Login{Username: l.User, Password: registry.Secret(l.Password)}, h == at
	}}
}

// reachable is a fake of Quay with what a client can reach of it: its time machine has more.
type reachable struct{ *vendors.Quay }

// Manifests are those that a client can reach.
func (q reachable) Manifests(path string) (out []oci.Digest) {
	for _, s := range q.Images(path) {
		out = append(out, s.Digest)
	}
	return out
}

// standOf is a stand on a host.
func standOf(f kindtest.Fake, host string, l vendors.Login) kindtest.Stand {
	return kindtest.Stand{Fake: f, Host: host, Path: path, Open: kinds.Open, Options: registry.Options{Credentials: login(l, host)}}
}

func quay(t *testing.T, o vendors.QuayOptions) (*vendors.Quay, kindtest.Stand) {
	o.Logins = []vendors.Login{quayPruner, reader}
	f := vendors.NewQuay(t, o)
	return f, standOf(reachable{f}, "quay.io", quayPruner)
}

// TestConformance holds the kinds that have the OCI API alone to the table of kinds.
func TestConformance(t *testing.T) {
	t.Parallel()
	logins := []vendors.Login{pruner, reader}
	for name, start := range map[string]func(t *testing.T) kindtest.Stand{
		"quay": func(t *testing.T) kindtest.Stand {
			immutable := []string{"never"}
			f, s := quay(t, vendors.QuayOptions{HiddenLife: time.Nanosecond, Immutable: immutable})
			s.Protect = func(_ *testing.T, d oci.Digest) {
				for tag, at := range f.Tags(path) {
					if at == d {
						immutable[0] = tag
					}
				}
			}
			return s
		},
		"zot": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewZot(t, vendors.ZotOptions{Logins: logins}), "zot.example", pruner)
		},
		"gitea": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewGitea(t, vendors.GiteaOptions{Logins: logins}), "gitea.example", pruner)
		},
		"nexus": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewNexus(t, vendors.HeadersOptions{Logins: logins}), "registry.example", pruner)
		},
		"artifactory": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewArtifactory(t, vendors.HeadersOptions{Logins: logins}), "registry.example", pruner)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kindtest.Conformance(t, start)
		})
	}
}

// TestReferrers holds those that serve the referrers API to what becomes of attachments without a tag.
func TestReferrers(t *testing.T) {
	t.Parallel()
	logins := []vendors.Login{pruner, reader}
	for name, start := range map[string]func(t *testing.T) kindtest.Stand{
		"quay": func(t *testing.T) kindtest.Stand {
			_, s := quay(t, vendors.QuayOptions{HiddenLife: time.Nanosecond})
			return s
		},
		"zot": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewZot(t, vendors.ZotOptions{Logins: logins}), "zot.example", pruner)
		},
		"zot that is recognized": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewZot(t, vendors.ZotOptions{Logins: logins, Search: true}), "zot.example", pruner)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kindtest.Referrers(t, start)
		})
	}
}

// TestFaults holds them to the table of faults.
func TestFaults(t *testing.T) {
	t.Parallel()
	logins := []vendors.Login{pruner, reader}
	for name, start := range map[string]func(t *testing.T) kindtest.Stand{
		"quay": func(t *testing.T) kindtest.Stand {
			_, s := quay(t, vendors.QuayOptions{HiddenLife: time.Nanosecond})
			return s
		},
		"zot": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewZot(t, vendors.ZotOptions{Logins: logins, Search: true}), "zot.example", pruner)
		},
		"gitea": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewGitea(t, vendors.GiteaOptions{Logins: logins, TwoChallenges: true}), "gitea.example", pruner)
		},
		"artifactory": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewArtifactory(t, vendors.HeadersOptions{Logins: logins}), "registry.example", pruner)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kindtest.Faults(t, start, kindtest.Paths{
				List:   registrytest.Fault{Method: http.MethodGet, Path: "/v2/*/tags/list"},
				Delete: registrytest.Fault{Method: http.MethodDelete, Path: "/v2/*"},
			})
		})
	}
}

// openLocal opens a registry on this machine.
func openLocal(host string) (registry.Registry, error) {
	return kinds.Open(host, registry.Options{PlainHTTP: true})
}

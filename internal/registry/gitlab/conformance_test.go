package gitlab_test

import (
	"net/http"
	"testing"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

const path = "acme/app"

// job is the login of a CI job of the project.
var job = vendors.JobToken("acme/app", "j0b-t0ken")

// login is what docker login has written down for the registry's host alone.
func login(l vendors.Login, hosts ...string) registry.Credentials {
	return registry.Credentials{Explicit: func(host string) (registry.Login, bool) {
		for _, h := range hosts {
			if h == host {
				return registry.Login{Username: l.User, Password: registry.Secret(l.Password)}, true
			}
		}
		return registry.Login{}, false
	}}
}

// standOf is a stand on the registry's real host.
func standOf(f *vendors.GitLab, l vendors.Login) kindtest.Stand {
	const host = "registry.gitlab.com"
	return kindtest.Stand{Fake: f, Host: host, Path: path, Open: kinds.Open, Options: registry.Options{Credentials: login(l, host)}}
}

// ownHost is a stand on a host that does not tell the kind.
func ownHost(f *vendors.GitLab, l vendors.Login) kindtest.Stand {
	s := standOf(f, l)
	s.Host, s.Options.Credentials, s.Options.PlainHTTP = f.Host(), login(l, f.Host()), true
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	logins := []vendors.Login{job}
	for name, start := range map[string]func(t *testing.T) kindtest.Stand{
		"gitlab.com": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewGitLab(t, vendors.GitLabOptions{Logins: logins}), job)
		},
		"a host of one's own": func(t *testing.T) kindtest.Stand {
			return ownHost(vendors.NewGitLab(t, vendors.GitLabOptions{Logins: logins, NoPublished: true}), job)
		},
		"without the database": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewGitLab(t, vendors.GitLabOptions{Logins: logins, NoDatabase: true}), job)
		},
		"without the database, found out": func(t *testing.T) kindtest.Stand {
			return ownHost(vendors.NewGitLab(t, vendors.GitLabOptions{Logins: logins, NoDatabase: true}), job)
		},
		"public, without a login": func(t *testing.T) kindtest.Stand {
			return standOf(vendors.NewGitLab(t, vendors.GitLabOptions{}), vendors.Login{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kindtest.Conformance(t, start)
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) kindtest.Stand {
		return standOf(vendors.NewGitLab(t, vendors.GitLabOptions{Logins: []vendors.Login{job}}), job)
	}
	kindtest.Faults(t, start, kindtest.Paths{
		List:   registrytest.Fault{Method: http.MethodGet, Path: "*tags/list*"}, // both lists
		Delete: registrytest.Fault{Method: http.MethodDelete, Path: "/v2/*"},
	})
}

package ecr_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// environ is an environment.
type environ map[string]string

func (e environ) get(name string) string { return e[name] }

// userKeys is an environment with the keys of a user.
func userKeys(f *vendors.ECR) environ { return inEnvironment(f.UserKeys()) }

func inEnvironment(k vendors.AWSKeys) environ {
	return environ{"AWS_ACCESS_KEY_ID": k.AccessKeyID, "AWS_SECRET_ACCESS_KEY": k.SecretAccessKey, "AWS_SESSION_TOKEN": k.SessionToken}
}

// dockerLogin is what docker login has written down for the registry's host alone.
func dockerLogin(f *vendors.ECR) registry.Credentials {
	password := f.Password()
	return registry.Credentials{Explicit: func(host string) (registry.Login, bool) {
		return registry.Login{Username: "AWS", Password: registry.Secret(password)}, host == f.RegistryHost() || host == f.Host()
	}}
}

// standOf is a stand on the registry's real host.
func standOf(f *vendors.ECR, env environ, login registry.Credentials) kindtest.Stand {
	return kindtest.Stand{
		Fake: f, Host: f.RegistryHost(), Path: "team/app", Open: kinds.Open,
		Options: registry.Options{Getenv: env.get, Credentials: login},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) kindtest.Stand{
		"keys and docker login": func(t *testing.T) kindtest.Stand {
			f := vendors.NewECR(t, vendors.ECROptions{})
			return standOf(f, userKeys(f), dockerLogin(f))
		},
		"keys alone": func(t *testing.T) kindtest.Stand {
			f := vendors.NewECR(t, vendors.ECROptions{EmptyFirstPage: true, SettlesInCall: true})
			s := standOf(f, inEnvironment(f.SessionKeys()), registry.Credentials{})
			s.Protect = func(_ *testing.T, d oci.Digest) { f.SetStatus(d, "ARCHIVED") }
			return s
		},
		"web identity in China": func(t *testing.T) kindtest.Stand {
			f := vendors.NewECR(t, vendors.ECROptions{Region: "cn-north-1", ImmutableTags: true})
			return standOf(f, webIdentity(t, f), registry.Credentials{})
		},
		"container": func(t *testing.T) kindtest.Stand {
			f := vendors.NewECR(t, vendors.ECROptions{})
			return standOf(f, containerKeys(f), registry.Credentials{})
		},
		"loopback": func(t *testing.T) kindtest.Stand {
			f := vendors.NewECR(t, vendors.ECROptions{})
			env := userKeys(f)
			env["AWS_REGION"] = "eu-west-1"
			s := standOf(f, env, registry.Credentials{})
			s.Host, s.Options.Kind, s.Options.PlainHTTP = f.Host(), "ecr", true
			return s
		},
		"docker login alone": func(t *testing.T) kindtest.Stand {
			f := vendors.NewECR(t, vendors.ECROptions{})
			return standOf(f, nil, dockerLogin(f))
		},
		"public": func(t *testing.T) kindtest.Stand {
			f := vendors.NewECR(t, vendors.ECROptions{Alias: "acme"})
			s := standOf(f, userKeys(f), dockerLogin(f))
			s.Path = "acme/app"
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kindtest.Conformance(t, start)
			if name != "public" { // it has no referrers API
				kindtest.Referrers(t, start)
			}
			if name != "public" && name != "docker login alone" { // they list no manifests without a tag
				kindtest.ExtendedReferrers(t, start)
			}
		})
	}
}

// webIdentity is an environment with a token for a role.
func webIdentity(t *testing.T, f *vendors.ECR) environ {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(f.WebIdentity()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return environ{"AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": f.RoleARN()}
}

// containerKeys is the environment of a pod.
func containerKeys(f *vendors.ECR) environ {
	return environ{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": f.URL() + f.ContainerPath(), "AWS_CONTAINER_AUTHORIZATION_TOKEN": f.ContainerToken(),
	}
}

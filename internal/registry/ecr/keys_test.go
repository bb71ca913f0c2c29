package ecr_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

// testClock is a clock that the test moves.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Keys that end while the run goes on are renewed where their source has new ones.
func TestRenewal(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(t *testing.T, f *vendors.ECR) environ{
		"web identity": webIdentity,
		"container":    func(_ *testing.T, f *vendors.ECR) environ { return containerKeys(f) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &testClock{at: time.Now()}
			f := vendors.NewECR(t, vendors.ECROptions{Now: clock.now})
			s := standOf(f, env(t, f), dockerLogin(f))
			s.Options.Now = clock.now
			b := kindtest.NewBench(t, s)
			for n := range 3 {
				b.Aged(fmt.Sprint("b", n), 9-n)
			}
			run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) {
				clock.move(59 * time.Minute) // soon over: renewed in advance
				f.AddFault(registrytest.Fault{Method: "POST", Path: "/", After: 2, Before: f.ExpireKeys})
			})
			b.Settled(run, keepOne)
			if run.Statuses()[prune.Deleted] != 2 {
				t.Errorf("got %+v", run.Result.Outcomes)
			}
			if n := f.Count("GET", f.ContainerPath()); name == "container" && n != 4 { // at first, in advance, after the refusal, in the second run
				t.Errorf("keys were asked for %d times", n)
			}
		})
	}
}

// What is wrong with credentials is said in one line, with what helps, and nothing is deleted. No secret is in it.
func TestBadCredentials(t *testing.T) {
	t.Parallel()
	missing := func(t *testing.T) string { return filepath.Join(t.TempDir(), "missing") }
	for name, tc := range map[string]struct {
		options vendors.ECROptions
		env     func(t *testing.T, f *vendors.ECR) environ
		kind    error
		text    string
		hint    string
	}{
		"half": {env: func(*testing.T, *vendors.ECR) environ { return environ{"AWS_ACCESS_KEY_ID": "AKIAHALF"} }, text: "AWS_SECRET_ACCESS_KEY is not", hint: "set both"},
		"other half": {
			env:  func(*testing.T, *vendors.ECR) environ { return environ{"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"} },
			text: "AWS_ACCESS_KEY_ID is not", hint: "set both",
		},
		"unknown": {
			env: func(*testing.T, *vendors.ECR) environ {
				return environ{"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}
			},
			kind: registry.ErrUnauthorized, text: "AWS does not know the access key", hint: "AWS_SESSION_TOKEN",
		},
		"without the session token": {
			env: func(_ *testing.T, f *vendors.ECR) environ {
				e := inEnvironment(f.SessionKeys())
				delete(e, "AWS_SESSION_TOKEN")
				return e
			},
			kind: registry.ErrUnauthorized, text: "AWS does not know the access key", hint: "AWS_SESSION_TOKEN",
		},
		"wrong secret": {
			env: func(_ *testing.T, f *vendors.ECR) environ {
				e := userKeys(f)
				e["AWS_SECRET_ACCESS_KEY"] = "wJalrXUtnFEMI"
				return e
			},
			kind: registry.ErrUnauthorized, text: "does not accept the signature", hint: "the clock",
		},
		"expired": {
			env: func(_ *testing.T, f *vendors.ECR) environ {
				e := inEnvironment(f.SessionKeys())
				f.ExpireKeys()
				return e
			},
			kind: registry.ErrUnauthorized, text: "the AWS credentials have expired", hint: "right before this step",
		},
		"may not list": {options: vendors.ECROptions{Deny: []string{"ecr:DescribeImages"}}, env: user, kind: registry.ErrForbidden, text: "AccessDeniedException", hint: "ecr:DescribeImages"},
		"may not log in": {
			options: vendors.ECROptions{Deny: []string{"ecr:GetAuthorizationToken"}}, env: user, kind: registry.ErrForbidden,
			text: "GetAuthorizationToken", hint: "docker login",
		},
		"may not read manifests": {options: vendors.ECROptions{Deny: []string{"ecr:BatchGetImage"}}, env: user, kind: registry.ErrForbidden, text: "403", hint: "ecr:BatchGetImage"},
		"no token file": {
			env: func(t *testing.T, f *vendors.ECR) environ {
				return environ{"AWS_WEB_IDENTITY_TOKEN_FILE": missing(t), "AWS_ROLE_ARN": f.RoleARN()}
			},
			text: "no such file", hint: "AWS_WEB_IDENTITY_TOKEN_FILE",
		},
		"another role": {
			env: func(t *testing.T, f *vendors.ECR) environ {
				e := webIdentity(t, f)
				e["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/admin"
				return e
			},
			kind: registry.ErrUnauthorized, text: "AccessDenied", hint: "sts:AssumeRoleWithWebIdentity",
		},
		"another token": {
			env: func(t *testing.T, f *vendors.ECR) environ {
				e := webIdentity(t, f)
				if err := os.WriteFile(e["AWS_WEB_IDENTITY_TOKEN_FILE"], []byte("wJalrXUtnFEMI"), 0o600); err != nil {
					t.Fatal(err)
				}
				return e
			},
			kind: registry.ErrUnauthorized, text: "InvalidIdentityToken", hint: "sts:AssumeRoleWithWebIdentity",
		},
		"container without its token": {
			env: func(_ *testing.T, f *vendors.ECR) environ {
				return environ{"AWS_CONTAINER_CREDENTIALS_FULL_URI": f.URL() + f.ContainerPath()}
			},
			kind: registry.ErrUnauthorized, text: "service account token is not valid", hint: "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		},
		"container without its token file": {
			env: func(t *testing.T, f *vendors.ECR) environ {
				e := containerKeys(f)
				e["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = missing(t)
				return e
			},
			text: "no such file", hint: "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		},
		"container at a foreign address": {
			env: func(_ *testing.T, f *vendors.ECR) environ {
				e := containerKeys(f)
				e["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://keys.example.com/v1/credentials"
				return e
			},
			text: "http://keys.example.com", hint: "https",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := vendors.NewECR(t, tc.options)
			env := tc.env(t, f)
			s := standOf(f, env, registry.Credentials{})
			f.Pusher(t, s.Path)
			b := kindtest.NewBench(t, s)
			b.Multi("b1", 3)
			b.Aged("b2", 1)
			err := sweepOrOpen(t, b)
			if err == nil || tc.kind != nil && !errors.Is(err, tc.kind) {
				t.Fatalf("got %v, want %v", err, tc.kind)
			}
			hint := hintOf(err)
			if !strings.Contains(err.Error(), tc.text) || !strings.Contains(hint, tc.hint) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q with the hint %q; want %q and %q", err, hint, tc.text, tc.hint)
			}
			for _, secret := range []string{env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"], env["AWS_CONTAINER_AUTHORIZATION_TOKEN"], f.WebIdentity(), "wJalrXUtnFEMI"} {
				if secret != "" && strings.Contains(err.Error()+hint, secret) {
					t.Errorf("a secret is in %q", err)
				}
			}
			if len(f.Deleted()) > 0 || len(f.Strays()) > 0 {
				t.Errorf("deleted %v, strays %v", f.Deleted(), f.Strays())
			}
		})
	}
}

func user(_ *testing.T, f *vendors.ECR) environ { return userKeys(f) }

// sweepOrOpen returns why the registry cannot be opened or the repository cannot be read.
func sweepOrOpen(t *testing.T, b *kindtest.Bench) error {
	t.Helper()
	o := b.Options
	o.Transport = b.Fake.Transport()
	if _, err := kinds.Open(b.Host, o); err != nil {
		return err
	}
	run := b.Sweep(keepOne)
	return errors.Join(run.Err, run.Result.Err)
}

// Secrets that an answer repeats are not in an error.
func TestSecretsInAnswers(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	k := f.SessionKeys()
	b := kindtest.NewBench(t, standOf(f, inEnvironment(k), dockerLogin(f)))
	b.Aged("b1", 1)
	f.AddFault(registrytest.Fault{Method: "POST", Path: "/", Status: 400, Body: `{"__type":"Odd","message":"` + k.SecretAccessKey + " " + k.SessionToken + `"}`})
	run := b.Sweep(keepOne)
	if run.Err == nil || strings.Contains(run.Err.Error(), k.SecretAccessKey) || strings.Contains(run.Err.Error(), k.SessionToken) || !strings.Contains(run.Err.Error(), "Odd: *** ***") {
		t.Errorf("got %v", run.Err)
	}
}

// A missing right to delete ends the run with the name of the right.
func TestMayNotDelete(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(*vendors.ECR) environ{"keys": userKeys, "docker login": func(*vendors.ECR) environ { return nil }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := vendors.NewECR(t, vendors.ECROptions{Deny: []string{"ecr:BatchDeleteImage"}})
			b := kindtest.NewBench(t, standOf(f, env(f), dockerLogin(f)))
			b.Aged("b1", 2)
			b.Aged("b2", 1)
			run := b.Sweep(keepOne)
			if err := run.Result.Err; !errors.Is(err, registry.ErrForbidden) || !strings.Contains(hintOf(err), "ecr:BatchDeleteImage") {
				t.Errorf("got %v with the hint %q", err, hintOf(err))
			}
			b.Books(run)
		})
	}
}

// Each host is sent the login that is for it, and none else.
func TestWhereLoginsGo(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	env := webIdentity(t, f)
	b := kindtest.NewBench(t, standOf(f, env, registry.Credentials{}))
	b.Multi("b1", 2)
	b.Aged("b2", 1)
	b.Settled(b.Sweep(keepOne), keepOne)
	sent := f.Sent()
	if hosts := slices.Sorted(maps.Keys(sent)); !slices.Equal(hosts, []string{f.RegistryHost(), f.APIHost()}) {
		t.Errorf("logins were sent to %q", hosts)
	}
	for host, values := range sent {
		for _, v := range values {
			if signed := strings.HasPrefix(v, "AWS4-HMAC-SHA256 Credential=ASIA"); signed != (host == f.APIHost()) || !signed && !strings.HasPrefix(v, "Basic ") {
				t.Errorf("%s was sent %.30q", host, v)
			}
		}
	}
}

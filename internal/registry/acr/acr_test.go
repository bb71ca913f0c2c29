package acr_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

const (
	path   = "team/app"
	nobody = "00000000-0000-0000-0000-000000000000"
)

var keepOne = retain.Policy{KeepLast: 1}

// acrBench is a repository with four images, b1 to b4, of which the newest one stays.
type acrBench struct {
	*kindtest.Bench
	fake   *vendors.ACR
	images []oci.Digest
}

func login(user, password string) registry.Credentials {
	return registry.Credentials{Explicit: func(host string) (registry.Login, bool) {
		return registry.Login{Username: user, Password: registry.Secret(password)}, user != "" && host == "acme.azurecr.io"
	}}
}

// newStand starts a fake. The client logs in as a service principal.
func newStand(t *testing.T, o vendors.ACROptions) (kindtest.Stand, *vendors.ACR) {
	t.Helper()
	f := vendors.NewACR(t, o)
	return kindtest.Stand{
		Fake: f, Host: f.RegistryHost(), Path: path, Open: kinds.Open, Options: registry.Options{Credentials: login(f.Login())},
		Protect: func(_ *testing.T, d oci.Digest) { f.Lock(path, d.String(), vendors.ACRLock{NoDelete: true}) },
	}, f
}

func newBench(t *testing.T, o vendors.ACROptions) *acrBench {
	t.Helper()
	s, f := newStand(t, o)
	b := &acrBench{Bench: kindtest.NewBench(t, s), fake: f}
	for n, tag := range []string{"b1", "b2", "b3", "b4"} {
		b.images = append(b.images, b.Aged(tag, 9-n))
	}
	return b
}

func (b *acrBench) settled() {
	b.T.Helper()
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There(b.images[3:], b.images[:3])
}

// hintOf returns the hint of an error, "" without one.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// wants holds an error to a kind, a text and a hint, and to one line.
func wants(t *testing.T, err, kind error, text, hint string) {
	t.Helper()
	if err == nil || kind != nil && !errors.Is(err, kind) || !strings.Contains(err.Error(), text) || !strings.Contains(hintOf(err), hint) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v with the hint %q; want %v, %q, %q", err, hintOf(err), kind, text, hint)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]vendors.ACROptions{
		"referrers go with their subject": {}, "referrers stay": {KeepsReferrers: true}, "permissions by repository": {ABAC: true}, "soft deletion": {SoftDelete: true},
		"locks that are not listed": {StaleLocks: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := func(t *testing.T) kindtest.Stand {
				s, _ := newStand(t, o)
				return s
			}
			kindtest.Conformance(t, start)
			kindtest.Referrers(t, start)
			kindtest.ExtendedReferrers(t, start)
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	kindtest.Faults(t, func(t *testing.T) kindtest.Stand {
		s, _ := newStand(t, vendors.ACROptions{})
		return s
	}, kindtest.Paths{
		List:   registrytest.Fault{Method: http.MethodGet, Path: "/acr/v1/*/_manifests"},
		Delete: registrytest.Fault{Method: http.MethodDelete, Path: "/v2/team/app/manifests/*"},
	})
}

// config is docker's configuration with the identity token that az acr login stores, or with it as a password.
func config(t *testing.T, host, token string, identity bool) string {
	t.Helper()
	login := fmt.Sprintf(`{"auth":%q,"identitytoken":%q}`, base64.StdEncoding.EncodeToString([]byte(nobody+":")), token)
	if !identity {
		login = fmt.Sprintf(`{"auth":%q}`, base64.StdEncoding.EncodeToString([]byte(nobody+":"+token)))
	}
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(`{"auths":{%q:%s}}`, host, login)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The logins that Azure's own tools leave work, for both kinds of permissions, and go to the registry's host alone.
func TestIdentityTokens(t *testing.T) {
	t.Parallel()
	for _, abac := range []bool{false, true} {
		for _, identity := range []bool{false, true} {
			t.Run(fmt.Sprintf("ABAC %v, identity %v", abac, identity), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, vendors.ACROptions{ABAC: abac})
				token := b.fake.RefreshToken()
				b.Options.Credentials = registry.Credentials{Files: []string{config(t, b.Host, token, identity)}}
				b.settled()
				for host := range b.fake.Sent() {
					if host != b.Host && !strings.HasPrefix(host, "127.0.0.1") {
						t.Errorf("%s was sent a login", host)
					}
				}
				b.fake.ExpireRefreshTokens()
				err := b.Sweep(keepOne).Err
				wants(t, err, registry.ErrUnauthorized, "401", "az acr login")
				if strings.Contains(fmt.Sprint(err), token) {
					t.Errorf("the token is in %v", err)
				}
			})
		}
	}
}

// Works in spite of these.
func TestWorks(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(b *acrBench){
		"429 with a pause": func(b *acrBench) { b.fake.Limit(1) },
		"tokens that expire": func(b *acrBench) {
			b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, After: 1, Before: b.fake.ExpireTokens})
		},
		"404 of what is gone": func(b *acrBench) {
			b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, Before: func() { b.fake.Remove(path, b.images[0]) }})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.ACROptions{})
			fault(b)
			b.settled()
		})
	}
}

// What the role lacks is said by the name that Azure has for it.
func TestRoles(t *testing.T) {
	t.Parallel()
	for lacks, text := range map[string]string{"metadata_read": "401", "delete": "may not delete"} {
		for _, identity := range []bool{false, true} {
			t.Run(fmt.Sprint(lacks, identity), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, vendors.ACROptions{Lacks: []string{lacks}})
				if identity {
					b.Options.Credentials = registry.Credentials{Files: []string{config(t, b.Host, b.fake.RefreshToken(), true)}}
				}
				run := b.Sweep(keepOne)
				err := run.Err
				if err == nil {
					err = run.Result.Err
				}
				wants(t, err, registry.ErrForbidden, text, "AcrDelete")
				b.There(b.images, nil)
			})
		}
	}
}

// Locks of manifests and of tags are kept, also those that the list does not show.
func TestLocks(t *testing.T) {
	t.Parallel()
	for name, ref := range map[string]func(b *acrBench) string{
		"of a manifest": func(b *acrBench) string { return b.images[0].String() },
		"of a tag":      func(*acrBench) string { return "b1" },
	} {
		for lock, l := range map[string]vendors.ACRLock{"delete": {NoDelete: true}, "write": {NoWrite: true}} {
			t.Run(lock+" "+name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, vendors.ACROptions{StaleLocks: true})
				b.fake.Lock(path, ref(b), l)
				run := b.Sweep(keepOne)
				b.Settled(run, keepOne)
				if o := run.Result.Outcomes[b.images[0]]; o.Status != prune.Retained || !strings.Contains(o.Detail, "REGISTRY_DISALLOWED_OPERATION") {
					t.Errorf("got %+v", o)
				}
				b.There([]oci.Digest{b.images[0], b.images[3]}, b.images[1:3])
			})
		}
	}
}

// A list that is not whole, or not the registry's, deletes nothing.
func TestListShapes(t *testing.T) {
	t.Parallel()
	one := `{"digest":"sha256:` + strings.Repeat("1", 64) + `","tags":["b1"]}`
	for name, tc := range map[string]struct {
		fault registrytest.Fault
		text  string
	}{
		"no manifests":             {registrytest.Fault{Status: 200, Body: `{"registry":"acme.azurecr.io"}`}, "no manifests"},
		"manifests of null":        {registrytest.Fault{Status: 200, Body: `{"manifests":null}`}, "no manifests"},
		"a manifest twice":         {registrytest.Fault{Status: 200, Body: `{"manifests":[` + one + `,` + one + `]}`}, "twice"},
		"a digest that is not one": {registrytest.Fault{Status: 200, Body: `{"manifests":[{"digest":"latest"}]}`}, "latest"},
		"a size below zero":        {registrytest.Fault{Status: 200, Body: `{"manifests":[{"digest":"x","imageSize":-1}]}`}, "cannot be"},
		"a page of another host": {
			registrytest.Fault{Edit: registrytest.SetHeader("Link", `<https://acme.example.com/acr/v1/team/app/_manifests?last=x>; rel="next"`)}, "another host",
		},
		"a page of another list": {
			registrytest.Fault{Edit: registrytest.SetHeader("Link", `</acr/v1/team/other/_manifests?last=x>; rel="next"`)}, "another list",
		},
		"a page that is itself": {
			registrytest.Fault{Edit: registrytest.SetHeader("Link", `</acr/v1/team/app/_manifests?n=1000>; rel="next"`)}, "comes again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.ACROptions{})
			tc.fault.Method, tc.fault.Path, tc.fault.Times = http.MethodGet, "/acr/v1/*", -1
			if tc.fault.Edit != nil {
				edit := tc.fault.Edit
				tc.fault.Edit = func(r *registrytest.Response) {
					if r.Status == http.StatusOK {
						edit(r)
					}
				}
			}
			b.fake.AddFault(tc.fault)
			wants(t, b.Sweep(keepOne).Err, registry.ErrIncomplete, tc.text, "")
			if n := len(b.fake.Deleted()) + len(b.fake.Refused()); n > 0 || len(b.fake.Strays()) > 0 {
				t.Errorf("%d deletions, strays %q", n, b.fake.Strays())
			}
		})
	}
}

// A thousand manifests are a page, and what the list says of docker's images needs no other request.
func TestNumbers(t *testing.T) {
	t.Parallel()
	s, f := newStand(t, vendors.ACROptions{})
	b := kindtest.NewBench(t, s)
	for n := range 1500 {
		b.Aged(fmt.Sprint("b", n), 9)
	}
	repo, _ := b.Repository()
	got, err := repo.Snapshot(t.Context(), registry.Query{SkipDates: true})
	if err != nil || len(got.Images) != 1500 {
		t.Fatalf("got %d images, %v", len(got.Images), err)
	}
	if lists, manifests := f.Count(http.MethodGet, "/acr/v1/*"), f.Count(http.MethodGet, "*/manifests/*"); lists > 3 || manifests > 0 {
		t.Errorf("%d requests for the list, %d for manifests; want two, and one that was refused first, and none", lists, manifests)
	}
	for _, m := range f.Images(path) {
		i := got.Images[slices.IndexFunc(got.Images, func(i oci.Image) bool { return i.Digest == m.Digest })]
		if !slices.Equal(i.Tags, m.Tags) || !i.Pushed.Equal(m.Pushed.UTC().Truncate(100*time.Nanosecond)) {
			t.Fatalf("got %+v, want %+v", i, m)
		}
	}
}

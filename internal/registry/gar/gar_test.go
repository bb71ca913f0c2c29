package gar_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

var keepOne = retain.Policy{KeepLast: 1}

// garBench is a repository with four images, b1 to b4, of which the newest one stays.
type garBench struct {
	*kindtest.Bench
	fake   *vendors.GAR
	images []oci.Digest
}

func login(host, user, password string) registry.Credentials {
	return registry.Credentials{Explicit: func(asked string) (registry.Login, bool) {
		return registry.Login{Username: user, Password: registry.Secret(password)}, user != "" && asked == host
	}}
}

// newStand starts a fake. The client logs in with an access token.
func newStand(t *testing.T, o vendors.GAROptions) (kindtest.Stand, *vendors.GAR) {
	t.Helper()
	f := vendors.NewGAR(t, o)
	path := "acme/images/team/app"
	if o.GCR {
		path = "acme/app"
	}
	return kindtest.Stand{
		Fake: f, Host: f.RegistryHost(), Path: path, Open: kinds.Open,
		Options: registry.Options{Credentials: login(f.RegistryHost(), "oauth2accesstoken", f.Token())},
		Context: func(ctx context.Context) context.Context {
			return registry.WithWait(ctx, func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) })
		},
	}, f
}

func newBench(t *testing.T, o vendors.GAROptions) *garBench {
	t.Helper()
	s, f := newStand(t, o)
	b := &garBench{Bench: kindtest.NewBench(t, s), fake: f}
	for n, tag := range []string{"b1", "b2", "b3", "b4"} {
		b.images = append(b.images, b.Aged(tag, 9-n))
	}
	return b
}

func (b *garBench) settled() {
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
	for name, o := range map[string]vendors.GAROptions{"pkg.dev": {}, "gcr.io": {GCR: true, NumberTimes: true, ZeroCreated: true}} {
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
		s, _ := newStand(t, vendors.GAROptions{})
		return s
	}, kindtest.Paths{
		List:   registrytest.Fault{Method: http.MethodGet, Path: "/v2/*/tags/list"},
		Delete: registrytest.Fault{Method: http.MethodDelete, Path: "/v2/*/manifests/sha256:*"},
	})
}

// A list that is not Google's, or contradicts itself, deletes nothing.
func TestListShapes(t *testing.T) {
	t.Parallel()
	one, two := "sha256:"+strings.Repeat("1", 64), "sha256:"+strings.Repeat("2", 64)
	entry := func(d, tags string) string { return `"` + d + `":{"mediaType":"x","tag":[` + tags + `]}` }
	for name, tc := range map[string]struct{ body, text string }{
		"another registry's":        {`{"name":"acme/app","tags":["b1"]}`, `no "manifest"`},
		"a map of null":             {`{"manifest":null,"tags":["b1"]}`, `no "manifest"`},
		"a tag without a manifest":  {`{"manifest":{},"tags":["b1"]}`, "at no manifest"},
		"a tag that is not listed":  {`{"manifest":{` + entry(one, `"b1"`) + `},"tags":[]}`, "not among its tags"},
		"a tag at two manifests":    {`{"manifest":{` + entry(one, `"b1"`) + `,` + entry(two, `"b1"`) + `},"tags":["b1"]}`, "or twice"},
		"a digest that is not one":  {`{"manifest":{` + entry("sha256:../x", `"b1"`) + `},"tags":["b1"]}`, "the digest"},
		"a tag that cannot be":      {`{"manifest":{` + entry(one, `"a/b"`) + `},"tags":["a/b"]}`, "cannot be"},
		"a number that is none":     {`{"manifest":{"` + one + `":{"imageSizeBytes":"many"}},"tags":[]}`, "many"},
		"a number below zero":       {`{"manifest":{"` + one + `":{"imageSizeBytes":-1}},"tags":[]}`, "below zero"},
		"a map that is a list":      {`{"manifest":[],"tags":[]}`, "not a list"},
		"a list with a tag, no map": {`{"tags":["b1"],"manifest":{"` + one + `":{}}}`, "at no manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.GAROptions{})
			b.fake.AddFault(registrytest.Fault{Method: http.MethodGet, Path: "*/tags/list", Times: -1, Status: 200, Body: tc.body})
			wants(t, b.Sweep(keepOne).Err, registry.ErrIncomplete, tc.text, "")
			if n := len(b.fake.Deleted()) + len(b.fake.Refused()); n > 0 {
				t.Errorf("%d deletions", n)
			}
		})
	}
}

// One request lists a repository of any size, and what the list says of docker's images needs no other.
func TestNumbers(t *testing.T) {
	t.Parallel()
	s, f := newStand(t, vendors.GAROptions{})
	b := kindtest.NewBench(t, s)
	for n := range 500 {
		b.Aged(fmt.Sprint("b", n), 9)
	}
	repo, _ := b.Repository()
	got, err := repo.Snapshot(t.Context(), registry.Query{SkipDates: true})
	if err != nil || len(got.Images) != 500 {
		t.Fatalf("got %d images, %v", len(got.Images), err)
	}
	if lists, manifests := f.Count(http.MethodGet, "*/tags/list"), f.Count(http.MethodGet, "*/manifests/*"); lists > 2 || manifests > 0 {
		t.Errorf("%d requests for the list, %d for manifests; want one, and one that was refused first, and none", lists, manifests)
	}
	for _, v := range f.Versions(s.Path) {
		i := got.Images[slices.IndexFunc(got.Images, func(i oci.Image) bool { return i.Digest == v.Digest })]
		if !slices.Equal(i.Tags, v.Tags) || !i.Pushed.Equal(v.Uploaded.UTC().Truncate(time.Millisecond)) {
			t.Fatalf("got %+v, want %+v", i, v)
		}
	}
}

// What the service protects, and what the login may not do, is said, and nothing is lost.
func TestRefused(t *testing.T) {
	t.Parallel()
	t.Run("immutable tags", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, vendors.GAROptions{ImmutableTags: true})
		run := b.Sweep(keepOne)
		b.Books(run)
		if run.Result.Err != nil || run.Statuses()[prune.Retained] != 3 {
			t.Errorf("got %v, %+v", run.Result.Err, run.Result.Outcomes)
		}
		b.There(b.images, nil)
		b.Again(keepOne)
	})
	t.Run("a writer", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, vendors.GAROptions{ReadWrite: true})
		run := b.Sweep(keepOne)
		b.Books(run)
		wants(t, run.Result.Err, registry.ErrForbidden, "403", "roles/artifactregistry.repoAdmin")
		b.There(b.images, nil)
	})
	t.Run("a token that has ended", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, vendors.GAROptions{})
		b.fake.ExpireTokens()
		err := b.Sweep(keepOne).Err
		wants(t, err, registry.ErrUnauthorized, "", "")
		b.There(b.images, nil)
	})
}

// keys are the logins by the key of a service account, which Google's API does not take.
func keys(f *vendors.GAR) map[string]string {
	return map[string]string{"_json_key": f.Key(), "_json_key_base64": base64.StdEncoding.EncodeToString([]byte(f.Key()))}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"_json_key", "_json_key_base64"} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.GAROptions{})
			b.Options.Credentials = login(b.Host, user, keys(b.fake)[user])
			b.settled()
			if sent := b.fake.Sent()["artifactregistry.googleapis.com"]; len(sent) > 0 {
				t.Errorf("the API was sent %q", sent)
			}
		})
	}
}

// What an index of Google's own holds is deleted by Google's API, and nothing else is.
func TestUnseenParent(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]vendors.GAROptions{"at once": {}, "later": {SlowOperations: 3}, "gcr.io": {GCR: true, SlowOperations: 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, o)
			b.fake.AddUnseenParent(b.Path, b.images[0])
			b.settled()
			for host, values := range b.fake.Sent() {
				if host != b.Host && host != "artifactregistry.googleapis.com" && !strings.HasPrefix(host, "127.0.0.1") {
					t.Errorf("%s was sent %q", host, values)
				}
			}
		})
	}
}

// What Google's API cannot be asked for is skipped, with the way to do it, run after run.
func TestUnseenParentThatStays(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *garBench){
		"the key of a service account": func(b *garBench) { b.Options.Credentials = login(b.Host, "_json_key", b.fake.Key()) },
		"404 of the API":               func(b *garBench) { b.api(registrytest.Fault{Status: 404, Body: `{"error":{"status":"NOT_FOUND"}}`}) },
		"an answer that names no parent": func(b *garBench) {
			b.fake.AddFault(registrytest.Fault{
				Method: http.MethodDelete, Path: "*/manifests/" + b.images[0].String(), Times: -1, Status: 400,
				Body: `{"errors":[{"code":"GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE","message":"it is still referenced"}]}`,
			})
		},
		"a tag that comes meanwhile": func(b *garBench) {
			b.fake.AddFault(registrytest.Fault{
				Method: http.MethodDelete, Path: "*/manifests/" + b.images[0].String(), Status: 400,
				Body:   `{"errors":[{"code":"GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE","message":"parent: sha256:` + strings.Repeat("9", 64) + `"}]}`,
				Before: func() { b.fake.SetTag(b.Path, "new", b.images[0]) },
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.GAROptions{})
			b.fake.AddUnseenParent(b.Path, b.images[0])
			change(b)
			for n := range 2 {
				if n > 0 && len(b.fake.Tags(b.Path)) > 1 {
					break // the new tag is not protected, and goes with the next run
				}
				run := b.Sweep(keepOne)
				b.Books(run)
				if run.Err != nil || run.Result.Err != nil || run.Statuses()[prune.Failed]+run.Statuses()[prune.Unsettled] > 0 {
					t.Errorf("got %v, %v, %+v", run.Err, run.Result.Err, run.Result.Outcomes)
				}
			}
			b.There([]oci.Digest{b.images[0], b.images[3]}, b.images[1:3])
		})
	}
}

// api adds a fault for all deletions by Google's API.
func (b *garBench) api(f registrytest.Fault) {
	f.Method, f.Path, f.Times = http.MethodDelete, "/v1/*", -1
	b.fake.AddFault(f)
}

// An index that somebody can pull is never deleted under, whatever the login is.
func TestParentThatIsThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.GAROptions{})
	run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) {
		b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, Path: "*/manifests/b1", Before: func() { b.Push.Index(fixture.Index{Children: b.images[:1]}) }})
	})
	b.Books(run)
	if run.Result.Err != nil || run.Result.Outcomes[b.images[0]].Status != prune.Skipped {
		t.Errorf("got %v, %+v", run.Result.Err, run.Result.Outcomes)
	}
	if n := b.fake.Count(http.MethodDelete, "/v1/*"); n > 0 {
		t.Errorf("Google's API was asked for %d deletions", n)
	}
}

// An operation that is not done in time is left to the next run.
func TestOperationThatLasts(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.GAROptions{SlowOperations: 1000})
	b.fake.AddUnseenParent(b.Path, b.images[0])
	run := b.Sweep(keepOne)
	b.Books(run)
	if run.Result.Outcomes[b.images[0]].Status != prune.Unsettled || len(run.Result.Unfinished) != 1 {
		t.Errorf("got %+v", run.Result.Outcomes)
	}
}

// What is below a path is found level by level.
func TestCatalogBelow(t *testing.T) {
	t.Parallel()
	s, f := newStand(t, vendors.GAROptions{})
	b := kindtest.NewBench(t, s)
	b.Aged("b1", 1)
	for _, p := range []string{"acme/images/team", "acme/images/other", "acme/more/app", "globex/images/app"} {
		f.Pusher(t, p).Image(fixture.Image{Tags: []string{"b1"}})
	}
	o := s.Options
	o.Transport = f.Transport()
	r, err := kinds.Open(s.Host, o)
	if err != nil {
		t.Fatal(err)
	}
	below := r.(registry.Brancher)
	got, err := below.CatalogBelow(t.Context(), "acme")
	if want := []string{"acme/images/other", "acme/images/team", "acme/images/team/app", "acme/more/app"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	_, err = below.CatalogBelow(t.Context(), "nobody")
	wants(t, err, registry.ErrNoCatalog, "404", "LOCATION-docker.pkg.dev")
	for _, body := range []string{`null`, `{"tags":["b1"]}`, `{"child":["../x"]}`, `<html>`} {
		f.AddFault(registrytest.Fault{Method: http.MethodGet, Path: "*/tags/list", Status: 200, Body: body})
		_, err = below.CatalogBelow(t.Context(), "acme")
		wants(t, err, registry.ErrIncomplete, "acme/tags/list", "")
	}
}

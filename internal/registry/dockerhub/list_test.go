package dockerhub_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

// wants holds an error to a kind, a text and a hint, and to one line.
func wants(t *testing.T, err, kind error, text, hint string) {
	t.Helper()
	if err == nil || kind != nil && !errors.Is(err, kind) || !strings.Contains(err.Error(), text) || !strings.Contains(hintOf(err), hint) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v with the hint %q; want %v, %q, %q", err, hintOf(err), kind, text, hint)
	}
}

// A list that is not whole, or not the repository's, deletes nothing.
func TestListShapes(t *testing.T) {
	t.Parallel()
	tag := `{"name":"b1","digest":"sha256:` + strings.Repeat("1", 64) + `"}`
	for name, tc := range map[string]struct{ body, text string }{
		"null":                      {"null", "no count"},
		"results of null":           {`{"count":0,"results":null}`, "no count or no results"},
		"no count":                  {`{"results":[]}`, "no count"},
		"a list":                    {`[` + tag + `]`, "not a list of tags"},
		"more tags than there are":  {`{"count":0,"results":[` + tag + `]}`, "run again"},
		"fewer tags than there are": {`{"count":2,"results":[` + tag + `]}`, "run again"},
		"a tag twice":               {`{"count":2,"results":[` + tag + `,` + tag + `]}`, "run again"},
		"a page of another host":    {`{"count":1,"next":"https://hub.example.com/v2/namespaces/acme/repositories/app/tags?page=2","results":[` + tag + `]}`, "another host"},
		"a page of another list":    {`{"count":1,"next":"https://hub.docker.com/v2/namespaces/acme/repositories/other/tags?page=2","results":[` + tag + `]}`, "another list"},
		"a page that is itself":     {`{"count":1,"next":"https://hub.docker.com/v2/namespaces/acme/repositories/app/tags?page_size=100&page=1","results":[` + tag + `]}`, "itself"},
		"an empty page with a next": {`{"count":1,"next":"?page=2","results":[]}`, "is empty"},
		"a tag that cannot be":      {`{"count":1,"results":[{"name":"../x"}]}`, "cannot be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.DockerHubOptions{})
			b.fake.AddFault(registrytest.Fault{Method: http.MethodGet, Path: "/v2/namespaces/*", Times: -1, Status: 200, Body: tc.body})
			wants(t, b.Sweep(keepOne).Err, registry.ErrIncomplete, tc.text, "")
			if n := len(b.fake.Deleted()) + len(b.fake.Refused()); n > 0 || len(b.fake.Strays()) > 0 {
				t.Errorf("%d deletions, strays %q", n, b.fake.Strays())
			}
		})
	}
}

// What changes while the pages are read is seen whole, or not at all.
func TestListThatShifts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *vendors.DockerHub, push fixture.Tester, images []oci.Digest){
		"a push": func(_ *vendors.DockerHub, push fixture.Tester, _ []oci.Digest) {
			push.Image(fixture.Image{Tags: []string{"new"}})
		},
		"a removal": func(f *vendors.DockerHub, _ fixture.Tester, _ []oci.Digest) { f.Untag(path, "b249") },
		"both": func(f *vendors.DockerHub, push fixture.Tester, _ []oci.Digest) {
			f.Untag(path, "b249")
			push.Image(fixture.Image{Tags: []string{"new"}})
		},
		"a tag that moves": func(_ *vendors.DockerHub, push fixture.Tester, images []oci.Digest) { push.Tag(images[9], "b0") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, f := newStand(t, vendors.DockerHubOptions{})
			b := kindtest.NewBench(t, s)
			var images []oci.Digest
			for n := range 250 {
				images = append(images, b.Aged(fmt.Sprint("b", n), 9))
			}
			f.AddFault(registrytest.Fault{Method: http.MethodGet, Path: "/v2/namespaces/*", After: 1, Before: func() { change(f, b.Push, images) }})
			repo, _ := b.Repository()
			got, err := repo.Snapshot(t.Context(), registry.Query{SkipDates: true})
			if err != nil {
				t.Fatal(err)
			}
			tags := map[string]oci.Digest{}
			for _, i := range got.Images {
				for _, tag := range i.Tags {
					tags[tag] = i.Digest
				}
			}
			if want := f.Tags(path); fmt.Sprint(tags) != fmt.Sprint(want) {
				t.Errorf("got %d tags, want %d", len(tags), len(want))
			}
		})
	}
}

// What is wrong with a login is said, and the login itself is not.
func TestLogins(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options    vendors.DockerHubOptions
		user, pass string
		kind       error
		text, hint string
	}{
		"wrong":                {vendors.DockerHubOptions{}, "acme", "dckr_pat_wr0ng", registry.ErrUnauthorized, "Incorrect authentication credentials", "docker login"},
		"none":                 {vendors.DockerHubOptions{}, "", "", registry.ErrUnknownRepository, "object not found", "private repository"},
		"of another namespace": {vendors.DockerHubOptions{Tokens: []vendors.HubToken{{User: "u", Secret: "dckr_pat_u", Namespaces: []string{"u"}}, {User: "acme", Secret: vendors.HubAll}}}, "u", "dckr_pat_u", registry.ErrUnknownRepository, "object not found", "private repository"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tc.options)
			b.Options.Credentials = login(tc.user, tc.pass)
			err := b.Sweep(keepOne).Err
			wants(t, err, tc.kind, tc.text, tc.hint)
			if tc.pass != "" && strings.Contains(fmt.Sprint(err, hintOf(err)), tc.pass) {
				t.Errorf("the password is in %v", err)
			}
		})
	}
}

// Without a login a public repository is planned, and not pruned.
func TestWithoutLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.DockerHubOptions{Public: true})
	b.Options.Credentials = registry.Credentials{}
	run := b.Sweep(keepOne)
	if run.Err != nil {
		t.Fatal(run.Err)
	}
	wants(t, run.Result.Err, registry.ErrUnauthorized, "no login is known", "docker login")
	b.Books(run)
	b.There(b.images, nil)
}

// The login goes to Docker Hub's own hosts, and in the body of one request alone; nothing repeats it.
func TestWhereTheLoginGoes(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.DockerHubOptions{})
	b.settled()
	for host := range b.fake.Sent() {
		if !slices.Contains([]string{"registry-1.docker.io", "auth.docker.io", "hub.docker.com"}, host) && !strings.HasPrefix(host, "127.0.0.1") {
			t.Errorf("%s was sent a login", host)
		}
	}
	for _, l := range b.fake.Logins() {
		if l != (vendors.HubLogin{Path: "/v2/auth/token", User: "acme", Secret: vendors.HubAll}) {
			t.Errorf("got the login %+v", l)
		}
	}
	echo := newBench(t, vendors.DockerHubOptions{})
	echo.fake.AddFault(registrytest.Fault{Method: http.MethodPost, Times: -1, Status: 400, Body: `{"message":"no: ` + vendors.HubAll + `"}`})
	if err := echo.Sweep(keepOne).Err; err == nil || strings.Contains(err.Error(), vendors.HubAll) {
		t.Errorf("got %v", err)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	_, err := kinds.Open("registry.example.com", registry.Options{Kind: "dockerhub"})
	wants(t, err, nil, "registry.example.com", "leave the flag out")
	s, f := newStand(t, vendors.DockerHubOptions{})
	b := kindtest.NewBench(t, s)
	r, err := kinds.Open("docker.io", registry.Options{Transport: f.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Catalog(t.Context()); !errors.Is(err, registry.ErrNoCatalog) {
		t.Errorf("got %v", err)
	}
	_, err = r.Repository("app").Snapshot(t.Context(), registry.Query{})
	wants(t, err, registry.ErrUnknownRepository, "app", "NAMESPACE/NAME")
	b.Options.PlainHTTP = true
	b.Host, b.Options.Kind, b.Options.Credentials = f.Host(), "dockerhub", registry.Credentials{Explicit: func(string) (registry.Login, bool) {
		return registry.Login{Username: "acme", Password: registry.Secret(vendors.HubAll)}, true
	}}
	old, last := b.Aged("b1", 2), b.Aged("b2", 1)
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There([]oci.Digest{last}, []oci.Digest{old})
}

// A run that is cancelled after a tag is gone deletes the manifest that nobody else would find.
func TestCancelledAfterTheTag(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.DockerHubOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, Path: "/v2/repositories/*", Before: cancel})
	run := b.SweepIn(ctx, keepOne, func(retain.Plan) {})
	if n := run.Statuses(); n["deleted"] < 1 {
		t.Errorf("got %v", n)
	}
	b.Books(run)
	b.settled()
}

// A list that still has the newest tag after its deletion does not make the newest image go that is there.
func TestStaleList(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64 // a clock that goes on by a second whenever somebody looks at it
	b := newBench(t, vendors.DockerHubOptions{StaleReads: 1000, Now: func() time.Time {
		return kindtest.Ago(1).Add(time.Duration(asked.Add(1)) * time.Second)
	}})
	repo, _ := b.Repository()
	if res := repo.Delete(t.Context(), []oci.Image{{Digest: b.images[3], Tags: []string{"b4"}}}); res[0].Err != nil || !res[0].Existed {
		t.Fatalf("got %+v", res)
	}
	b.Settled(b.Sweep(byPush), byPush)
	b.There(b.images[2:3], b.images[:2])
}

// Where no build date is asked for, the list alone tells what belongs together; what it does not tell is read.
func TestPartsByTheList(t *testing.T) {
	t.Parallel()
	byName := retain.Policy{KeepLast: 1, Sort: retain.SortName}
	s, f := newStand(t, vendors.DockerHubOptions{Limits: vendors.HubLimits{Pulls: 1_000_000}})
	b := kindtest.NewBench(t, s)
	index, parts := b.Multi("b1", 9)
	plain := b.Aged("b2", 8)
	gone := append(parts, index, plain, b.Push.Signature(plain, ".sig"))
	kept, stay := b.Multi("b5", 1)
	stay = append(stay, kept)
	repo, _ := b.Repository()
	if _, err := repo.Snapshot(t.Context(), registry.Query{SkipDates: true}); err != nil || f.Pulls("acme") != 0 {
		t.Errorf("%d pulls, %v", f.Pulls("acme"), err)
	}
	child := b.Child("nested", 9)
	inner := b.Push.Index(fixture.Index{Children: []oci.Digest{child}})
	gone = append(gone, child, inner, b.Push.Index(fixture.Index{Tags: []string{"b3"}, Children: []oci.Digest{inner}}))
	signed := b.Push.Image(fixture.Image{Tags: []string{"b4"}, MediaType: fixture.OCIManifest, Created: kindtest.Ago(3)})
	referrer, fallback := b.Push.Referrer(signed, "application/spdx+json")
	gone = append(gone, signed, referrer, fallback)
	referrer, fallback = b.Push.Referrer(kept, "application/spdx+json")
	stay = append(stay, referrer, fallback)
	b.Settled(b.Sweep(byName), byName)
	b.There(stay, gone)
}

// A login is found under each name of Docker Hub: docker and podman store it under different ones.
func TestNamesOfTheLogin(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"https://index.docker.io/v1/", "docker.io", "index.docker.io"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.DockerHubOptions{})
			file := filepath.Join(t.TempDir(), "config.json")
			basic := base64.StdEncoding.EncodeToString([]byte("acme:" + vendors.HubAll))
			if err := os.WriteFile(file, []byte(fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, name, basic)), 0o600); err != nil {
				t.Fatal(err)
			}
			b.Options.Credentials = registry.Credentials{Files: []string{file}}
			b.settled()
		})
	}
	b := newBench(t, vendors.DockerHubOptions{})
	b.Options.Credentials = registry.Credentials{Explicit: func(host string) (registry.Login, bool) {
		return registry.Login{Username: "acme", Password: registry.Secret(vendors.HubAll)}, host == "docker.io"
	}}
	b.settled()
}

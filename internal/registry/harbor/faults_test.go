package harbor_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

var keepOne = retain.Policy{KeepLast: 1}

// bench is a repository with four images, b1 to b4, of which the newest one stays.
type bench struct {
	*kindtest.Bench
	fake   *vendors.Harbor
	images []oci.Digest
}

func newBench(t *testing.T, o vendors.HarborOptions) *bench {
	t.Helper()
	o.Logins = logins
	f := vendors.NewHarbor(t, o)
	b := &bench{Bench: kindtest.NewBench(t, standOf(f, robot)), fake: f}
	for n := range 4 {
		b.images = append(b.images, b.Aged(fmt.Sprint("b", n+1), 9-n))
	}
	return b
}

const list = "/api/v2.0/projects/*"

// converges holds the next runs, without a fault and with the right login, to the policy.
func (b *bench) converges() {
	b.T.Helper()
	b.fake.ClearFaults()
	b.Options.Credentials = login(robot, host)
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

// A list that is not whole, or not Harbor's, deletes nothing.
func TestFaultsOfLists(t *testing.T) {
	t.Parallel()
	one := "sha256:" + strings.Repeat("1", 64)
	page := func(total, body string) registrytest.Fault {
		return registrytest.Fault{Status: 200, Times: -1, Header: http.Header{"X-Total-Count": {total}}, Body: body}
	}
	for name, tc := range map[string]struct {
		fault registrytest.Fault
		kind  error // nil: any
		text  string
	}{
		"a page of HTML":           {registrytest.Fault{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>login</html>"}, registry.ErrIncomplete, "not Harbor's list"},
		"null":                     {page("4", "null"), registry.ErrIncomplete, "null"},
		"an object":                {page("4", "{}"), registry.ErrIncomplete, "not Harbor's list"},
		"no total":                 {registrytest.Fault{Edit: registrytest.SetHeader("X-Total-Count", "")}, registry.ErrIncomplete, "X-Total-Count"},
		"a total below zero":       {page("-1", "[]"), registry.ErrIncomplete, "X-Total-Count"},
		"fewer than the total":     {registrytest.Fault{Times: -1, Edit: registrytest.SetHeader("X-Total-Count", "5")}, registry.ErrIncomplete, "run again"},
		"more than the total":      {registrytest.Fault{Times: -1, Edit: registrytest.SetHeader("X-Total-Count", "3")}, registry.ErrIncomplete, "run again"},
		"far too many":             {page("500001", "[]"), registry.ErrIncomplete, "more than"},
		"a digest that is not one": {page("1", `[{"digest":"sha256:../x"}]`), registry.ErrIncomplete, "the digest"},
		"a tag that cannot be":     {page("1", `[{"digest":"`+one+`","tags":[{"name":"a/b"}]}]`), registry.ErrIncomplete, "cannot be"},
		"a time that is not one":   {page("1", `[{"digest":"`+one+`","push_time":"yesterday"}]`), registry.ErrIncomplete, "not Harbor's list"},
		"a child that is not one":  {page("1", `[{"digest":"`+one+`","references":[{"child_digest":"x"}]}]`), registry.ErrIncomplete, "lists the manifest"},
		"502 for good":             {registrytest.Fault{Status: 502, Times: -1}, nil, "502"},
		"429 for a day":            {registrytest.Fault{Status: 429, Header: http.Header{"Retry-After": {"86400"}}}, nil, "24h"},
		"404 of the repository":    {registrytest.Fault{Status: 404, Body: `{"errors":[{"code":"NOT_FOUND","message":"repository not found"}]}`}, registry.ErrUnknownRepository, "no such repository"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.HarborOptions{})
			tc.fault.Path = list
			b.fake.AddFault(tc.fault)
			run := b.Sweep(keepOne)
			if run.Err == nil || tc.kind != nil && !errors.Is(run.Err, tc.kind) || !strings.Contains(run.Err.Error(), tc.text) || strings.Contains(run.Err.Error(), "\n") {
				t.Errorf("got %v, want %v with %q", run.Err, tc.kind, tc.text)
			}
			if n := len(b.fake.Deleted()) + len(b.fake.Refused()); n > 0 || len(b.fake.Strays()) > 0 {
				t.Errorf("%d deletions, strays %q", n, b.fake.Strays())
			}
			b.converges()
		})
	}
}

// A list that changes while it is read is read again. More than a page is pushed, so that pages shift.
func TestFaultsOfShiftingPages(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *bench){
		"a push":                      func(b *bench) { b.Aged("new", 1) },
		"a deletion":                  func(b *bench) { b.fake.Remove(path, b.images[0]) },
		"a deletion of what was read": func(b *bench) { b.fake.Remove(path, b.fake.Tags(path)["c119"]) },
		"a push and deletion":         func(b *bench) { b.Aged("new", 1); b.fake.Remove(path, b.images[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.HarborOptions{})
			for n := range 120 {
				b.Push.Image(fixture.Image{Tags: []string{fmt.Sprint("c", n)}, Created: kindtest.Ago(20)})
			}
			before := len(b.fake.Manifests(path))
			b.fake.AddFault(registrytest.Fault{Method: http.MethodGet, Path: list, After: 1, Before: func() { change(b) }})
			r, _ := b.Repository()
			s, err := r.Snapshot(t.Context(), registry.Query{})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range b.fake.Manifests(path) {
				known := slices.ContainsFunc(s.Images, func(i oci.Image) bool { return i.Digest == d })
				if isNew := b.fake.Tags(path)["new"] == d; !known && !isNew { // what comes later is seen by the look before the deletions
					t.Errorf("%s is missing, of %d", d, before)
				}
			}
		})
	}
}

// What passes by itself costs nothing but time.
func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	deletion := func(f registrytest.Fault) func(*bench) {
		f.Method, f.Path, f.After = http.MethodDelete, "/v2/*", 2
		return func(b *bench) { b.fake.AddFault(f) }
	}
	for name, fault := range map[string]func(b *bench){
		"a list after 502":               func(b *bench) { b.fake.AddFault(registrytest.Fault{Path: list, Status: 502}) },
		"a list after 429":               func(b *bench) { b.fake.AddFault(registrytest.Fault{Path: list, Status: 429}) },
		"a list without an answer":       func(b *bench) { b.fake.AddFault(registrytest.Fault{Path: list, Break: true}) },
		"a deletion after 503":           deletion(registrytest.Fault{Status: 503}),
		"a deletion without an answer":   deletion(registrytest.Fault{Break: true}),
		"a deletion that broke the line": deletion(registrytest.Fault{Break: true, Apply: true}),
		"a token that expires at a deletion": func(b *bench) {
			b.Options.Writers = 1
			b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, Path: "/v2/*", After: 2, Before: b.fake.ExpireTokens})
		},
		"a token that expires while manifests are read": func(b *bench) {
			b.Options.Readers = 1 // a token must not expire between the token server and its first use
			b.fake.AddFault(registrytest.Fault{Method: http.MethodGet, Path: "*/manifests/*", After: 2, Before: b.fake.ExpireTokens})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.HarborOptions{})
			fault(b)
			b.Settled(b.Sweep(keepOne), keepOne)
			b.There(b.images[3:], b.images[:3])
		})
	}
}

// A login that may not list artifacts prunes by the OCI API, and is told what it misses. The image that it cannot know to
// be immutable keeps its signature.
func TestWithoutTheList(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.HarborOptions{Immutable: []string{"b1"}})
	signature := b.Push.Signature(b.images[0], ".sig")
	b.Options.Credentials = login(plain, host)
	run := b.Sweep(keepOne)
	if got := run.Statuses(); run.Err != nil || run.Result.Err != nil || got[prune.Retained] != 1 || got[prune.Deleted] != 2 {
		t.Errorf("%v %+v", run.Err, run.Result)
	}
	r, _ := b.Repository()
	s, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "Artifact: List") {
		t.Errorf("%v, warnings %q", err, s.Warnings)
	}
	b.Books(run)
	b.There([]oci.Digest{signature, b.images[0], b.images[3]}, b.images[1:3])
}

// With the list, an immutable image is known before anything is planned, and with its signature it stays.
func TestImmutable(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.HarborOptions{Immutable: []string{"b1"}})
	signature := b.Push.Signature(b.images[0], ".sig")
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There([]oci.Digest{signature, b.images[0], b.images[3]}, b.images[1:3])
	if n := len(b.fake.Refused()); n > 0 {
		t.Errorf("%d deletions were refused", n)
	}
}

// Each wrong login, and read-only mode, is said with what helps.
func TestFaultsOfRights(t *testing.T) {
	t.Parallel()
	wrong := robot
	wrong.Password = "wr0ng-s3cret"
	for name, tc := range map[string]struct {
		login   vendors.Login
		options vendors.HarborOptions
		kind    error
		hint    string
	}{
		"may not delete": {reader, vendors.HarborOptions{}, registry.ErrForbidden, "Artifact: Delete"},
		"wrong password": {wrong, vendors.HarborOptions{}, registry.ErrUnauthorized, "docker login"},
		"read-only":      {robot, vendors.HarborOptions{ReadOnly: true}, registry.ErrForbidden, "Repository Read Only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.HarborOptions{})
			if tc.options.ReadOnly {
				b.fake.AddFault(registrytest.Fault{
					Method: http.MethodDelete, Times: -1, Status: 403,
					Body: `{"errors":[{"code":"DENIED","message":"The system is in read only mode. Any modification is prohibited."}]}`,
				})
			}
			b.Options.Credentials = login(tc.login, host)
			run := b.Sweep(keepOne)
			err := run.Err
			if err == nil {
				err = run.Result.Err
			}
			if !errors.Is(err, tc.kind) || !strings.Contains(hintOf(err), tc.hint) || strings.Contains(fmt.Sprint(err), tc.login.Password) {
				t.Errorf("got %v with the hint %q", err, hintOf(err))
			}
			if len(b.fake.Deleted()) > 0 {
				t.Error("something was deleted")
			}
			b.converges()
		})
	}
}

// What the registry repeats of a login is in no text, and the login goes to the registry's host alone.
func TestSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.HarborOptions{})
	b.fake.AddFault(registrytest.Fault{Path: list, Status: 400, Body: `{"errors":[{"code":"BAD_REQUEST","message":"bad ` + robot.Password + `"}]}`})
	run := b.Sweep(keepOne)
	if run.Err == nil || strings.Contains(run.Err.Error(), robot.Password) || !strings.Contains(run.Err.Error(), "***") {
		t.Errorf("got %v", run.Err)
	}
	b.converges()
	for at := range b.fake.Sent() {
		if at != host {
			t.Errorf("the login was sent to %s", at)
		}
	}
}

// The kind that is found out by the first answer costs as many requests as the kind by name.
func TestFoundOutWithoutARequest(t *testing.T) {
	t.Parallel()
	n := map[string]int{}
	for _, kind := range []string{"", "harbor"} {
		b := newBench(t, vendors.HarborOptions{})
		b.Options.Kind = kind
		b.fake.ResetRequests()
		r, traits := b.Repository()
		if _, err := r.Snapshot(t.Context(), registry.Query{}); err != nil {
			t.Fatal(err)
		}
		r, traits = r.(registry.Recognizer).Recognized()
		if _, can := r.(registry.TagDeleter); can || traits.Kind != "harbor" || !traits.PushTime || !traits.ListsUntagged {
			t.Errorf("%q: %T %+v", kind, r, traits)
		}
		for _, q := range b.fake.Requests() {
			if q.Status != http.StatusUnauthorized { // how many are sent before there is a token is a matter of time
				n[kind]++
			}
		}
	}
	if n[""] != n["harbor"] {
		t.Errorf("requests: %v", n)
	}
}

package gitlab_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
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
	fake   *vendors.GitLab
	images []oci.Digest
}

func newBench(t *testing.T, o vendors.GitLabOptions) *bench {
	t.Helper()
	o.Logins = append(o.Logins, job)
	f := vendors.NewGitLab(t, o)
	b := &bench{Bench: kindtest.NewBench(t, standOf(f, job)), fake: f}
	for n := range 4 {
		b.images = append(b.images, b.Aged(fmt.Sprint("b", n+1), 9-n))
	}
	return b
}

const list = "/gitlab/v1/*"

// converges holds the next runs, without a fault, to the policy.
func (b *bench) converges() {
	b.T.Helper()
	b.fake.ClearFaults()
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There(b.images[3:], b.images[:3])
}

// A list that is not whole, or not the registry's, deletes nothing.
func TestFaultsOfLists(t *testing.T) {
	t.Parallel()
	one, two := "sha256:"+strings.Repeat("1", 64), "sha256:"+strings.Repeat("2", 64)
	row := func(name, digest string) string { return fmt.Sprintf(`{"name":%q,"digest":%q}`, name, digest) }
	body := func(rows ...string) registrytest.Fault {
		return registrytest.Fault{Status: 200, Body: "[" + strings.Join(rows, ",") + "]"}
	}
	next := func(target string, times int) registrytest.Fault {
		return registrytest.Fault{Times: times, Edit: registrytest.SetHeader("Link", "<"+target+`>; rel="next"`)}
	}
	for name, tc := range map[string]struct {
		fault registrytest.Fault
		kind  error // nil: any
		text  string
	}{
		"a page of HTML":           {registrytest.Fault{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>login</html>"}, registry.ErrIncomplete, "not a list"},
		"null":                     {registrytest.Fault{Status: 200, Body: "null"}, registry.ErrIncomplete, "null"},
		"an object":                {registrytest.Fault{Status: 200, Body: `{"tags":[]}`}, registry.ErrIncomplete, "not a list"},
		"a row of null":            {body("null"), registry.ErrIncomplete, "digest"},
		"a digest that is not one": {body(row("b1", "sha256:../x")), registry.ErrIncomplete, "the digest"},
		"a tag that cannot be":     {body(row("a/b", one)), registry.ErrIncomplete, "cannot be"},
		"a tag that moved":         {body(row("b1", one), row("b1", two)), registry.ErrIncomplete, "run again"},
		"a time that is not one":   {body(`{"name":"b1","digest":"` + one + `","published_at":"yesterday"}`), registry.ErrIncomplete, "its time"},
		"tags without a manifest":  {body(row("b1", one)), registry.ErrIncomplete, "no manifest"},
		"a page of another host":   {next("https://elsewhere.example/gitlab/v1/repositories/acme/app/tags/list/?last=b4", 1), registry.ErrIncomplete, "another host"},
		"a page of another list":   {next("/gitlab/v1/repositories/acme/other/tags/list/?last=b4", 1), registry.ErrIncomplete, "another list"},
		"a list without an end":    {next("/gitlab/v1/repositories/acme/app/tags/list/?last=a", -1), registry.ErrIncomplete, "no end"},
		"a link that is no link":   {registrytest.Fault{Edit: registrytest.SetHeader("Link", "next page")}, registry.ErrIncomplete, "not understood"},
		"502 for good":             {registrytest.Fault{Status: 502, Times: -1}, nil, "502"},
		"429 for a day":            {registrytest.Fault{Status: 429, Header: http.Header{"Retry-After": {"86400"}}}, nil, "24h"},
		"403":                      {registrytest.Fault{Status: 403, Body: `{"errors":[{"code":"DENIED","message":"denied"}]}`}, registry.ErrForbidden, "DENIED"},
		"404 of the repository":    {registrytest.Fault{Status: 404, Body: `{"errors":[{"code":"NAME_UNKNOWN"}]}`}, registry.ErrUnknownRepository, "no such repository"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.GitLabOptions{})
			tc.fault.Path, tc.fault.After = list, 1 // the first request has no token
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

// What passes by itself costs nothing but time.
func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	deletion := func(f registrytest.Fault) func(*bench) {
		f.Method, f.Path = http.MethodDelete, "/v2/*"
		return func(b *bench) { b.fake.AddFault(f) }
	}
	unknown := `{"errors":[{"code":"UNKNOWN","message":"unknown error"}]}`
	for name, fault := range map[string]func(b *bench){
		"a list after 502":               func(b *bench) { b.fake.AddFault(registrytest.Fault{Path: list, Status: 502}) },
		"a list after 429":               func(b *bench) { b.fake.AddFault(registrytest.Fault{Path: list, Status: 429}) },
		"a list without an answer":       func(b *bench) { b.fake.AddFault(registrytest.Fault{Path: list, Break: true}) },
		"a deletion after 503":           deletion(registrytest.Fault{After: 2, Status: 503}),
		"a deletion without an answer":   deletion(registrytest.Fault{After: 2, Break: true}),
		"a deletion that broke the line": deletion(registrytest.Fault{After: 2, Break: true, Apply: true}),
		"a deletion of which 500 is said": deletion(registrytest.Fault{
			After: 2, Status: 500, Body: unknown, Apply: true,
		}),
		"500 once":             deletion(registrytest.Fault{After: 2, Status: 500, Body: unknown}),
		"500 to the first one": deletion(registrytest.Fault{After: 1, Status: 500, Body: unknown}),
		"a token that has expired": func(b *bench) {
			b.Options.Writers = 1 // a token must not expire between the token server and its first use
			b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, After: 2, Before: b.fake.ExpireTokens})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.GitLabOptions{})
			fault(b)
			b.Settled(b.Sweep(keepOne), keepOne)
			b.There(b.images[3:], b.images[:3])
		})
	}
}

// A registry that fails every deletion is broken, and that is said: it is not taken for one that keeps everything.
func TestFaultsOfEveryDeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.GitLabOptions{})
	b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, Times: -1, Status: 500, Body: `{"errors":[{"code":"UNKNOWN"}]}`})
	run := b.Sweep(keepOne)
	if got := run.Statuses(); run.Err != nil || got[prune.Failed] != 3 {
		t.Errorf("%v, %v: %+v", run.Err, run.Result.Err, run.Result.Outcomes)
	}
	b.Books(run)
	b.converges()
}

// push is what a repository gets; doomed is what has to be gone after one run, in any order that the registry takes.
func TestReferrersFirst(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		push    func(b *bench) (stay, gone []oci.Digest)
		want    map[prune.Status]int
		refused int // deletions that the registry was asked for in vain
	}{
		"a referrer with a tag of its own": {func(b *bench) (stay, gone []oci.Digest) {
			image := b.oci("c1")
			return nil, []oci.Digest{image, b.Push.Image(fixture.Image{Tags: []string{"sbom-c1"}, MediaType: fixture.OCIManifest, Subject: image})}
		}, map[prune.Status]int{prune.Deleted: 5}, 0},
		"a fallback index": {func(b *bench) (stay, gone []oci.Digest) {
			image := b.oci("c1")
			referrer, fallback := b.Push.Referrer(image, "application/spdx+json")
			return nil, []oci.Digest{image, referrer, fallback}
		}, map[prune.Status]int{prune.Deleted: 6}, 0},
		"a referrer that no list has": {func(b *bench) (stay, gone []oci.Digest) {
			image := b.oci("c1")
			return []oci.Digest{image, b.Push.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: image})}, nil
		}, map[prune.Status]int{prune.Deleted: 3, prune.Skipped: 1}, 5},
		"a child of an index that a tag has left": {func(b *bench) (stay, gone []oci.Digest) {
			shared, one, two := b.Child("shared", 9), b.Child("one", 9), b.Child("two", 9)
			old := b.Push.Index(fixture.Index{Tags: []string{"c1"}, Children: []oci.Digest{shared, one}})
			moved := b.Push.Index(fixture.Index{Tags: []string{"c1"}, Children: []oci.Digest{shared, two}})
			return []oci.Digest{old, shared, one}, []oci.Digest{moved, two}
		}, map[prune.Status]int{prune.Deleted: 5, prune.Skipped: 1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, vendors.GitLabOptions{})
			stay, gone := tc.push(b)
			run := b.Sweep(keepOne)
			if got := run.Statuses(); run.Err != nil || run.Result.Err != nil || !maps.Equal(got, tc.want) || len(run.Result.Unfinished) > 0 {
				t.Errorf("%v, %v, %v; %d unfinished", got, run.Err, run.Result.Err, len(run.Result.Unfinished))
			}
			if got := len(b.fake.Refused()); got > tc.refused {
				t.Errorf("%d refused: %+v", got, b.fake.Refused())
			}
			b.Books(run)
			b.There(append(stay, b.images[3]), append(gone, b.images[:3]...))
			b.fake.CollectGarbage(path)
			b.sweepsToTheEnd()
		})
	}
}

// oci pushes an image that can be the subject of another one.
func (b *bench) oci(tag string) oci.Digest {
	return b.Push.Image(fixture.Image{Tags: []string{tag}, Seed: tag, MediaType: fixture.OCIManifest, Created: kindtest.Ago(20)})
}

// sweepsToTheEnd holds later runs to end without an error and with nothing left to do.
func (b *bench) sweepsToTheEnd() {
	b.T.Helper()
	run := b.Sweep(keepOne)
	if run.Err != nil || run.Result.Err != nil || run.Statuses()[prune.Failed] > 0 {
		b.T.Fatalf("%v, %v, %+v", run.Err, run.Result.Err, run.Result.Outcomes)
	}
	b.Books(run)
	b.Again(keepOne)
}

// What GitLab protects is retained, also where it is the first that is to go; a login that may not delete is told so.
func TestProtected(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.GitLabOptions{})
	b.fake.AddFault(registrytest.Fault{ // a protection that no token tells of
		Method: http.MethodDelete, Path: "*" + b.images[0].String(), Times: -1, Status: 403, Body: `{"errors":[{"code":"DENIED","message":"denied"}]}`,
	})
	run := b.Sweep(keepOne)
	if got := run.Statuses(); run.Result.Err != nil || got[prune.Retained] != 1 || got[prune.Deleted] != 2 {
		t.Errorf("%+v", run.Result)
	}
	b.Settled(run, keepOne)

	reader := vendors.DeployToken("deploy", "d3ploy")
	b = newBench(t, vendors.GitLabOptions{Logins: []vendors.Login{reader}})
	b.Options.Credentials = login(reader, b.Host)
	run = b.Sweep(keepOne)
	if !errors.Is(run.Result.Err, registry.ErrForbidden) || len(b.fake.Deleted()) > 0 {
		t.Errorf("%+v", run.Result)
	}
	if hint := hintOf(run.Result.Err); !strings.Contains(hint, "CI_JOB_TOKEN") || !strings.Contains(hint, "Maintainer") {
		t.Errorf("the hint is %q", hint)
	}
	b.Options.Credentials = login(job, b.Host)
	b.converges()
}

// Where GitLab protects a tag, in either way, it refuses every deletion by digest. So tags are removed there, but for
// those that it protects, and GitLab collects what has lost them: an image with its signature, and the parts of an index.
func TestProtectedTags(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]vendors.GitLabOptions{
		"protected": {ProtectedTags: []string{"^b1$"}}, "immutable": {ImmutableTags: []string{"^b1$"}},
		"both": {ProtectedTags: []string{"^elsewhere$"}, ImmutableTags: []string{"^b1$"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, o)
			kept, signature := b.Push.Signature(b.images[0], ".sig"), b.Push.Signature(b.images[1], ".sig")
			referrer, fallback := b.Push.Referrer(b.oci("c1"), "application/spdx+json")
			child := b.Child("child", 9)
			index := b.Push.Index(fixture.Index{Tags: []string{"c2"}, Children: []oci.Digest{child}})
			run := b.Sweep(keepOne)
			if got := run.Statuses(); run.Err != nil || run.Result.Err != nil || got[prune.Failed] > 0 || got[prune.Deleted] != 6 || len(run.Result.Unfinished) > 0 {
				t.Errorf("%v, %v, %v, %d unfinished: %+v", got, run.Err, run.Result.Err, len(run.Result.Unfinished), run.Result.Outcomes)
			}
			if o := run.Result.Outcomes[child]; o.Status != prune.Skipped || !strings.Contains(o.Detail, "collects it by itself") {
				t.Errorf("the child of an index: %+v", o)
			}
			if refused := b.fake.Refused(); len(refused) > 0 {
				t.Errorf("refused: %+v", refused)
			}
			for tag, d := range b.fake.Tags(path) {
				if d != b.images[0] && d != kept && d != b.images[3] {
					t.Errorf("the tag %s is left", tag)
				}
			}
			b.Again(keepOne)
			b.fake.CollectGarbage(path)
			b.There([]oci.Digest{b.images[0], kept, b.images[3]}, append(b.images[1:3], signature, referrer, fallback, child, index))
			b.Again(keepOne)
		})
	}
}

// A tag that became protected while the run goes on is retained with its signature, whatever was known before.
func TestProtectedMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.GitLabOptions{ProtectedTags: []string{"^elsewhere$"}})
	signature := b.Push.Signature(b.images[1], ".sig")
	b.fake.AddFault(registrytest.Fault{
		Method: http.MethodDelete, Path: "*/b2", Times: -1, Status: 401, Body: `{"errors":[{"code":"PROTECTED_TAG","message":"tag is protected"}]}`,
	})
	run := b.Sweep(keepOne)
	if got := run.Statuses(); run.Err != nil || run.Result.Err != nil || got[prune.Retained] != 1 || got[prune.Deleted] != 2 {
		t.Errorf("%v, %v, %+v", run.Err, run.Result.Err, run.Result.Outcomes)
	}
	b.fake.CollectGarbage(path)
	b.There([]oci.Digest{b.images[1], signature, b.images[3]}, []oci.Digest{b.images[0], b.images[2]})
}

// hintOf returns the hint of an error, "" without one.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

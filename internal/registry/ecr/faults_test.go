package ecr_test

import (
	"context"
	"errors"
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

// ecrBench is a repository with four images, b1 to b4, of which the newest one stays.
type ecrBench struct {
	*kindtest.Bench
	fake   *vendors.ECR
	images []oci.Digest
}

func newBench(t *testing.T) *ecrBench {
	t.Helper()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := &ecrBench{Bench: kindtest.NewBench(t, standOf(f, inEnvironment(f.SessionKeys()), dockerLogin(f))), fake: f}
	for n, tag := range []string{"b1", "b2", "b3", "b4"} {
		b.images = append(b.images, b.Aged(tag, 9-n))
	}
	return b
}

// api adds a fault for calls of the API, after so many calls.
func (b *ecrBench) api(after int, f registrytest.Fault) {
	f.Method, f.Path, f.After = http.MethodPost, "/", after
	b.fake.AddFault(f)
}

// converges holds the next runs, without a fault and with good keys, to the policy: one run finishes, the one after it has
// nothing to do.
func (b *ecrBench) converges() {
	b.T.Helper()
	b.fake.ClearFaults()
	b.Options.Getenv = userKeys(b.fake).get
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

// details is a page of the list.
func details(next string, items ...string) string {
	return `{"imageDetails":[` + strings.Join(items, ",") + `],"nextToken":"` + next + `"}`
}

func item(repository, digest, tag string) string {
	return `{"repositoryName":"` + repository + `","imageDigest":"` + digest + `","imageTags":["` + tag +
		`"],"imageManifestMediaType":"application/vnd.docker.distribution.manifest.v2+json"}`
}

// A list that is not whole, not the repository's or not the service's deletes nothing.
func TestFaultsOfLists(t *testing.T) {
	t.Parallel()
	one := "sha256:" + strings.Repeat("1", 64)
	for name, tc := range map[string]struct {
		faults []registrytest.Fault
		kind   error // of the failed run; nil: any
		hint   string
		text   string
	}{
		"a page of HTML":           {[]registrytest.Fault{{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>login</html>"}}, registry.ErrIncomplete, "a proxy", "not understood"},
		"null":                     {[]registrytest.Fault{{Status: 200, Body: "null"}}, registry.ErrIncomplete, "a proxy", "no imageDetails"},
		"no list":                  {[]registrytest.Fault{{Status: 200, Body: "{}"}}, registry.ErrIncomplete, "a proxy", "no imageDetails"},
		"a list of null":           {[]registrytest.Fault{{Status: 200, Body: `{"imageDetails":null}`}}, registry.ErrIncomplete, "a proxy", "no imageDetails"},
		"a number":                 {[]registrytest.Fault{{Status: 200, Body: `{"imageDetails":7}`}}, registry.ErrIncomplete, "a proxy", "not understood"},
		"another repository":       {[]registrytest.Fault{{Status: 200, Body: details("", item("team/other", one, "b1"))}}, registry.ErrIncomplete, "", `"team/other"`},
		"a digest that is not one": {[]registrytest.Fault{{Status: 200, Body: details("", item("team/app", "sha256:../x", "b1"))}}, registry.ErrIncomplete, "", "the digest"},
		"a tag that cannot be":     {[]registrytest.Fault{{Status: 200, Body: details("", item("team/app", one, "a/b"))}}, registry.ErrIncomplete, "", "cannot be"},
		"a tag at two images": {
			[]registrytest.Fault{{Status: 200, Body: details("", item("team/app", one, "b1"), item("team/app", "sha256:"+strings.Repeat("2", 64), "b1"))}},
			registry.ErrIncomplete, "", "run again",
		},
		"an image that changes from page to page": {
			[]registrytest.Fault{{Status: 200, Body: details("more", item("team/app", one, "b1"))}, {Status: 200, Body: details("", item("team/app", one, "b2"))}},
			registry.ErrIncomplete, "", "changed while the list was read",
		},
		"a token that comes again":  {[]registrytest.Fault{{Status: 200, Body: details("same"), Times: -1}}, registry.ErrIncomplete, "", "no end"},
		"a token that is forgotten": {[]registrytest.Fault{{Status: 200, Body: details("lost", item("team/app", one, "b1"))}}, nil, "", "InvalidParameterException"},
		"throttled for good":        {[]registrytest.Fault{{Status: 400, Body: `{"__type":"ThrottlingException","message":"Rate exceeded"}`, Times: -1}}, registry.ErrLimited, "", "Rate exceeded"},
		"a day to wait":             {[]registrytest.Fault{{Status: 429, Header: http.Header{"Retry-After": {"86400"}}}}, registry.ErrLimited, "", "24h"},
		"500 for good":              {[]registrytest.Fault{{Status: 500, Body: `{"__type":"com.amazonaws.ecr#ServerException","message":"broken"}`, Times: -1}}, nil, "", "ServerException: broken"},
		"a redirect to another host": {
			[]registrytest.Fault{{Status: 307, Header: http.Header{"Location": {"https://ecr.example.com/"}}}}, nil, "", "307",
		},
		"a foreign signature": {[]registrytest.Fault{{Status: 400, Body: `{"__type":"InvalidSignatureException","message":"Signature expired"}`}}, registry.ErrUnauthorized, "the clock", "Signature expired"},
		"unknown keys":        {[]registrytest.Fault{{Status: 400, Body: `{"__type":"UnrecognizedClientException"}`}}, registry.ErrUnauthorized, "AWS_SESSION_TOKEN", "does not know the access key"},
		"expired keys":        {[]registrytest.Fault{{Status: 400, Body: `{"__type":"ExpiredTokenException"}`}}, registry.ErrUnauthorized, "configure-aws-credentials", "have expired"},
		"a missing right":     {[]registrytest.Fault{{Status: 400, Body: `{"__type":"AccessDeniedException","Message":"not authorized"}`}}, registry.ErrForbidden, "ecr:DescribeImages", "not authorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			for _, f := range tc.faults { // one after the other
				b.api(0, f)
			}
			run := b.Sweep(keepOne)
			if run.Err == nil || tc.kind != nil && !errors.Is(run.Err, tc.kind) {
				t.Fatalf("got %v, want %v", run.Err, tc.kind)
			}
			if got := hintOf(run.Err); !strings.Contains(got, tc.hint) || !strings.Contains(run.Err.Error(), tc.text) || strings.Contains(run.Err.Error(), "\n") {
				t.Errorf("got %q with the hint %q; want %q and %q", run.Err, got, tc.text, tc.hint)
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
	for name, fault := range map[string]func(b *ecrBench){
		"502":                        func(b *ecrBench) { b.api(0, registrytest.Fault{Status: 502}) },
		"throttled lists":            func(b *ecrBench) { b.fake.Throttle("DescribeImages", 2) },
		"throttled deletions":        func(b *ecrBench) { b.fake.Throttle("BatchDeleteImage", 2) },
		"a list without an answer":   func(b *ecrBench) { b.api(0, registrytest.Fault{Break: true}) },
		"an image that goes between": func(b *ecrBench) { b.api(1, registrytest.Fault{Before: func() { b.fake.Remove(b.Path, b.images[0]) }}) },
		"the same image on two pages": func(b *ecrBench) {
			b.api(0, registrytest.Fault{Edit: func(r *registrytest.Response) {
				r.Body = []byte(strings.Replace(string(r.Body), "{\"imageDetails\":[", "{\"nextToken\":\"\",\"imageDetails\":["+firstOf(r.Body)+",", 1))
			}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			fault(b)
			b.convergesNow()
		})
	}
}

// firstOf is the first image of a page.
func firstOf(page []byte) string {
	text := strings.TrimPrefix(string(page), `{"imageDetails":[`)
	first, _, _ := strings.Cut(text, "},{")
	return first + "}"
}

// convergesNow is converges with the faults in place.
func (b *ecrBench) convergesNow() {
	b.T.Helper()
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There(b.images[3:], b.images[:3])
}

// What becomes of a deletion is what the service's books say, whatever is answered.
func TestFaultsOfDeletions(t *testing.T) {
	t.Parallel()
	const gone, failed, unsettled, skipped, deleted = prune.Gone, prune.Failed, prune.Unsettled, prune.Skipped, prune.Deleted
	for name, tc := range map[string]struct {
		fault func(b *ecrBench) // after the plan, before the first look
		want  map[prune.Status]int
		kind  error // of the end of the run; nil: it ends well
		hint  string
	}{
		"gone meanwhile": {func(b *ecrBench) { b.fake.Remove(b.Path, b.images[1]) }, map[prune.Status]int{deleted: 2, gone: 1}, nil, ""},
		"gone at the last moment": {
			func(b *ecrBench) { b.api(1, registrytest.Fault{Before: func() { b.fake.Remove(b.Path, b.images[1]) }}) },
			map[prune.Status]int{deleted: 2, gone: 1},
			nil, "",
		},
		"500 after it was done":       {func(b *ecrBench) { b.api(1, registrytest.Fault{Apply: true, Status: 500}) }, map[prune.Status]int{gone: 3}, nil, ""},
		"no answer after it was done": {func(b *ecrBench) { b.api(1, registrytest.Fault{Apply: true, Break: true}) }, map[prune.Status]int{gone: 3}, nil, ""},
		"500 for good":                {func(b *ecrBench) { b.api(1, registrytest.Fault{Status: 500, Times: -1}) }, map[prune.Status]int{unsettled: 3}, nil, ""},
		"HTML":                        {func(b *ecrBench) { b.api(1, registrytest.Fault{Apply: true, Status: 200, Body: "<html>"}) }, map[prune.Status]int{unsettled: 3}, nil, ""},
		"null":                        {func(b *ecrBench) { b.api(1, registrytest.Fault{Status: 200, Body: "null"}) }, map[prune.Status]int{unsettled: 3}, nil, ""},
		"an image is not answered for": {
			func(b *ecrBench) {
				b.api(1, registrytest.Fault{Edit: func(r *registrytest.Response) {
					r.Body = []byte(strings.ReplaceAll(string(r.Body), b.images[1].String(), b.images[3].String()))
				}})
			},
			map[prune.Status]int{deleted: 2, unsettled: 1},
			nil, "",
		},
		"one fails": {func(b *ecrBench) { b.fake.Fail(b.images[0], "KmsError") }, map[prune.Status]int{failed: 1, deleted: 2}, nil, ""},
		"an index that nobody has seen lists one": {
			func(b *ecrBench) {
				b.api(1, registrytest.Fault{Before: func() { b.Push.Index(fixture.Index{Children: b.images[:1]}) }})
			},
			map[prune.Status]int{skipped: 1, deleted: 2},
			nil, "",
		},
		"a redirect that becomes a read": {
			func(b *ecrBench) { b.api(1, registrytest.Fault{Status: 303, Header: http.Header{"Location": {"/"}}}) },
			map[prune.Status]int{failed: 3},
			nil, "",
		},
		"throttled for good": {func(b *ecrBench) { b.fake.Throttle("BatchDeleteImage", 100) }, map[prune.Status]int{skipped: 3}, registry.ErrLimited, "next run"},
		"expired keys":       {func(b *ecrBench) { b.api(1, registrytest.Fault{Before: b.fake.ExpireKeys}) }, map[prune.Status]int{failed: 3}, registry.ErrUnauthorized, "right before this step"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) { tc.fault(b) })
			if run.Err != nil || !errors.Is(run.Result.Err, tc.kind) && tc.kind != nil || tc.kind == nil && run.Result.Err != nil {
				t.Errorf("got %v, %v; want %v", run.Err, run.Result.Err, tc.kind)
			}
			if got := hintOf(run.Result.Err); !strings.Contains(got, tc.hint) {
				t.Errorf("got the hint %q, want %q", got, tc.hint)
			}
			for status, n := range tc.want {
				if got := run.Statuses()[status]; got != n {
					t.Errorf("%s: got %d, want %d: %+v", status, got, n, run.Result.Outcomes)
				}
			}
			if name != "an index that nobody has seen lists one" {
				b.Books(run)
				b.fake.Fail(b.images[0], "")
				b.fake.Throttle("BatchDeleteImage", 0)
				b.converges()
			}
		})
	}
}

// A deletion that is on its way when the run is cancelled is waited for, and counted.
func TestFaultsCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	run := b.SweepIn(ctx, keepOne, func(retain.Plan) { b.api(1, registrytest.Fault{Before: cancel}) })
	if n := run.Statuses()[prune.Deleted]; n != 3 || !errors.Is(run.Result.Err, context.Canceled) && run.Result.Err != nil {
		t.Errorf("got %+v, %v", run.Result.Outcomes, run.Result.Err)
	}
	b.Books(run)
	b.converges()
}

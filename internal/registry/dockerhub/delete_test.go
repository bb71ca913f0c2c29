package dockerhub_test

import (
	"errors"
	"fmt"
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

var (
	keepOne = retain.Policy{KeepLast: 1}
	byPush  = retain.Policy{KeepLast: 1, Sort: retain.SortPushed}
)

// hintOf returns the hint of an error, "" without one.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// hubBench is a repository with four images, b1 to b4, of which the newest one stays.
type hubBench struct {
	*kindtest.Bench
	fake   *vendors.DockerHub
	images []oci.Digest
}

func newBench(t *testing.T, o vendors.DockerHubOptions) *hubBench {
	t.Helper()
	s, f := newStand(t, o)
	b := &hubBench{Bench: kindtest.NewBench(t, s), fake: f}
	for n, tag := range []string{"b1", "b2", "b3", "b4"} {
		b.images = append(b.images, b.Aged(tag, 9-n))
	}
	return b
}

func (b *hubBench) settled() {
	b.T.Helper()
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There(b.images[3:], b.images[:3])
}

// Docker Hub works in spite of these.
func TestWorks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options vendors.DockerHubOptions
		fault   func(b *hubBench)
	}{
		"the registry removes the tag that the API does not":  {vendors.DockerHubOptions{NoTokenTagDeletes: true, RegistryTagDeletes: true}, nil},
		"500 for the removal of a tag":                        {vendors.DockerHubOptions{TagFailures: 2}, nil},
		"500 that the registry's own removal does not have":   {vendors.DockerHubOptions{TagFailures: 100, RegistryTagDeletes: true}, nil},
		"a deletion that answers 500 and finishes by itself":  {vendors.DockerHubOptions{SlowDeletes: 1}, nil},
		"a deletion that answers 500 and finishes later":      {vendors.DockerHubOptions{SlowDeletes: 2, SlowReads: 2}, nil},
		"a list that still has what is deleted":               {vendors.DockerHubOptions{StaleReads: 1}, nil},
		"old tags of which the list does not have the digest": {vendors.DockerHubOptions{OldTags: []string{"b1", "b4"}}, nil},
		"tokens that expire": {vendors.DockerHubOptions{}, func(b *hubBench) {
			b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, Path: "/v2/repositories/*", After: 1, Before: b.fake.ExpireBearers})
		}},
		"a removed tag without an answer": {vendors.DockerHubOptions{}, func(b *hubBench) {
			b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, Path: "/v2/repositories/*", Apply: true, Break: true})
		}},
		"404 for a tag that is gone": {vendors.DockerHubOptions{}, func(b *hubBench) {
			b.fake.AddFault(registrytest.Fault{Method: http.MethodDelete, Path: "/v2/repositories/*", Before: func() { b.fake.Untag(path, "b1") }})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tc.options)
			if tc.fault != nil {
				tc.fault(b)
			}
			b.settled()
		})
	}
}

func tokens(token vendors.HubToken) []vendors.HubToken {
	return []vendors.HubToken{token, {User: "owner", Secret: vendors.HubAll}}
}

// What the login may not do ends the run with the name of what is missing, and nothing is lost.
func TestMayNot(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options vendors.DockerHubOptions
		fault   registrytest.Fault
		kind    error
		text    string
		hint    string
	}{
		"a token that reads":                  {vendors.DockerHubOptions{Tokens: tokens(vendors.HubToken{User: "acme", Secret: "dckr_pat_r", Access: vendors.HubRead})}, registrytest.Fault{}, registry.ErrForbidden, "403", "Read, Write, Delete"},
		"a token that reads, in old times":    {vendors.DockerHubOptions{DeniedStatus: 405, Tokens: tokens(vendors.HubToken{User: "acme", Secret: "dckr_pat_r", Access: vendors.HubRead})}, registrytest.Fault{}, registry.ErrForbidden, "405", "Read, Write, Delete"},
		"a member who is no administrator":    {vendors.DockerHubOptions{Tokens: tokens(vendors.HubToken{User: "acme", Secret: "dckr_pat_m", Member: []string{"acme"}})}, registrytest.Fault{}, registry.ErrForbidden, "403", "owner or administrator"},
		"no way for tokens":                   {vendors.DockerHubOptions{NoTokenTagDeletes: true}, registrytest.Fault{}, registry.ErrForbidden, "personal access token", "Read, Write, Delete"},
		"404 for a tag that is there":         {vendors.DockerHubOptions{}, registrytest.Fault{Method: http.MethodDelete, Path: "/v2/repositories/*", Times: -1, Status: 404, Body: `{"message":"object not found"}`}, nil, "", ""},
		"the limit of requests for a day":     {vendors.DockerHubOptions{}, registrytest.Fault{Method: http.MethodDelete, Path: "/v2/repositories/*", Times: -1, Status: 429, Header: http.Header{"Retry-After": {"86400"}}}, registry.ErrLimited, "429", ""},
		"a redirect that would become a read": {vendors.DockerHubOptions{}, registrytest.Fault{Method: http.MethodDelete, Path: "/v2/repositories/*", Times: -1, Status: 301, Header: http.Header{"Location": {"/"}}}, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tc.options)
			if tc.fault.Status != 0 {
				b.fake.AddFault(tc.fault)
			}
			run := b.Sweep(keepOne)
			if run.Err != nil {
				t.Fatal(run.Err)
			}
			if err := run.Result.Err; tc.kind != nil && (!errors.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.text) || !strings.Contains(hintOf(err), tc.hint) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("got %v with the hint %q, want %v, %q, %q", err, hintOf(err), tc.kind, tc.text, tc.hint)
			}
			b.Books(run)
			b.There(b.images, nil)
			if len(b.fake.Tags(path)) != 4 {
				t.Errorf("tags %v, want all four", b.fake.Tags(path))
			}
			b.fake.ClearFaults()
			b.Options.Credentials = login("owner", vendors.HubAll)
			if tc.options.Tokens != nil || tc.fault.Status != 0 {
				if tc.fault.Status != 0 {
					b.Options.Credentials = login("acme", vendors.HubAll)
				}
				b.settled()
			}
		})
	}
}

// A deletion that the service does not finish while the run looks is left to the next run.
func TestUnsettled(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.DockerHubOptions{SlowDeletes: 1, SlowReads: 1000})
	run := b.Sweep(keepOne)
	if n := run.Statuses(); n[prune.Unsettled] != 1 || n[prune.Deleted] != 2 || len(run.Result.Unfinished) != 1 {
		t.Errorf("got %+v, unfinished %v", run.Result.Outcomes, run.Result.Unfinished)
	}
	b.Books(run)
	asked := 0
	for _, r := range b.fake.Refused() {
		if r.Status == http.StatusInternalServerError {
			asked++
		}
	}
	if asked > 3 {
		t.Errorf("the deletion was asked for %d times", asked)
	}
	b.fake.Remove(path, b.images[0]) // as the service does in the end
	run = b.Sweep(keepOne)
	if run.Err != nil || run.Result.Err != nil || len(run.Result.Unfinished) > 0 {
		t.Errorf("got %v, %v, %v", run.Err, run.Result.Err, run.Result.Unfinished)
	}
	b.There(b.images[3:], b.images[:3])
}

// What an index needs that no list has is skipped, and the run goes on.
func TestInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.DockerHubOptions{})
	b.Push.Index(fixture.Index{Children: b.images[:1]})
	run := b.Sweep(keepOne)
	if run.Err != nil || run.Result.Err != nil || run.Result.Outcomes[b.images[0]].Status != prune.Skipped || run.Statuses()[prune.Deleted] != 2 {
		t.Errorf("got %v, %v, %+v", run.Err, run.Result.Err, run.Result.Outcomes)
	}
	b.Books(run)
	if run = b.Sweep(keepOne); run.Err != nil || run.Result.Err != nil || run.Statuses()[prune.Failed] > 0 {
		t.Errorf("the next run: %v, %v, %+v", run.Err, run.Result.Err, run.Result.Outcomes)
	}
}

// A tag that somebody has moved is left alone with what it points at now.
func TestMovedTag(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.DockerHubOptions{})
	moved := registrytest.Fault{Method: http.MethodHead, Path: "/v2/acme/app/manifests/b1", Before: func() { b.fake.SetTag(path, "b1", b.images[3]) }}
	run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) { b.fake.AddFault(moved) })
	b.Books(run)
	if run.Result.Err != nil || b.fake.Tags(path)["b1"] != b.images[3] {
		t.Errorf("got %v, tags %v", run.Result.Err, b.fake.Tags(path))
	}
	b.There(b.images[3:], b.images[:3])
}

// A thousand tags cost ten lists and one more that proves them, and no pull where no date of a build is asked for.
func TestNumbers(t *testing.T) {
	t.Parallel()
	s, f := newStand(t, vendors.DockerHubOptions{Limits: vendors.HubLimits{Pulls: 1_000_000, API: 1_000_000}})
	b := kindtest.NewBench(t, s)
	for n := range 1000 {
		b.Aged(fmt.Sprint("b", n), 9)
	}
	b.Multi("multi", 2)
	policy := byPush
	policy.KeepLast = 1000
	repo, _ := b.Repository()
	if _, err := repo.Snapshot(t.Context(), registry.Query{SkipDates: !policy.NeedsBuildDates()}); err != nil {
		t.Fatal(err)
	}
	if n := f.Count(http.MethodGet, "/v2/namespaces/*"); n != 12 || f.Pulls("acme") != 0 {
		t.Errorf("%d requests for lists, want 12; %d pulls, want none", n, f.Pulls("acme"))
	}
	b.Settled(b.Sweep(policy), policy)
}

// Where no pull is left, nothing is deleted, and the message says what needs none.
func TestPullLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, vendors.DockerHubOptions{Limits: vendors.HubLimits{Pulls: 2}})
	run := b.Sweep(keepOne)
	if !errors.Is(run.Err, registry.ErrLimited) || !strings.Contains(hintOf(run.Err), "--sort pushed") {
		t.Errorf("got %v with the hint %q", run.Err, hintOf(run.Err))
	}
	b.There(b.images, nil)
}

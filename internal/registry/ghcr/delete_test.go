package ghcr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

func token(secret string, change func(*vendors.GHCRToken)) []vendors.GHCRToken {
	tok := vendors.GHCRToken{Secret: secret, Scopes: []string{"write:packages", "delete:packages"}}
	if change != nil {
		change(&tok)
	}
	return []vendors.GHCRToken{tok}
}

// hintOf returns the hint of an error as the program finds it.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if !errors.As(err, &hinted) {
		return ""
	}
	return hinted.Hint()
}

// wants checks the kind of an error, what its text says, and what its hint says.
func wants(t *testing.T, err, kind error, text, hint string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(fmt.Sprint(err), text) || strings.Contains(fmt.Sprint(err), "\n") {
		t.Errorf("got error %v, want %v with %q", err, kind, text)
	}
	if got := hintOf(err); !strings.Contains(got, hint) {
		t.Errorf("%v: got hint %q, want %q", err, got, hint)
	}
}

// A token that may not delete: nothing counts as gone, and the cause is named.
func TestDenied(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		token []vendors.GHCRToken
		text  string
		hint  string
	}{
		"as if it were not there": {token("ghs_job", func(tok *vendors.GHCRToken) { tok.Denial = vendors.GHCRHidden }), "this token may not delete the version", "Admin role on the package"},
		"in words":                {token("ghs_job", func(tok *vendors.GHCRToken) { tok.Denial = vendors.GHCRForbidden }), "Resource not accessible by integration", "packages: write"},
		"a classic token without the scope": {
			token("ghp_read", func(tok *vendors.GHCRToken) { tok.Scopes = []string{"read:packages"} }), "lacks the scope delete:packages", "it has read:packages",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, vendors.GHCROptions{Tokens: tc.token})
			b := kindtest.NewBench(t, s.Stand)
			s.builds(b, 10)
			run := b.Sweep(keepOne)
			wants(t, run.Result.Err, registry.ErrForbidden, tc.text, tc.hint)
			b.Books(run)
			if n := run.Statuses(); n[prune.Deleted]+n[prune.Gone]+n[prune.Retained] > 0 || s.fake.Count("DELETE", "*") > 1 {
				t.Errorf("got %v after %d deletions", n, s.fake.Count("DELETE", "*"))
			}
		})
	}
}

// What somebody else has deleted meanwhile is gone, once GitHub says so twice.
func TestGone(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 5)
	var gone oci.Digest
	run := b.SweepIn(t.Context(), keepOne, func(p retain.Plan) {
		gone = p.Deletions()[0].Image.Digest
		s.fake.AddFault(registrytest.Fault{Method: "DELETE", Path: "*/versions/*", Before: func() { s.fake.Remove(path, gone) }})
	})
	b.Settled(run, keepOne)
	if run.Result.Outcomes[gone].Status != prune.Gone {
		t.Errorf("got %v", run.Result.Outcomes)
	}
}

// Whether a 404 is absence or a lack of rights may stay unknown.
func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{Tokens: token("ghs_job", func(tok *vendors.GHCRToken) { tok.Denial = vendors.GHCRHidden })})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 2)
	s.fake.AddFault(registrytest.Fault{Method: "GET", Path: "*/versions/*", Status: 500, Times: -1})
	run := b.Sweep(keepOne)
	if n := run.Statuses(); n[prune.Unsettled] != 1 && n[prune.Failed] != 1 {
		t.Errorf("got %v", n)
	}
}

// What GitHub keeps: the last tagged version, where that shows with the deletion only, and a popular one.
func TestRetained(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{Public: true})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 3)
	repo, _ := b.Repository()
	ctx := s.Context(t.Context())
	got, err := repo.Snapshot(ctx, registry.Query{SkipDates: true})
	if err != nil {
		t.Fatal(err)
	}
	byTag := map[string]oci.Image{}
	for _, i := range got.Images {
		byTag[i.Tags[0]] = i
	}
	s.fake.SetPopular(path, byTag["b0"].Digest)
	wants(t, repo.Delete(ctx, []oci.Image{byTag["b0"]})[0].Err, registry.ErrRetained, "more than 5000 downloads", "")
	s.fake.Untag(path, "b0")
	s.fake.Untag(path, "b1")
	wants(t, repo.Delete(ctx, []oci.Image{byTag["b2"]})[0].Err, registry.ErrRetained, "last tagged version", "")
}

// A redirect that would turn the deletion into a read is not followed.
func TestRedirectedDeletion(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{RedirectDeletes: true})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 3)
	run := b.Sweep(keepOne)
	b.Books(run)
	if n := run.Statuses(); n[prune.Failed] == 0 || n[prune.Deleted]+n[prune.Gone] > 0 {
		t.Errorf("got %v", run.Result.Outcomes)
	}
	if n := s.fake.Count("", "/organizations/*"); n > 0 {
		t.Errorf("the redirect was followed %d times", n)
	}
}

// A token that ends in the middle of a run ends the run, and what was done is known.
func TestRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{Tokens: token("ghs_job", nil)})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 20)
	s.fake.AddFault(registrytest.Fault{Method: "DELETE", Path: "*", After: 5, Before: func() { s.fake.Revoke("ghs_job") }})
	run := b.Sweep(keepOne)
	wants(t, run.Result.Err, registry.ErrUnauthorized, "401", "GITHUB_TOKEN")
	b.Books(run)
	if len(s.fake.Deleted()) == 0 || len(s.fake.Deleted()) > 19 {
		t.Errorf("deleted %d", len(s.fake.Deleted()))
	}
}

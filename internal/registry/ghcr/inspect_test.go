package ghcr_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// inspector is what a repository of this kind tells of the token.
type inspector interface {
	Probe(ctx context.Context) error
	Remaining(ctx context.Context) (left int, resets time.Time, known bool)
}

// Without a deletion only a missing scope shows.
func TestProbe(t *testing.T) {
	t.Parallel()
	for secret, tc := range map[string]struct {
		scopes []string
		kind   error
		hint   string
	}{
		"ghs_job":  {nil, registry.ErrTagDeletionUnclear, "Admin role"},
		"ghp_all":  {[]string{"write:packages", "delete:packages"}, registry.ErrTagDeletionUnclear, "Admin role"},
		"ghp_read": {[]string{"read:packages"}, registry.ErrForbidden, "delete:packages"},
		"ghp_none": {[]string{"repo"}, registry.ErrForbidden, "read:packages"},
	} {
		s := newStand(t, vendors.GHCROptions{Tokens: token(secret, func(tok *vendors.GHCRToken) { tok.Scopes = tc.scopes })})
		b := kindtest.NewBench(t, s.Stand)
		s.builds(b, 2)
		repo, _ := b.Repository()
		wants(t, repo.(inspector).Probe(s.Context(t.Context())), tc.kind, "", tc.hint)
		if n := s.fake.Count("DELETE", "*"); n > 0 {
			t.Errorf("%s: the probe sent %d deletions", secret, n)
		}
	}
}

// What is left of the quota is known from the answers, and asked for at no cost before the first one.
func TestRemaining(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{Tokens: token("ghs_job", nil)})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 2)
	repo, _ := b.Repository()
	ctx := s.Context(t.Context())
	for want := 1000; want >= 999; want-- {
		left, resets, known := repo.(inspector).Remaining(ctx)
		if !known || left != want || resets.Sub(s.clock.Now()) != time.Hour {
			t.Errorf("got %d until %v, %v, want %d", left, resets, known, want)
		}
		if _, err := repo.Snapshot(ctx, registry.Query{SkipDates: true}); err != nil {
			t.Fatal(err)
		}
	}
	server := newStand(t, vendors.GHCROptions{Server: "github.example.com"})
	repo, _ = kindtest.NewBench(t, server.Stand).Repository()
	if left, _, known := repo.(inspector).Remaining(ctx); known {
		t.Errorf("a server without limits has %d left", left)
	}
}

// A deletion finds the number of the version by itself. What the list does not have, the registry is asked for.
func TestDeleteWithoutAList(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	b := kindtest.NewBench(t, s.Stand)
	old := b.Aged("b1", 2)
	b.Aged("b2", 1)
	repo, _ := b.Repository()
	ctx := s.Context(t.Context())
	if got := repo.Delete(ctx, []oci.Image{{Digest: old}})[0]; !got.Existed || got.Err != nil {
		t.Errorf("got %+v", got)
	}
	if got := repo.Delete(ctx, []oci.Image{{Digest: old}})[0]; got.Existed || got.Err != nil {
		t.Errorf("a second time: %+v", got)
	}
	absent := oci.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	fresh := b.Aged("b3", 0)
	got := repo.Delete(ctx, []oci.Image{{Digest: absent}, {Digest: fresh}})
	if got[0].Existed || got[0].Err != nil {
		t.Errorf("what is not there: %+v", got[0])
	}
	if got[1].Existed || got[1].Err == nil || errors.Is(got[1].Err, registry.ErrNotFound) {
		t.Errorf("what the list does not have yet: %+v", got[1])
	}
}

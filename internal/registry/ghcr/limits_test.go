package ghcr_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

// The secondary limit is waited for, with the time that GitHub names or with a minute that doubles.
func TestSecondaryLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		requests, status int
		retryAfter       string
		least, most      time.Duration
	}{
		"with a time":            {1, 403, "17", 17 * time.Second, 18 * time.Second},
		"429 with a time":        {2, 429, "17", 34 * time.Second, 36 * time.Second},
		"without a time":         {1, 403, "", time.Minute, time.Minute},
		"without a time, thrice": {2, 429, "", 3 * time.Minute, 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, vendors.GHCROptions{})
			b := kindtest.NewBench(t, s.Stand)
			s.builds(b, 2)
			run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) { s.fake.LimitNext(tc.requests, tc.status, tc.retryAfter) })
			b.Settled(run, keepOne)
			if s.clock.waited < tc.least || s.clock.waited > tc.most {
				t.Errorf("waited %s", s.clock.waited)
			}
		})
	}
}

// A pause that is longer than a run should wait ends it, with the time at which it goes on.
func TestLongLimit(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 5)
	at := s.clock.Now().Add(time.Hour).Format("15:04")
	s.fake.LimitNext(1, 403, "3600")
	run := b.Sweep(keepOne)
	wants(t, run.Err, registry.ErrLimited, "until "+at+" UTC", "run again after that time")
	wants(t, run.Err, registry.ErrIncomplete, "list the versions", "")
	if s.clock.waited > 0 {
		t.Errorf("waited %s", s.clock.waited)
	}
}

// What does not fit into the hour's quota is skipped with the time at which it goes on, and looks still fit.
func TestQuota(t *testing.T) {
	t.Parallel()
	const secret = "ghs_job"
	s := newStand(t, vendors.GHCROptions{Tokens: token(secret, nil), Limits: vendors.GHCRLimits{Quota: 30}})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 60)
	at := s.clock.Now().Add(time.Hour).Format("15:04")
	run := b.Sweep(keepOne)
	wants(t, run.Result.Err, registry.ErrLimited, "until "+at+" UTC", "run again after that time")
	b.Books(run)
	n := run.Statuses()
	if n[prune.Deleted] < 10 || n[prune.Skipped] != 59-n[prune.Deleted] || len(run.Result.Warnings) > 0 {
		t.Errorf("got %v, %v", n, run.Result.Warnings)
	}
	for d, o := range run.Result.Outcomes {
		if o.Status == prune.Skipped && !strings.Contains(o.Detail, "until "+at+" UTC") {
			t.Errorf("%s: %s", d, o.Detail)
		}
	}
	for range 4 {
		s.clock.advance(time.Hour)
		run = b.Sweep(keepOne)
		b.Books(run)
	}
	b.Again(keepOne)
}

// Deletions leave as much of the quota as the looks after them take.
func TestReserve(t *testing.T) {
	t.Parallel()
	const secret = "ghs_job"
	s := newStand(t, vendors.GHCROptions{Tokens: token(secret, nil), Limits: vendors.GHCRLimits{Quota: 30}})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 3)
	s.fake.Spend(secret, 24)
	repo, _ := b.Repository()
	ctx := s.Context(t.Context())
	got, err := repo.Snapshot(ctx, registry.Query{SkipDates: true})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, repo.Delete(ctx, got.Images[:1])[0].Err, registry.ErrLimited, "the quota of this hour is used up", "other jobs with the same token")
	if n := s.fake.Count("DELETE", "*"); n > 0 || s.fake.Remaining(secret) != 5 {
		t.Errorf("%d deletions were sent, and %d requests are left", n, s.fake.Remaining(secret))
	}
}

// Where no quota is left, the list is cut short and nothing is deleted.
func TestNoQuota(t *testing.T) {
	t.Parallel()
	for _, left := range []int{0, 2} {
		const secret = "ghs_job"
		s := newStand(t, vendors.GHCROptions{Tokens: token(secret, nil)})
		b := kindtest.NewBench(t, s.Stand)
		s.builds(b, 250)
		s.fake.Spend(secret, 1000-left)
		_, err := s.list(b)
		wants(t, err, registry.ErrLimited, "until", "run again after that time")
		wants(t, err, registry.ErrIncomplete, "", "")
	}
}

// A run that is cancelled while it waits for a limit sends nothing more.
func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Context = func(ctx context.Context) context.Context {
		return registry.WithWait(ctx, func(ctx context.Context, _ time.Duration) error {
			cancel()
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 5)
	run := b.SweepIn(ctx, keepOne, func(retain.Plan) {
		s.fake.AddFault(registrytest.Fault{Method: "DELETE", Path: "*", After: 1, Before: func() { s.fake.LimitNext(10, 403, "") }})
	})
	if !errors.Is(run.Result.Err, context.Canceled) {
		t.Errorf("got %v", run.Result.Err)
	}
	b.Books(run)
}

package ghcr_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

// builds pushes images b0, the oldest, to b<n-1>, one a minute.
func (s stand) builds(b *kindtest.Bench, n int) {
	for i := range n {
		b.Push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", i)}, Created: s.clock.Now()})
		s.clock.advance(time.Minute)
	}
}

// served counts the answers of the registry that were a success: the first requests are sent without a token.
func (s stand) served(method, part string) (n int) {
	for _, r := range s.fake.Requests() {
		if r.Method == method && r.Status == http.StatusOK && strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// A thousand versions of which ten stay: what a run asks, by the fake's own count.
func TestRequestsOfAThousandVersions(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 1000)
	p := retain.Policy{KeepLast: 10, Sort: retain.SortPushed}
	const list, deletions = "/orgs/acme/packages/container/*/versions", "/orgs/acme/packages/container/*/versions/*"
	lists := 0
	run := b.SweepIn(t.Context(), p, func(retain.Plan) {
		lists = s.fake.Count("GET", list)
		if got := s.served("GET", "/manifests/"); got != 1000 {
			t.Errorf("%d manifests were read, want each once", got)
		}
	})
	b.Books(run)
	if lists != 10 {
		t.Errorf("the list took %d requests, want one for each of its ten pages", lists)
	}
	if got := s.fake.Count("DELETE", deletions); got != 990 || run.Statuses()[prune.Deleted] != 990 {
		t.Errorf("%d deletions, %v", got, run.Statuses())
	}
	if got := s.fake.Points(); got > 900 {
		t.Errorf("%d points in a minute", got)
	}
	if got := s.clock.waited; got < 5*time.Minute || got > 7*time.Minute {
		t.Errorf("990 deletions waited %s, want what 180 a minute take", got)
	}
	if s.clock.most > 10*time.Second {
		t.Errorf("a request waited %s, long after the look that allowed it", s.clock.most)
	}
	if got := s.served("GET", "/manifests/"); got != 1000 {
		t.Errorf("%d manifests were read in all", got)
	}
	s.fake.ResetRequests()
	b.Again(p)
	if got := s.fake.Count("GET", "/v2/*") + s.fake.Count("HEAD", "/v2/*"); got != 0 {
		t.Errorf("the second run asked the registry %d times", got)
	}
	if got := s.fake.Count("GET", list); got != 1 {
		t.Errorf("the second run asked %d times for the list", got)
	}
}

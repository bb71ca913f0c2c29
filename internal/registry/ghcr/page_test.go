package ghcr_test

import (
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// The list tells what the owner is, and that tells where the package's page is.
func TestPage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options vendors.GHCROptions
		want    string
	}{
		"organization":      {vendors.GHCROptions{}, "https://github.com/orgs/acme/packages/container/package/team%2Fapp"},
		"user":              {vendors.GHCROptions{Users: []string{"acme"}}, "https://github.com/users/acme/packages/container/package/team%2Fapp"},
		"Enterprise Server": {vendors.GHCROptions{Server: "github.example.com"}, ""}, // nobody has checked where its pages are
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, test.options)
			b := kindtest.NewBench(t, s.Stand)
			b.Push.Image(fixture.Image{Tags: []string{"b1"}})
			o := s.Options
			o.Transport, o.RetryBase = s.Fake.Transport(), time.Millisecond
			r, err := open(s.Host, o)
			if err != nil {
				t.Fatal(err)
			}
			page := r.(registry.Pager).Page
			if got := page(path); got != "" {
				t.Errorf("before a list: %s", got)
			}
			if _, err := r.Repository(path).Snapshot(s.Context(t.Context()), registry.Query{}); err != nil {
				t.Fatal(err)
			}
			if got := page(path); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := page("acme"); got != "" {
				t.Errorf("without a name: %s", got)
			}
		})
	}
}

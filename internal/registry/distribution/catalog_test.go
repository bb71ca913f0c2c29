package distribution_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestCatalog(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	for n := range 250 {
		reg.Pusher(t, fmt.Sprintf("team/app%d", n)).Image(fixture.Image{Tags: []string{"b1"}})
	}
	paths, err := client(reg).Catalog(t.Context())
	if err != nil || len(paths) != 250 || paths[9] != "team/app9" || paths[10] != "team/app10" {
		t.Errorf("got %d paths, %v: %v", len(paths), paths[:min(12, len(paths))], err)
	}
	if n := reg.Count(http.MethodGet, "/v2/_catalog"); n != 3 {
		t.Errorf("%d pages, want 3", n)
	}
}

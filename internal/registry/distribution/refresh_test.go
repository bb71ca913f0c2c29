package distribution_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestReread(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	for n := range 4 {
		push.Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", n)}, Created: built})
	}
	s := snapshot(t, reg)
	child := push.Image(fixture.Image{Seed: "child"})
	fresh := push.Index(fixture.Index{Tags: []string{"new"}, Children: []oci.Digest{child, find(t, s, s.Images[0].Digest).Digest}})
	reg.ResetRequests()
	later, err := client(reg).Repository("team/app").Refresh(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if i := find(t, later, fresh); len(i.Children) != 2 || !slices.Equal(i.Tags, []string{"new"}) {
		t.Errorf("the new index has tags %q and %d children", i.Tags, len(i.Children))
	}
	if heads, gets := reg.Count("HEAD", "*/manifests/*"), reg.Count("GET", "*/manifests/*"); heads != 5 || gets != 2 || len(reg.Requests()) != 8 {
		t.Errorf("%d HEADs, %d GETs, %d requests; want 5, 2 (the new ones) and 8", heads, gets, len(reg.Requests()))
	}
}

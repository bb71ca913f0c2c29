package run

import (
	"errors"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// A registry that goes away ends the run; one that is silent about some repositories does not.
func TestRankOfARegistryThatGoesAway(t *testing.T) {
	t.Parallel()
	broken, denied := errors.New("connection refused"), &registry.Error{Status: 403}
	s := ranker{asked: oci.Repository{Host: "registry.example.com", Path: Everything}}
	for _, between := range []error{nil, denied, registry.ErrIncomplete, registry.ErrUnknownRepository} {
		for range maxSilent - 1 {
			if err := s.visit("team/app", oci.Snapshot{}, broken); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.visit("team/app", oci.Snapshot{}, between); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxSilent {
		if err := s.visit("team/app", oci.Snapshot{}, broken); (err != nil) != (i == maxSilent-1) || err != nil && !errors.Is(err, errSilent) {
			t.Fatalf("after %d without an answer: %v", i+1, err)
		}
	}
}

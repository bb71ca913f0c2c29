package registrytest_test

import (
	"testing"

	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// What holds for the double holds for real registries: the e2e module runs the same tables there.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, v := range []registrytest.Version{registrytest.V2, registrytest.V3} {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			registrytest.Conformance(t, registrytest.Double(v, kinds.Open))
		})
	}
}

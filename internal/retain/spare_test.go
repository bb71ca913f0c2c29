package retain

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

func TestSpare(t *testing.T) {
	t.Parallel()
	const before = `policy: --keep-last 1
---
b3 1d
b2 2d lists ~arm ~amd
b1 3d
b0 4d
~arm 2d
~amd 2d
sig(b1) -
---
`
	for _, c := range []struct{ name, later, want string }{
		{"nothing changed", "b3 1d\nb2 2d lists ~arm ~amd\nb1 3d\nb0 4d\nsig(b1) -", ""},
		{"doomed tags are gone", "b3 1d", ""},
		{"a new tag on a doomed image", "b3 1d\nb2 2d lists ~arm ~amd\nb1,stable 3d\nb0 4d", "b1 sig(b1)"},
		{"the only kept tag moved to a doomed image", "b1,b3 3d\nx 1d", "b0 b1 b2 sig(b1) ~amd ~arm"},
		{"a doomed tag moved to another doomed image", "b3 1d\nb1,b0 3d", "b1 sig(b1)"},
		{"a new index with a doomed child", "b3 1d\nnew 1d lists ~arm ~other\n~other 1d", "~arm"},
		{"a new index with a doomed index inside", "b3 1d\nnew 1d lists b2\nb2 2d lists ~arm ~amd", "b2 ~amd ~arm"},
		{"nothing that was kept is left", "b1 3d\nb0 4d", "b0 b1 b2 sig(b1) ~amd ~arm"},
		{"somebody signs a doomed image", "b3 1d\nb2 2d lists ~arm ~amd\nb1 3d\nb0 4d\nsig(b0) -", "b0"},
		{"the repository is empty", "", "b0 b1 b2 sig(b1) ~amd ~arm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			first, _ := parseCase(t, before)
			plan := Decide(first.snapshot, first.policy, Context{}, testNow)
			later := testCase{names: map[oci.Digest]string{}}
			spared := plan.Spare(later.parseSnapshot(t, c.later))
			var got []string
			for d := range spared {
				got = append(got, first.names[d])
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("spared %q, want %q", s, c.want)
			}
			for _, why := range slices.Sorted(maps.Values(spared)) {
				if why == "" {
					t.Error("spared without a cause")
				}
			}
		})
	}
}

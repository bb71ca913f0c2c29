package retain

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

func TestRecheck(t *testing.T) {
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
		{"deleted tags are gone", "b3 1d", ""},
		{"a new tag on an image that is to be deleted", "b3 1d\nb2 2d lists ~arm ~amd\nb1,stable 3d\nb0 4d", "b1 sig(b1)"},
		{"the only kept tag moved to an image that is to be deleted", "b1,b3 3d\nx 1d", "b0 b1 b2 sig(b1) ~amd ~arm"},
		{"a tag moved between images that are to be deleted", "b3 1d\nb1,b0 3d", "b1 sig(b1)"},
		{"a new index with a child that is to be deleted", "b3 1d\nnew 1d lists ~arm ~other\n~other 1d", "~arm"},
		{"a new index with such an index inside", "b3 1d\nnew 1d lists b2\nb2 2d lists ~arm ~amd", "b2 ~amd ~arm"},
		{"nothing that was kept is left", "b1 3d\nb0 4d", "b0 b1 b2 sig(b1) ~amd ~arm"},
		{"somebody signs an image that is to be deleted", "b3 1d\nb2 2d lists ~arm ~amd\nb1 3d\nb0 4d\nsig(b0) -", "b0"},
		{"somebody makes a known image the signature of another", "b3,sig(b0) 1d\nb1 3d\nb0 4d", "b0"},
		{"the repository is empty", "", "b0 b1 b2 sig(b1) ~amd ~arm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			first, _ := parseCase(t, before)
			plan := Decide(first.snapshot, first.policy, Context{}, testNow)
			later := testCase{names: map[oci.Digest]string{}}
			stopped := plan.Recheck(later.parseSnapshot(t, c.later))
			var got []string
			for d := range stopped {
				got = append(got, first.names[d])
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("stopped %q, want %q", s, c.want)
			}
			for _, why := range slices.Sorted(maps.Values(stopped)) {
				if why == "" {
					t.Error("stopped without a cause")
				}
			}
		})
	}
}

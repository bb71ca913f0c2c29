package retain

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/oci"
)

// Several texts: each gives its reason, and each that names nothing is told.
func TestInUseOfSeveralTexts(t *testing.T) {
	t.Parallel()
	c, _ := parseCase(t, "policy: --keep-last 1\n---\nb3 1d\nb2 2d\nb1 3d\n---\n")
	for _, text := range []string{"pods b2", "other nothing", "list b1 b2 # why"} {
		source, text, _ := strings.Cut(text, " ")
		u, err := inuse.Parse(source, text)
		if err != nil {
			t.Fatal(err)
		}
		c.policy.InUse = append(c.policy.InUse, u)
	}
	const want = `keep b3: last 1 of 1
keep b2: in use (pods:1); in use (list:1: why)
keep b1: in use (list:1: why)
warning: --protect-file other names no image of this repository
`
	if got := c.format(Decide(c.snapshot, c.policy, Context{}, testNow)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	const english = "keep the last 1; protect latest and what pods, other and list name"
	if got := c.policy.String(); got != english {
		t.Errorf("got %q, want %q", got, english)
	}
	c.policy.Protect, _ = ParsePatterns("v*")
	c.policy.InUse = c.policy.InUse[:1]
	if got, want := c.policy.String(), "keep the last 1; protect latest, v* and what pods names"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// inUseCase adds to a random case that some of its images are in use, by tag or by digest, and returns their digests.
func inUseCase(r *rand.Rand, c *testCase) []oci.Digest {
	var used []oci.Digest
	text := "nothing-of-it\n"
	for _, i := range c.snapshot.Images {
		if r.IntN(4) > 0 {
			continue
		}
		name := testRepository.String() + "@" + string(i.Digest)
		if len(i.Tags) > 0 && r.IntN(2) == 0 {
			name = testRepository.String() + ":" + i.Tags[r.IntN(len(i.Tags))]
		}
		text += name + "\n"
		used = append(used, i.Digest)
		for _, index := range c.snapshot.Images {
			if strings.Contains(name, "@") && contains(c.snapshot, index.Digest, i.Digest) {
				used = append(used, index.Digest)
			}
		}
	}
	u, err := inuse.Parse("deploy.yaml", text)
	if err != nil {
		panic(err) // the first line names something
	}
	c.policy.InUse = []inuse.Text{u}
	return used
}

// contains reports whether an index contains a digest, at any depth.
func contains(s oci.Snapshot, index, digest oci.Digest) bool {
	for _, i := range s.Images {
		if i.Digest == index {
			return slices.ContainsFunc(i.Children, func(d oci.Digest) bool { return d == digest || contains(s, d, digest) })
		}
	}
	return false
}

// What must hold of any plan holds with images in use, and none of those is deleted.
func TestInUseInvariants(t *testing.T) {
	t.Parallel()
	eachSeed(t, 3, func(t *testing.T, _ uint64, r *rand.Rand) {
		c := randomCase(r)
		used := inUseCase(r, &c)
		checkCase(t, c, r)
		plan := Decide(c.snapshot, c.policy, c.context, testNow)
		kept := verdicts(plan)
		for _, d := range used {
			if kept[d] == Delete {
				t.Fatalf("%s is in use and deleted\n%s", c.names[d], c.format(plan))
			}
		}
	})
}

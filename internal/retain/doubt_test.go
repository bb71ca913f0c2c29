package retain

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// What speaks against a push is said where the registry does not have it, and nowhere else.
func TestRefusalOfADoubtfulPush(t *testing.T) {
	t.Parallel()
	repository := oci.Repository{Host: "registry.example.com", Path: "app"}
	s := oci.Snapshot{Repository: repository, Ghosts: []string{"ghost"}, Images: []oci.Image{{Digest: named("a"), Kind: oci.KindImage, Tags: []string{"b1"}, Created: testNow}}}
	doubt := oci.Doubt{Why: "100% of these builds do not push", Cure: "leave them out"}
	for name, c := range map[string]struct {
		pushed  oci.Reference
		refused string // "" when it is there
		doubted bool
	}{
		"the tag is not there":        {oci.Reference{Tag: "pr-1"}, "does not have this tag", true},
		"the digest is not there":     {oci.Reference{Digest: named("b")}, "does not have this digest", true},
		"the tag has an older digest": {oci.Reference{Tag: "b1", Digest: named("b")}, "the tag points at", true},
		"the tag has no manifest":     {oci.Reference{Tag: "ghost"}, "has no manifest for it", false},
		"it is there":                 {oci.Reference{Tag: "b1"}, "", false},
	} {
		for _, d := range []oci.Doubt{{}, doubt} {
			c.pushed.Repository = repository
			plan := Decide(s, Policy{KeepLast: 1}, Context{Pushed: []oci.Pushed{{Reference: c.pushed, Source: "argument", Doubt: d}}}, testNow)
			if c.refused == "" {
				if len(plan.Refusals) > 0 {
					t.Errorf("%s: refused: %s", name, plan.Refusals[0].Detail)
				}
				continue
			}
			if len(plan.Refusals) != 1 || !strings.Contains(plan.Refusals[0].Detail, c.refused) {
				t.Fatalf("%s: got %+v", name, plan.Refusals)
			}
			r, doubted := plan.Refusals[0], c.doubted && d == doubt
			if strings.HasSuffix(r.Detail, ": "+doubt.Why) != doubted || (r.Hint() == doubt.Cure) != doubted || r.Hint() == "" {
				t.Errorf("%s: got %q, hint %q", name, r.Detail, r.Hint())
			}
		}
	}
}

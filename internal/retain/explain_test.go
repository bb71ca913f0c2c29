package retain

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// said is an explanation in lines, as a test compares it.
func (c *testCase) said(e Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.Decision.Verdict)
	for _, r := range e.For {
		fmt.Fprintf(&b, "for %s: %s\n", r.Rule, c.translate(r.Detail))
	}
	for _, r := range e.Against {
		fmt.Fprintf(&b, "against %s: %s\n", r.Rule, c.translate(r.Detail))
	}
	for _, p := range e.Places {
		fmt.Fprintf(&b, "place %d of %d by %s in %q\n", p.Place, p.Of, p.Sort, p.Group)
	}
	for _, r := range e.Relatives {
		fmt.Fprintf(&b, "%s: %s %s\n", r.How, r.Verdict, cmp.Or(strings.Join(c.tagNames(r.Image), ","), "-"))
	}
	for _, x := range e.Changes {
		fmt.Fprintf(&b, "change %s (%d others)\n", x.Text, x.Others)
	}
	return b.String()
}

func TestExplain(t *testing.T) {
	t.Parallel()
	const repository = "---\nb5 1d\nb4,stable 2d\nb3 3d\nb2 4d\nb1 5d\nmulti 9d lists ~arm ~amd\n~arm 9d\n~amd 9d\nsig(b2) -\nodd -\n---\n"
	for name, c := range map[string]struct{ policy, which, want string }{
		"beyond the last": {"--keep-last 2", "b2", `delete
against keep-last: beyond the last 2
place 4 of 6 by created in ""
attached to it: delete sig(b2)
change --protect b2 (1 others)
change --keep-last 4 (2 others)
change --keep-younger-than 5d (2 others)
`},
		"kept by one rule": {"--keep-last 3", "b3", `keep
for keep-last: last 3 of 3
place 3 of 6 by created in ""
change --keep-last 2 (0 others)
`},
		"kept by two rules": {"--keep-last 3 --keep-younger-than 7d", "b3", `keep
for keep-last: last 3 of 3
for keep-younger-than: 3 days old, younger than 7 days
place 3 of 6 by created in ""
change --keep-last 2, --keep-younger-than 3d (3 others)
`},
		"the newest": {"--keep-last 3", "b5", `keep
for keep-last: last 1 of 3
place 1 of 6 by created in ""
`},
		"protected": {"--keep-last 1 --protect sta*,other", "stable", `keep
for protect: protected by sta*
against keep-last: beyond the last 1
place 2 of 6 by created in ""
change without --protect sta* (0 others)
`},
		"out of scope": {"--keep-last 1 --tags b*", "multi", `keep
for tags: out of scope
a part of it: keep -
a part of it: keep -
change --tags that match multi too (2 others)
`},
		"a part": {"--keep-last 2", "@~arm", `delete
against child: only part of multi, which is deleted
an index that lists it: delete multi
change --protect multi (2 others)
change --keep-last 6 (6 others)
change --keep-younger-than 10d (6 others)
`},
		"no date": {"--keep-last 5", "odd", `keep
for undated: no usable date
place 0 of 6 by created in ""
change --undated oldest (0 others)
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc, _ := parseCase(t, "policy: "+c.policy+"\n"+repository)
			which := c.which
			if n, is := strings.CutPrefix(which, "@"); is {
				which = named(n).String()
			}
			got, found := Explain(tc.snapshot, tc.policy, tc.context, testNow, which)
			if text := tc.said(got); !found || text != c.want {
				t.Errorf("got\n%s\nwant\n%s", text, c.want)
			}
		})
	}
	tc, _ := parseCase(t, "policy: --keep-last 1\n"+repository)
	if _, found := Explain(tc.snapshot, tc.policy, tc.context, testNow, "b6"); found {
		t.Error("an image that is not there is explained")
	}
}

// Whatever the repository and the policy are, an explanation has the verdict of the plan, a kept image has a reason for it,
// a deleted one a reason against, and none of its changes is what the policy says already.
func TestExplainInvariants(t *testing.T) {
	t.Parallel()
	turned := 0
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 77))
		c := randomCase(r)
		if len(c.snapshot.Images) == 0 {
			continue
		}
		plan := Decide(c.snapshot, c.policy, c.context, testNow)
		d := plan.Decisions[r.IntN(len(plan.Decisions))]
		e, found := Explain(c.snapshot, c.policy, c.context, testNow, d.Image.Digest.String())
		switch {
		case !found || e.Decision.Verdict != d.Verdict:
			t.Errorf("seed %d: explained as %s, planned as %s", seed, e.Decision.Verdict, d.Verdict)
		case d.Verdict == Keep && len(e.For) == 0, d.Verdict == Delete && (len(e.For) > 0 || len(e.Against) == 0):
			t.Errorf("seed %d: %s for %v, against %v", seed, d.Verdict, e.For, e.Against)
		}
		turned += len(e.Changes)
	}
	if turned < 100 {
		t.Errorf("only %d changes in all: the cases show too little", turned)
	}
}

package retain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/live"
)

// setLive gives a case the lines of a file of names that still exist.
func (c *testCase) setLive(lines ...string) {
	var err error
	if c.policy.Live, err = live.Parse("refs.txt", strings.Join(lines, "\n")); err != nil {
		panic(err) // a mistake in the test
	}
	c.live = lines
}

// refLines are lines of which some fit the groups of random cases.
var refLines = []string{
	"refs/heads/main", "refs/heads/dev", "refs/heads/DEV", "refs/heads/feat/x", "origin/web", "team/api", "b", "v", "rel", "refs/heads/b2", "e", "m", "1",
	"refs/pull/1/head", "PR-2", "3", "refs/tags/v1.1.0", "v1.2.0", "refs/tags/1.0.1^{}", "refs/heads/a-branch-with-a-long-name-that-is-cut-short", "edge", "arm",
	"# main", "other", "x/y/z", "trunk", "HEAD",
}

// randomLive gives a third of the cases with groups some names that still exist.
func (c *testCase) randomLive(r *rand.Rand) {
	if c.policy.GroupBy.IsZero() || r.IntN(3) == 0 {
		return
	}
	lines := []string{pick(r, refLines[:5])}
	for range r.IntN(8) {
		lines = append(lines, pick(r, refLines))
	}
	c.setLive(lines...)
}

// randomNone lets some of the cases with a scope keep nothing by rule.
func (c *testCase) randomNone(r *rand.Rand) {
	if len(c.policy.Tags) == 0 || r.IntN(4) > 0 {
		return
	}
	p := Policy{
		Tags: c.policy.Tags, Protect: c.policy.Protect, NoProtectLatest: c.policy.NoProtectLatest, Sort: c.policy.Sort, Undated: c.policy.Undated,
		Untagged: c.policy.Untagged, KeepNone: true,
	}
	if p.Validate() == nil { // else the scope is every tag
		c.policy, c.live = p, nil
	}
}

// inOtherForms are the same names as other commands of git print them, in another order.
func inOtherForms(lines []string, r *rand.Rand) []string {
	out := slices.Clone(lines)
	for n, line := range out {
		object := strings.Repeat(fmt.Sprintf("%x", n%16), 40)
		switch r.IntN(5) {
		case 0:
			out[n] = "  " + line + "\r"
		case 1:
			out[n] = line + " # a comment"
		case 2:
			if !strings.HasPrefix(line, "#") {
				out[n] = object + "\t" + line
			}
		case 3:
			if strings.HasPrefix(line, "refs/heads/") {
				out[n] = object + " commit\t" + line
			}
		case 4:
			if name, ok := strings.CutPrefix(line, "refs/heads/"); ok {
				out[n] = "* " + name
			}
		}
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return append(out, pick(r, out), "")
}

// brokenLive returns which promises of names that still exist, and of keeping nothing by rule, a plan breaks.
func brokenLive(c testCase, plan Plan, r *rand.Rand) []string {
	var out []string
	if len(c.live) > 0 {
		same := c
		same.setLive(inOtherForms(c.live, r)...)
		if again := Decide(same.snapshot, same.policy, same.context, testNow); again.digestsDeleted() != plan.digestsDeleted() || len(again.Refusals) != len(plan.Refusals) {
			out = append(out, fmt.Sprintf("the form of the names matters: %q and %q", c.live, same.live))
		}
		more := c
		more.setLive(append(slices.Clone(c.live), pick(r, refLines))...)
		kept := verdicts(Decide(more.snapshot, more.policy, more.context, testNow))
		for _, d := range plan.Decisions {
			if d.Verdict == Keep && kept[d.Image.Digest] == Delete && !emergency(plan) {
				out = append(out, fmt.Sprintf("%s more in the names deletes %s", more.live[len(more.live)-1], c.names[d.Image.Digest]))
			}
		}
	}
	for _, d := range plan.Decisions {
		for _, reason := range d.Reasons {
			byRule := slices.Contains([]Rule{RuleLast, RuleYounger, RuleSemver, RuleVoid, RuleUndated, RuleNoVersion, RuleExpireGroups}, reason.Rule)
			if c.policy.KeepNone && d.Verdict == Keep && byRule {
				out = append(out, fmt.Sprintf("%s stays by a rule: %s", c.names[d.Image.Digest], reason.Detail))
			}
		}
	}
	return out
}

// digestsDeleted is what a plan deletes, as a text.
func (p Plan) digestsDeleted() string {
	var out []string
	for _, d := range p.Deletions() {
		out = append(out, string(d.Image.Digest))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

package retain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/oci"
)

// setLive gives a case the lines of a file of names that still exist.
func (c *testCase) setLive(lines ...string) {
	refs, err := live.Parse("refs.txt", strings.Join(lines, "\n"))
	if err != nil {
		panic(err) // a mistake in the test
	}
	c.policy.Live, c.live = refs.WrittenAt(c.policy.Live.Written()), lines
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
	if r.IntN(2) == 0 {
		c.policy.Live = c.policy.Live.WrittenAt(testNow.Add(-time.Duration(r.IntN(6)) * time.Duration(1+23*r.IntN(2)) * time.Hour))
	}
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

func count(n *atomic.Int64, yes bool) {
	if yes {
		n.Add(1)
	}
}

// someSeeds is eachSeed for one in five of the cases: those of TestOracle and TestInvariants have names that still exist too.
func someSeeds(t *testing.T, stream uint64, f func(t *testing.T, seed uint64, r *rand.Rand)) {
	t.Helper()
	eachSeed(t, stream, func(t *testing.T, seed uint64, r *rand.Rand) {
		if seed/8%5 == 0 { // in each part
			f(t, seed, r)
		}
	})
}

// liveCase is a case with groups and names that still exist.
func liveCase(r *rand.Rand) timedCase {
	for {
		if c := hardCase(r); len(c.live) > 0 {
			return c
		}
	}
}

// TestLiveOracle compares Decide with the page on repositories with groups that are live, gone, expired and void.
func TestLiveOracle(t *testing.T) {
	t.Parallel()
	var gone, void, refused, young atomic.Int64
	t.Cleanup(func() {
		if young.Load() == 0 {
			t.Error("no group is newer than the names")
		}
		if gone.Load() == 0 || void.Load() == 0 || refused.Load() == 0 {
			t.Errorf("%d images are deleted because their groups are gone, %d stay in a void group that is gone, %d plans are refused", gone.Load(), void.Load(), refused.Load())
		}
	})
	someSeeds(t, 5, func(t *testing.T, seed uint64, r *rand.Rand) {
		c := liveCase(r)
		if disagreement(c) != "" {
			c = shrunk(c)
			t.Fatalf("seed %d: %s\n%s", seed, disagreement(c), c.written())
		}
		plan := Decide(c.snapshot, c.policy, c.context, c.now)
		o := &theory{images: c.snapshot.Images, policy: c.policy, refs: c.live, now: c.now}
		for _, d := range plan.Decisions {
			has := func(rule Rule) bool {
				return slices.ContainsFunc(d.Reasons, func(r Reason) bool { return r.Rule == rule })
			}
			count(&young, slices.ContainsFunc(d.Groups(), func(g string) bool { return !o.isLive(g) && o.tooNew(o.newestIn(g)) }))
			count(&gone, d.Verdict == Delete && has(RuleLive))
			count(&void, has(RuleVoid) && slices.ContainsFunc(d.Groups(), func(g string) bool { return !o.isLive(g) }))
		}
		count(&refused, slices.ContainsFunc(plan.Refusals, func(r Refusal) bool { return r.Guard == GuardLive }))
	})
}

// TestLiveInvariants holds that a name more deletes nothing more, that the order and the form of the names do not matter,
// and everything else that must hold of any plan.
func TestLiveInvariants(t *testing.T) {
	t.Parallel()
	someSeeds(t, 6, func(t *testing.T, _ uint64, r *rand.Rand) {
		for {
			if c := randomCase(r); len(c.live) > 0 {
				checkCase(t, c, r)
				return
			}
		}
	})
}

// TestKeepNoneOracle does the same where nothing is kept by rule.
func TestKeepNoneOracle(t *testing.T) {
	t.Parallel()
	someSeeds(t, 7, func(t *testing.T, seed uint64, r *rand.Rand) {
		var c timedCase
		for !c.policy.KeepNone {
			c = hardCase(r)
		}
		if disagreement(c) != "" {
			c = shrunk(c)
			t.Fatalf("seed %d: %s\n%s", seed, disagreement(c), c.written())
		}
	})
}

func TestKeepNoneValidate(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"--keep-none":                                      "keep-none needs tags, because without them it would give up the whole repository",
		"--keep-none --tags *":                             "keep-none needs tags that do not match every tag, as * does",
		"--keep-none --tags **":                            "do not match every tag",
		"--keep-none --tags ?*":                            "do not match every tag",
		"--keep-none --tags re:.*":                         "do not match every tag",
		"--keep-none --tags re:.+":                         "do not match every tag",
		"--keep-none --tags re:[\\w.-]+":                   "do not match every tag",
		"--keep-none --tags [a-z]*,[A-Z]*,[0-9]*,_*":       "do not match every tag",
		"--keep-none --tags pr-1 --keep-last 1":            "keep-none and a keep rule exclude each other: the rule is to keep the last 1",
		"--keep-none --tags pr-1 --keep-younger-than 3d":   "exclude each other",
		"--keep-none --tags pr-1 --group-by ^(.+)-[0-9]+$": "keep-none and group-by exclude each other",
		"--keep-none --tags pr-1 --expire-groups 3d":       "needs group-by",
		"--keep-none --tags re:pr-1(-.+)?,x":               "",
		"--keep-none --tags pr-1-*,pr-1 --max-delete 50%":  "",
		"--keep-none --tags pr-1-* --protect pr-1-demo":    "",
		"--keep-none --tags pr-1-* --untagged 7d":          "",
		"--keep-none --tags pr-1-* --no-protect-latest":    "",
		"--keep-none --tags [a-z]* --sort name":            "",
		"--keep-none --tags pr-1-* --undated oldest":       "",
		"--keep-last 1 --group-by ^(.+)-[0-9]+$ --tags b*": "",
	} {
		err := parsePolicy(t, flags).Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", flags, err, want)
		}
	}
	p := parsePolicy(t, "--keep-last 1")
	if p.Live, _ = live.Parse("refs.txt", "main"); p.Validate() == nil {
		t.Error("--live needs no --group-by")
	}
	if got, want := parsePolicy(t, "--keep-none --tags re:pr-1(-.+)?").String(), "keep nothing by rule; only tags re:pr-1(-.+)?; protect latest"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.GroupBy, _ = ParseGrouping("^(.+)-[0-9]+$")
	want := "keep the last 1, in each group of ^(.+)-[0-9]+$; keep nothing by rule in groups that refs.txt does not name; protect latest"
	if got := p.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.ExpireGroups = Age{3, "d"}
	if got, want := p.String(), "groups without a new image for 3 days that refs.txt does not name; protect"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestKeepNoneLongerNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pattern, longer, exact string }{
		{"pr-12*", "pr-123 pr-123-x pr-1200", "pr-12 pr-12-x pr-12x pr-1 pr-13"},
		{"pr-12?", "pr-123", "pr-12x pr-12 pr-1234"},
		{"*-12*-x", "pr-123-x", "pr-12-x pr-12-3-x"},
		{"pr-12-*", "", "pr-12-3 pr-123 pr-12-34"},
		{"pr-12", "", "pr-12 pr-123"},
		{"re:pr-12.*", "pr-123 pr-123-x", "pr-12 pr-12-x pr-12x"},
		{"re:^pr-12.*$", "pr-123", "pr-12"},
		{"re:pr-12(-.+)?", "", "pr-12 pr-12-3 pr-123"},
		{"re:pr-12[0-9]*x?", "pr-123", "pr-12"},
		{"re:(pr|mr)-12.*", "", "pr-123"},
	} {
		p, err := ParsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range strings.Fields(c.longer) {
			if !p.longerNumber(tag) {
				t.Errorf("%s: the number of %s is not longer", c.pattern, tag)
			}
		}
		for _, tag := range strings.Fields(c.exact) {
			if p.longerNumber(tag) {
				t.Errorf("%s: the number of %s is longer", c.pattern, tag)
			}
		}
	}
}

// TestLiveRefuses has the files that do not fit a repository.
func TestLiveRefuses(t *testing.T) {
	t.Parallel()
	builds := "main-1 1d\nmain-2 2d\n"
	for _, c := range []struct{ name, live, images, want string }{
		{"another repository", "live: master\nlive: refs/pull/1/head\n", builds + "old-1 1d\n", "refs.txt names no group of this repository, such as main: the names do not fit"},
		{"nothing is gone", "live: main\n", builds, ""},
		{"no pull requests", "live: main\n", builds + "pr-3-1 1d\n", "names no pull request, so it does not say whether pr-3 still exists: add the open pull requests to it"},
		{"a pull request", "live: main\nlive: refs/pull/0/head\n", builds + "pr-3-1 1d\n", ""},
		{"no branches", "live: PR-3\n", builds + "pr-3-1 1d\n", "names no branch, so it does not say whether main still exists"},
		{"branches of another repository", "live: main\nlive: u\nlive: v\nlive: w\nlive: x\n", builds + "a-1 1d\nb-1 1d\nc-1 1d\nd-1 1d\ne-1 1d\n", "names 5 branches, and this repository has no image of any but the usual ones such as main"},
		{"one of them fits", "live: main\nlive: e\nlive: v\nlive: w\nlive: x\n", builds + "a-1 1d\nb-1 1d\nc-1 1d\nd-1 1d\ne-1 1d\nf-1 1d\n", ""},
		{"few are gone", "live: main\nlive: u\nlive: v\nlive: w\nlive: x\n", builds + "a-1 1d\nb-1 1d\nc-1 1d\nd-1 1d\n", ""},
	} {
		parsed, _ := parseCase(t, "policy: --keep-last 1 --group-by ^(.+)-[0-9]+$\n"+c.live+"---\n"+c.images+"---\n")
		got := Decide(parsed.snapshot, parsed.policy, Context{}, testNow).Refusals
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0].Guard != GuardLive || !strings.Contains(got[0].Detail, c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, got, c.want)
		}
	}
}

// BenchmarkDecideLive decides 5,000 groups, half of which are gone, with 5,000 names that still exist.
func BenchmarkDecideLive(b *testing.B) {
	for _, n := range []int{10000, 30000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			groups := n / 20
			s := oci.Snapshot{Repository: testRepository}
			for i := range n {
				s.Images = append(s.Images, oci.Image{
					Digest: named(fmt.Sprint(i)), Kind: oci.KindImage, Tags: []string{fmt.Sprintf("team-feature-%d-%d", i%groups, i)},
					Created: testNow.Add(-time.Duration(r.IntN(500*24)) * time.Hour),
				})
			}
			var c testCase
			c.policy = parsePolicy(b, "--keep-last 3 --keep-younger-than 14d --group-by ^(.+)-[0-9]+$")
			var lines []string
			for i := range groups {
				lines = append(lines, fmt.Sprintf("refs/heads/team/feature/%d", i+groups/2))
			}
			c.setLive(lines...)
			b.ReportAllocs()
			for b.Loop() {
				if p := Decide(s, c.policy, Context{}, testNow); len(p.Refusals) > 0 {
					b.Fatal(p.Refusals)
				}
			}
		})
	}
}

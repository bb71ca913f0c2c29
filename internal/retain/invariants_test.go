package retain

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// broken returns which promises a plan breaks.
func broken(c testCase, p Plan) []string {
	var out []string
	fail := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	verdicts := map[oci.Digest]Verdict{}
	for _, d := range p.Decisions {
		if verdicts[d.Image.Digest] != "" {
			fail("%s is decided twice", c.names[d.Image.Digest])
		}
		verdicts[d.Image.Digest] = d.Verdict
		if len(d.Reasons) == 0 {
			fail("%s has no reason", c.names[d.Image.Digest])
		}
	}
	if len(p.Decisions) != len(c.snapshot.Images) {
		fail("%d decisions for %d images", len(p.Decisions), len(c.snapshot.Images))
	}
	tagged, left := 0, 0
	for _, i := range c.snapshot.Images {
		name, doomed := c.names[i.Digest], verdicts[i.Digest] == Delete
		if counted(i) && len(i.Tags) > 0 {
			tagged++
			if !doomed {
				left++
			}
		}
		for _, t := range i.Tags {
			_, attached := oci.AttachmentSubject(t)
			_, protected := matching(c.policy.Protect, t)
			protected = protected || t == "latest" && !c.policy.NoProtectLatest
			_, inside := matching(c.policy.Tags, t)
			pushed := slices.ContainsFunc(c.context.Pushed, func(p oci.Pushed) bool { return p.Tag == t })
			if doomed && (protected || pushed || (len(c.policy.Tags) > 0 && !inside && !attached)) {
				fail("%s is deleted though %s is protected, just built or out of scope", name, t)
			}
		}
		if doomed && slices.ContainsFunc(c.context.Pushed, func(p oci.Pushed) bool { return p.Digest == i.Digest }) {
			fail("%s is deleted though it was pushed by digest", name)
		}
		if p := c.policy; doomed && len(i.Tags) > 0 && counted(i) && !p.KeepYoungerThan.IsZero() && p.ExpireGroups.IsZero() && p.Live.IsZero() &&
			dateUnder(p, i).After(p.KeepYoungerThan.Before(testNow)) && !dateUnder(p, i).After(testNow.Add(clockSkew)) && (p.sort() != SortSemver) {
			fail("%s is deleted though it is young enough", name)
		}
		for _, child := range i.Children {
			if !doomed && verdicts[child] == Delete {
				fail("%s is deleted though %s lists it and stays", c.names[child], name)
			}
		}
		for _, s := range i.Subjects() {
			orphan := verdicts[s] == "" && len(i.Tags) == 0
			if doomed && verdicts[s] != Delete && !orphan {
				fail("%s is deleted though what it is attached to is not", name)
			}
		}
	}
	for _, t := range c.snapshot.Ghosts {
		_, protected := matching(c.policy.Protect, t)
		if protected && !slices.ContainsFunc(p.Refusals, func(r Refusal) bool { return r.Guard == GuardUnreadable && strings.Contains(r.Detail, t) }) {
			fail("%s is protected and cannot be read, and the plan is not refused for it", t)
		}
	}
	rules := func(d Decision) bool { // --untagged is no keep rule, and goes on without one
		return c.policy.Untagged.IsZero() || counted(d.Image) && len(d.Image.Tags) > 0
	}
	if slices.ContainsFunc(p.Deletions(), rules) && mustBeVoid(c) {
		fail("images are deleted though no keep rule can apply to any")
	}
	if tagged > 0 && left == 0 {
		fail("the repository is emptied")
	}
	return out
}

// dateUnder is the date that the policy takes first.
func dateUnder(p Policy, i oci.Image) time.Time {
	if p.Sort == SortPushed {
		return i.Pushed
	}
	if i.Created.IsZero() && p.Undated == UndatedPushed {
		return i.Pushed
	}
	return i.Created
}

// mustBeVoid reports whether a policy needs versions where no tag has a dot, or dates where no image has any.
func mustBeVoid(c testCase) bool {
	p := c.policy
	dated := slices.ContainsFunc(c.snapshot.Images, func(i oci.Image) bool { return !dateUnder(p, i).IsZero() })
	dotted := slices.ContainsFunc(c.snapshot.Images, func(i oci.Image) bool { return strings.Contains(strings.Join(i.Tags, ""), ".") })
	byDate := !p.KeepYoungerThan.IsZero() || p.KeepHourly+p.KeepDaily+p.KeepWeekly+p.KeepMonthly+p.KeepYearly > 0
	return !p.KeepNone && p.KeepLast == 0 && (!byDate || !dated) && (p.KeepSemver.IsZero() || !dotted) && len(c.context.Pending) == 0
}

// randomCase makes a small repository of everything that can occur, and a policy.
func randomCase(r *rand.Rand) testCase {
	c := testCase{names: map[oci.Digest]string{}, snapshot: oci.Snapshot{Repository: testRepository}}
	var earlier []oci.Digest
	tag, used := 0, map[string]bool{}
	undated := r.IntN(8) == 0 // all of them
	forms := []string{"b%d", "v1.%d.0", "rel-%d", "1.%d"}
	if r.IntN(6) == 0 {
		forms = []string{"b%d", "rel-%d"}
	}
	for n := range r.IntN(14) {
		name := fmt.Sprintf("i%d", n)
		i := oci.Image{Digest: named(name), Kind: oci.KindImage}
		c.names[i.Digest] = name
		if r.IntN(5) > 0 && !undated { // equal dates on purpose
			if r.IntN(2) == 0 {
				i.Pushed = testNow.Add(-time.Duration(r.IntN(6)) * time.Duration(1+23*r.IntN(2)) * time.Hour)
			}
			i.Created = testNow.Add(-time.Duration(r.IntN(6)-1) * time.Duration(1+23*r.IntN(2)) * time.Hour)
		}
		for range r.IntN(3) {
			i.Tags = append(i.Tags, fmt.Sprintf(pick(r, forms), tag))
			tag++
		}
		if len(earlier) > 0 && r.IntN(3) == 0 {
			i.Kind = oci.KindIndex
			for range 1 + r.IntN(2) {
				i.Children = append(i.Children, earlier[r.IntN(len(earlier))])
			}
			if r.IntN(6) == 0 {
				i.Children = append(i.Children, named("nowhere"))
				i.Missing = append(i.Missing, named("nowhere"))
			}
		}
		if len(earlier) > 0 && i.Kind == oci.KindImage && r.IntN(3) == 0 {
			subject := earlier[r.IntN(len(earlier))]
			if r.IntN(8) == 0 {
				subject = named("nowhere")
			}
			if r.IntN(2) == 0 {
				i.Subject = subject
			} else {
				attached := "sha256-" + subject.Encoded() + []string{"", ".sig"}[r.IntN(2)]
				if !used[attached] { // a tag is on one image
					used[attached] = true
					i.Tags = append(i.Tags, attached)
				}
				for _, e := range c.snapshot.Images { // the fallback tag's index lists the subject's referrers
					if e.Subject == subject && strings.HasSuffix(attached, subject.Encoded()) {
						i.Children = append(i.Children, e.Digest)
					}
				}
			}
		}
		earlier = append(earlier, i.Digest)
		c.snapshot.Images = append(c.snapshot.Images, i)
	}
	if r.IntN(4) == 0 {
		c.snapshot.Ghosts = []string{fmt.Sprintf(pick(r, forms), tag), "b"}
	}
	c.listsUntagged = r.IntN(2) == 0
	classify(&c.snapshot, c.seen(c.snapshot))
	c.policy = randomPolicy(r)
	c.randomLive(r)
	c.randomNone(r)
	if len(c.snapshot.Images) > 0 && r.IntN(2) == 0 {
		i := c.snapshot.Images[r.IntN(len(c.snapshot.Images))]
		p := oci.Pushed{Reference: oci.Reference{Repository: testRepository, Digest: i.Digest}}
		if len(i.Tags) > 0 {
			p.Tag = i.Tags[0]
		}
		c.context.Pushed = append(c.context.Pushed, p)
	}
	return c
}

// seen names what a snapshot has without a tag: what was pushed by digest, and everything where the registry lists it.
func (c testCase) seen(s oci.Snapshot) []oci.Pushed {
	if !c.listsUntagged {
		return c.context.Pushed
	}
	var out []oci.Pushed
	for _, i := range s.Images {
		out = append(out, oci.Pushed{Reference: oci.Reference{Digest: i.Digest}})
	}
	return out
}

// classify gives images the kinds that a snapshot would give them, and drops what a snapshot would not see: it reads
// what tags lead to, and what was pushed by digest.
func classify(s *oci.Snapshot, pushed []oci.Pushed) {
	seen := map[oci.Digest]bool{}
	for _, p := range pushed {
		seen[p.Digest] = true
	}
	for before := -1; before < len(seen); {
		before = len(seen)
		for _, i := range s.Images {
			if len(i.Tags) > 0 || seen[i.Digest] {
				seen[i.Digest] = true
				for _, c := range i.Children {
					seen[c] = true
				}
			}
		}
	}
	s.Images = slices.DeleteFunc(s.Images, func(i oci.Image) bool { return !seen[i.Digest] })
	listed := map[oci.Digest]bool{}
	for _, i := range s.Images {
		for _, c := range i.Children {
			listed[c] = true
		}
	}
	for n := range s.Images {
		i := &s.Images[n]
		ordinary := slices.ContainsFunc(i.Tags, func(t string) bool { _, ok := oci.AttachmentSubject(t); return !ok })
		switch {
		case i.Subject != "" || (len(i.Tags) > 0 && !ordinary):
			i.Kind = oci.KindAttachment
		case len(i.Tags) == 0 && listed[i.Digest]:
			i.Kind = oci.KindChild
		case len(i.Children) > 0:
			i.Kind = oci.KindIndex
		default:
			i.Kind = oci.KindImage
		}
	}
}

func randomPolicy(r *rand.Rand) Policy {
	p := Policy{Sort: []Sort{"", SortCreated, SortPushed, SortSemver, SortName}[r.IntN(5)], Undated: []Undated{"", UndatedKeep, UndatedOldest, UndatedPushed}[r.IntN(4)]}
	p.KeepLast = r.IntN(4)
	for _, n := range []*int{&p.KeepHourly, &p.KeepDaily, &p.KeepWeekly, &p.KeepMonthly, &p.KeepYearly} {
		*n = max(0, r.IntN(8)-5)
	}
	if r.IntN(4) == 0 {
		p.KeepSemver = Versions{1 + r.IntN(2), []string{"", "major", "minor"}[r.IntN(3)]}
	}
	if r.IntN(3) == 0 {
		p.GroupBy, _ = ParseGrouping([]string{`^(.+)-[0-9]+$`, `^(.)(.*)$`, `^v?([0-9]+)\..*$`}[r.IntN(3)])
		if r.IntN(2) == 0 {
			p.ExpireGroups = Age{1 + r.IntN(4), "d"}
		}
	}
	if len(p.keepRules()) == 0 || p.KeepLast > 0 && r.IntN(2) == 0 || r.IntN(3) == 0 {
		p.KeepYoungerThan = Age{1 + r.IntN(5), "d"}
	}
	p.KeepTagged = r.IntN(12) == 0
	if r.IntN(2) == 0 {
		p.Untagged = Age{1 + r.IntN(5), "d"}
	}
	globs := []string{"b*", "v*", "rel-*", "*1*", "re:1\\.[0-9]+"}
	if r.IntN(3) == 0 {
		p.Tags, _ = ParsePatterns(globs[r.IntN(len(globs))])
	}
	if r.IntN(3) == 0 {
		p.Protect, _ = ParsePatterns(globs[r.IntN(len(globs))])
	}
	return p
}

// checkCase checks everything that must hold of any repository and policy.
func checkCase(t *testing.T, c testCase, r *rand.Rand) {
	t.Helper()
	before := fmt.Sprintf("%#v", c.snapshot)
	plan := Decide(c.snapshot, c.policy, c.context, testNow)
	if after := fmt.Sprintf("%#v", c.snapshot); after != before {
		t.Fatalf("the input was changed:\n%s\n%s", before, after)
	}
	problems := append(broken(c, plan), brokenLive(c, plan, r)...)
	shuffled := c.snapshot
	shuffled.Images = slices.Clone(c.snapshot.Images)
	r.Shuffle(len(shuffled.Images), func(i, j int) {
		shuffled.Images[i], shuffled.Images[j] = shuffled.Images[j], shuffled.Images[i]
	})
	if again := Decide(shuffled, c.policy, c.context, testNow); !reflect.DeepEqual(again, plan) {
		problems = append(problems, "the order of the input matters:\n"+c.format(again))
	}
	looser := c.policy
	for _, n := range []*int{&looser.KeepLast, &looser.KeepHourly, &looser.KeepDaily, &looser.KeepWeekly, &looser.KeepMonthly, &looser.KeepYearly, &looser.KeepSemver.n, &looser.KeepYoungerThan.n, &looser.ExpireGroups.n} {
		if *n > 0 {
			*n += r.IntN(2)
		}
	}
	kept := verdicts(Decide(c.snapshot, looser, c.context, testNow))
	for _, d := range plan.Decisions {
		if emergency(plan) { // a looser policy that keeps a part of its own need not keep what stood in for nothing at all
			break
		}
		if d.Verdict == Keep && kept[d.Image.Digest] == Delete {
			problems = append(problems, "a looser policy deletes "+c.names[d.Image.Digest])
		}
	}
	rest := oci.Snapshot{Repository: c.snapshot.Repository}
	for _, d := range plan.Decisions {
		if d.Verdict == Keep {
			rest.Images = append(rest.Images, d.Image)
		}
	}
	classify(&rest, c.seen(rest))
	for _, d := range Decide(rest, c.policy, c.context, testNow).Deletions() {
		// What stays only because the repository would be empty may go once something else stays by itself: an image that
		// was also the attachment of a deleted one is an orphan then, and orphans are kept.
		if !onlyEmergency(plan, d.Image.Digest) {
			problems = append(problems, "a second run deletes "+c.names[d.Image.Digest])
		}
	}
	if len(problems) > 0 {
		t.Fatalf("%s\n%s\npolicy %+v\npushed %v\nimages %+v", strings.Join(problems, "\n"), c.format(plan), c.policy, c.context, c.snapshot.Images)
	}
}

// onlyEmergency reports whether a plan keeps an image for no other reason than that the repository would be empty.
func onlyEmergency(p Plan, d oci.Digest) bool {
	return slices.ContainsFunc(p.Decisions, func(x Decision) bool {
		return x.Image.Digest == d && len(x.Reasons) == 1 && x.Reasons[0].Rule == RuleNeverEmpty
	})
}

// emergency reports whether an image stays only because the repository would be empty.
func emergency(p Plan) bool {
	return slices.ContainsFunc(p.Decisions, func(d Decision) bool {
		return slices.ContainsFunc(d.Reasons, func(r Reason) bool { return r.Rule == RuleNeverEmpty })
	})
}

func verdicts(p Plan) map[oci.Digest]Verdict {
	out := map[oci.Digest]Verdict{}
	for _, d := range p.Decisions {
		out[d.Image.Digest] = d.Verdict
	}
	return out
}

func TestInvariants(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, func(t *testing.T, _ uint64, r *rand.Rand) { checkCase(t, randomCase(r), r) })
}

// FuzzDecide looks for a repository and a policy that break a promise; the seed makes both.
func FuzzDecide(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		checkCase(t, randomCase(r), r)
	})
}

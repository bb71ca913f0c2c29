package retain

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/live"
)

// TestOracle compares Decide with a second reading of docs/retention.md on random repositories.
func TestOracle(t *testing.T) {
	t.Parallel()
	eachSeed(t, 2, func(t *testing.T, seed uint64, r *rand.Rand) {
		var c timedCase
		if seed/8%2 == 0 { // in each part
			c = timedCase{randomCase(r), testNow}
		} else {
			c = hardCase(r)
		}
		if disagreement(c) != "" {
			c = shrunk(c)
			t.Fatalf("seed %d: %s\n%s", seed, disagreement(c), c.written())
		}
	})
}

// written writes a case in the notation, as far as it has a word for everything.
func (c *timedCase) written() string {
	for _, i := range c.snapshot.Images {
		c.names[i.Digest] = "~" + c.names[i.Digest]
		if len(i.Tags) > 0 && !attachmentTag(i.Tags[0]) {
			c.names[i.Digest] = i.Tags[0]
		}
	}
	p := c.policy
	var b strings.Builder
	fmt.Fprintf(&b, "now: %s\npolicy:", c.now)
	flag := func(name string, value any, set bool) {
		if set {
			fmt.Fprintf(&b, " --%s %v", name, value)
		}
	}
	flag("keep-tagged", p.KeepTagged, p.KeepTagged)
	flag("keep-last", p.KeepLast, p.KeepLast > 0)
	flag("keep-younger-than", fmt.Sprint(p.KeepYoungerThan.n, p.KeepYoungerThan.unit), !p.KeepYoungerThan.IsZero())
	flag("keep-hourly", p.KeepHourly, p.KeepHourly > 0)
	flag("keep-daily", p.KeepDaily, p.KeepDaily > 0)
	flag("keep-weekly", p.KeepWeekly, p.KeepWeekly > 0)
	flag("keep-monthly", p.KeepMonthly, p.KeepMonthly > 0)
	flag("keep-yearly", p.KeepYearly, p.KeepYearly > 0)
	flag("keep-semver", fmt.Sprint(p.KeepSemver.n, "/", p.KeepSemver.per), p.KeepSemver.n > 0)
	flag("sort", p.Sort, p.Sort != "")
	flag("untagged", fmt.Sprint(p.Untagged.n, p.Untagged.unit), !p.Untagged.IsZero())
	flag("undated", p.Undated, p.Undated != "")
	flag("group-by", p.GroupBy, !p.GroupBy.IsZero())
	flag("expire-groups", fmt.Sprint(p.ExpireGroups.n, p.ExpireGroups.unit), !p.ExpireGroups.IsZero())
	flag("tags", p.Tags, len(p.Tags) > 0)
	flag("protect", p.Protect, len(p.Protect) > 0)
	flag("no-protect-latest", "", p.NoProtectLatest)
	flag("keep-none", "", p.KeepNone)
	flag("written", p.Live.Written(), !p.Live.Written().IsZero())
	for _, line := range c.live {
		b.WriteString("\nlive: " + line)
	}
	for _, x := range c.context.Pushed {
		fmt.Fprintf(&b, "\npushed: %s@%s", x.Tag, c.names[x.Digest])
	}
	b.WriteString("\n---\n")
	for _, i := range c.snapshot.Images {
		fmt.Fprintf(&b, "%s %s", cmp.Or(strings.Join(i.Tags, ","), c.names[i.Digest]), i.Created.Format(time.RFC3339Nano))
		if len(i.Tags) > 0 && attachmentTag(i.Tags[0]) {
			fmt.Fprintf(&b, " as %s", c.names[i.Digest])
		}
		for n, x := range i.Children {
			fmt.Fprintf(&b, "%s %s", []string{" lists", ""}[min(n, 1)], cmp.Or(c.names[x], "nowhere"))
		}
		if i.Subject != "" {
			fmt.Fprintf(&b, " subject %s", cmp.Or(c.names[i.Subject], "nowhere"))
		}
		b.WriteString("\n")
	}
	out := b.String()
	for d, name := range c.names {
		out = strings.ReplaceAll(out, "sha256-"+d.Encoded(), "attached("+name+")")
	}
	return out + "---\n" + c.format(Decide(c.snapshot, c.policy, c.context, c.now))
}

// disagreement says for which images Decide and the page differ, "" when they do not.
func disagreement(c timedCase) string {
	plan := Decide(c.snapshot, c.policy, c.context, c.now)
	got, want := verdicts(plan), oracle(c.testCase, c.now)
	var out []string
	refused := slices.ContainsFunc(plan.Refusals, func(r Refusal) bool { return r.Guard == GuardGroupBy })
	o := &theory{images: c.snapshot.Images, policy: c.policy, refs: c.live, now: c.now}
	if refused != o.namesNoGroup() {
		out = append(out, fmt.Sprintf("refused for its groups: Decide says %v, the page %v", refused, !refused))
	}
	if refused := slices.ContainsFunc(plan.Refusals, func(r Refusal) bool { return r.Guard == GuardLive }); refused != o.namesDoNotFit(c.snapshot.Ghosts) {
		out = append(out, fmt.Sprintf("refused for its live names: Decide says %v, the page %v", refused, !refused))
	}
	for _, i := range c.snapshot.Images {
		if got[i.Digest] != want[i.Digest] {
			out = append(out, fmt.Sprintf("%s: Decide says %s, the page %s", c.names[i.Digest], got[i.Digest], want[i.Digest]))
		}
	}
	return strings.Join(out, "\n")
}

// shrunk takes things away from a case as long as it is a disagreement.
func shrunk(c timedCase) timedCase {
	for again := true; again; {
		again = false
		for _, smaller := range smallerCases(c) {
			classify(&smaller.snapshot, smaller.seen(smaller.snapshot))
			if smaller.policy.Validate() == nil && disagreement(smaller) != "" {
				c, again = smaller, true
				break
			}
		}
	}
	return c
}

// smallerCases are the cases with one thing less.
func smallerCases(c timedCase) (out []timedCase) {
	without := func(change func(*timedCase)) {
		d := c
		d.context.Pushed, d.snapshot.Images = slices.Clone(c.context.Pushed), slices.Clone(c.snapshot.Images)
		change(&d)
		out = append(out, d)
	}
	for n, i := range c.snapshot.Images {
		without(func(d *timedCase) { d.snapshot.Images = slices.Delete(d.snapshot.Images, n, n+1) })
		for t := range i.Tags {
			without(func(d *timedCase) { d.snapshot.Images[n].Tags = slices.Delete(slices.Clone(i.Tags), t, t+1) })
		}
		for t := range i.Children {
			without(func(d *timedCase) { d.snapshot.Images[n].Children = slices.Delete(slices.Clone(i.Children), t, t+1) })
		}
		if i.Subject != "" {
			without(func(d *timedCase) { d.snapshot.Images[n].Subject = "" })
		}
		if day := c.now.AddDate(0, 0, -n).UTC(); i.Size == 0 { // the size, which decides nothing, says that it was tried
			without(func(d *timedCase) { d.snapshot.Images[n].Created, d.snapshot.Images[n].Size = day, 1 })
		}
	}
	for n := range c.live {
		if len(c.live) > 1 {
			without(func(d *timedCase) { d.setLive(slices.Delete(slices.Clone(c.live), n, n+1)...) })
		}
	}
	for n := range c.context.Pushed {
		without(func(d *timedCase) { d.context.Pushed = slices.Delete(d.context.Pushed, n, n+1) })
	}
	for _, change := range []func(p *Policy){
		func(p *Policy) { p.KeepTagged = false }, func(p *Policy) { p.Tags = nil }, func(p *Policy) { p.Protect = nil }, func(p *Policy) { p.NoProtectLatest = true }, func(p *Policy) { p.KeepLast = 0 },
		func(p *Policy) { p.KeepYoungerThan = Age{} }, func(p *Policy) { p.KeepHourly = 0 }, func(p *Policy) { p.KeepDaily = 0 },
		func(p *Policy) { p.KeepWeekly = 0 }, func(p *Policy) { p.KeepMonthly = 0 }, func(p *Policy) { p.KeepYearly = 0 },
		func(p *Policy) { p.KeepSemver = Versions{} }, func(p *Policy) { p.KeepSemver.per = "" }, func(p *Policy) { p.Sort = "" },
		func(p *Policy) { p.Undated = "" }, func(p *Policy) { p.ExpireGroups = Age{} },
		func(p *Policy) { p.GroupBy, p.ExpireGroups, p.Live = Grouping{}, Age{}, live.Refs{} }, func(p *Policy) { p.Live = live.Refs{} },
	} {
		d := c
		if change(&d.policy); !reflect.DeepEqual(d.policy, c.policy) {
			if d.policy.Live.IsZero() {
				d.live = nil
			}
			out = append(out, d)
		}
	}
	return out
}

package retain

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Change is a change of the policy that turns the verdict on an image.
type Change struct {
	// Text says it in flags, such as "--keep-last 7".
	Text string
	// Others is how many other verdicts it turns as well.
	Others int
}

// turner looks for changes that turn the verdict on an image, by deciding again with them.
type turner struct {
	snapshot oci.Snapshot
	policy   Policy
	context  Context
	now      time.Time
	entry    *entry
	decided  *decider
}

// edit is one change of a policy.
type edit struct {
	text  string
	apply func(*Policy)
}

func (t turner) changes() []Change {
	if t.policy.Validate() != nil {
		return nil
	}
	if t.entry.stays() {
		return t.toDelete()
	}
	return t.toKeep()
}

// with is the policy with some changes.
func (t turner) with(edits ...edit) Policy {
	p := t.policy
	p.Tags, p.Protect = slices.Clone(p.Tags), slices.Clone(p.Protect)
	for _, e := range edits {
		e.apply(&p)
	}
	return p
}

// stays reports whether the image stays under a policy.
func (t turner) stays(p Policy) bool {
	return decide(t.snapshot, p, t.context, t.now).family.byDigest[t.entry.image.Digest].stays()
}

// change counts what a policy turns in addition.
func (t turner) change(text string, p Policy) Change {
	others := 0
	after := decide(t.snapshot, p, t.context, t.now)
	for _, e := range t.decided.entries {
		if e != t.entry && e.stays() != after.family.byDigest[e.image.Digest].stays() {
			others++
		}
	}
	return Change{text, others}
}

// toKeep returns the changes that keep an image that is deleted.
func (t turner) toKeep() []Change {
	var out []Change
	for _, r := range t.counts() {
		if !r.given(t.policy) && r.rule != RuleLast {
			continue
		}
		now := r.count(t.policy)
		n := now + 1 + sort.Search(len(t.snapshot.Images), func(i int) bool { return t.stays(t.with(r.edit(now + 1 + i))) })
		if p := t.with(r.edit(n)); t.stays(p) {
			out = append(out, t.change(r.edit(n).text, p))
		}
	}
	edits := t.ages(func(text string, age Age) edit {
		return edit{"--keep-younger-than " + text, func(p *Policy) { p.KeepYoungerThan = age }}
	}, t.entry.rank.created, true)
	if t.entry.untagged {
		edits = t.ages(func(text string, age Age) edit {
			return edit{"--untagged " + text, func(p *Policy) { p.Untagged = age }}
		}, t.untaggedSince(), true)
	}
	if name := t.protectable(); name != "" {
		edits = append(edits, edit{"--protect " + name, func(p *Policy) {
			if pattern, err := ParsePatterns(name); err == nil {
				p.Protect = append(p.Protect, pattern...)
			}
		}})
	}
	for _, e := range edits {
		if p := t.with(e); t.stays(p) {
			out = append(out, t.change(e.text, p))
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return a.Others - b.Others })
	return out
}

// protectable is a tag whose protection could keep the image: its own, or that of something that needs it.
func (t turner) protectable() string {
	if len(t.entry.image.Tags) > 0 {
		return t.entry.image.Tags[0]
	}
	for _, r := range t.decided.relatives(t.entry) {
		if len(r.Image.Tags) > 0 && (r.How == "an index that lists it" || r.How == "what it is attached to") {
			return r.Image.Tags[0]
		}
	}
	return ""
}

// untaggedSince is the date that counts for an untagged manifest; zero without one.
func (t turner) untaggedSince() time.Time {
	if at := t.decided.usable(t.entry.image.Pushed); !at.IsZero() {
		return at
	}
	return t.decided.usable(t.entry.image.Created)
}

// ages returns edits with the least ages that are longer than the time since at, or the greatest that are not; in days,
// and where a day is too coarse in hours and minutes.
func (t turner) ages(with func(text string, age Age) edit, at time.Time, longer bool) []edit {
	if at.IsZero() {
		return nil
	}
	for _, unit := range []struct {
		name string
		each time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		n := int(max(0, t.now.Sub(at)) / unit.each)
		if longer {
			n++
		}
		text := fmt.Sprintf("%d%s", n, unit.name)
		if age, err := ParseAge(text); err == nil && !age.IsZero() {
			return []edit{with(text, age)}
		}
	}
	return nil
}

// toDelete returns the change that lets an image go that stays: the keep rules and protections that hold it, weakened as
// little as it takes.
func (t turner) toDelete() []Change {
	edits := t.weaker()
	if len(edits) == 0 || t.stays(t.with(edits...)) {
		return nil
	}
	for i := 0; i < len(edits); { // leave out what is not needed
		if less := slices.Delete(slices.Clone(edits), i, i+1); len(less) > 0 && !t.stays(t.with(less...)) {
			edits = less
		} else {
			i++
		}
	}
	texts := make([]string, 0, len(edits))
	for _, e := range edits {
		texts = append(texts, e.text)
	}
	return []Change{t.change(strings.Join(texts, ", "), t.with(edits...))}
}

// weaker are changes that take away each hold on the image that a policy can take away.
func (t turner) weaker() []edit {
	out := t.unprotect()
	if !t.policy.ExpireGroups.IsZero() {
		out = append(out, edit{"without --expire-groups", func(p *Policy) { p.ExpireGroups = Age{} }})
	}
	if t.entry.has(RuleUndated) {
		out = append(out, edit{"--undated oldest", func(p *Policy) { p.Undated = UndatedOldest }})
	}
	if t.entry.untagged {
		out = append(out, t.ages(func(text string, age Age) edit {
			return edit{"--untagged " + text, func(p *Policy) { p.Untagged = age }}
		}, t.untaggedSince(), false)...)
	}
	free := slices.Clone(out)
	rules := t.counts()
	for _, r := range rules {
		if r.given(t.policy) {
			out = append(out, t.weakerCount(r, rules, free))
		}
	}
	if !t.policy.KeepYoungerThan.IsZero() {
		ages := t.ages(func(text string, age Age) edit {
			return edit{"--keep-younger-than " + text, func(p *Policy) { p.KeepYoungerThan = age }}
		}, t.entry.rank.created, false)
		if len(ages) == 0 {
			ages = []edit{{"without --keep-younger-than", func(p *Policy) { p.KeepYoungerThan = Age{} }}}
		}
		out = append(out, ages...)
	}
	return out
}

// has reports whether a rule is among the reasons to keep.
func (e *entry) has(r Rule) bool {
	return slices.ContainsFunc(slices.Concat(e.firm, e.kept), func(x Reason) bool { return x.Rule == r })
}

// unprotect are changes that take the protection of the tags of the image away, and that put them into the scope.
func (t turner) unprotect() []edit {
	var out []edit
	for _, tag := range t.entry.image.Tags {
		for _, pattern := range t.policy.Protect {
			if pattern.Match(tag) {
				out = append(out, edit{"without --protect " + pattern.String(), func(p *Policy) {
					p.Protect = slices.DeleteFunc(p.Protect, func(q Pattern) bool { return q.text == pattern.text })
				}})
			}
		}
		if !t.policy.NoProtectLatest && latest.Match(tag) {
			out = append(out, edit{"--no-protect-latest", func(p *Policy) { p.NoProtectLatest = true }})
		}
		if !t.decided.inScope(tag) {
			out = append(out, edit{"--tags that match " + tag + " too", func(p *Policy) {
				if pattern, err := ParsePatterns(tag); err == nil {
					p.Tags = append(p.Tags, pattern...)
				}
			}})
		}
	}
	return out
}

// countRule is a keep rule with a number.
type countRule struct {
	rule  Rule
	count func(Policy) int
	set   func(*Policy, int)
	per   string // what follows the number, such as /minor
}

func (r countRule) given(p Policy) bool { return r.count(p) > 0 }

func (r countRule) edit(n int) edit {
	if n == 0 {
		return edit{"without --" + string(r.rule), func(p *Policy) { r.set(p, 0) }}
	}
	return edit{fmt.Sprintf("--%s %d%s", r.rule, n, r.per), func(p *Policy) { r.set(p, n) }}
}

// counts are the keep rules with a number.
func (t turner) counts() []countRule {
	per := ""
	if t.policy.KeepSemver.per != "" {
		per = "/" + t.policy.KeepSemver.per
	}
	return []countRule{
		{RuleLast, func(p Policy) int { return p.KeepLast }, func(p *Policy, n int) { p.KeepLast = n }, ""},
		{RuleHourly, func(p Policy) int { return p.KeepHourly }, func(p *Policy, n int) { p.KeepHourly = n }, ""},
		{RuleDaily, func(p Policy) int { return p.KeepDaily }, func(p *Policy, n int) { p.KeepDaily = n }, ""},
		{RuleWeekly, func(p Policy) int { return p.KeepWeekly }, func(p *Policy, n int) { p.KeepWeekly = n }, ""},
		{RuleMonthly, func(p Policy) int { return p.KeepMonthly }, func(p *Policy, n int) { p.KeepMonthly = n }, ""},
		{RuleYearly, func(p Policy) int { return p.KeepYearly }, func(p *Policy, n int) { p.KeepYearly = n }, ""},
		{RuleSemver, func(p Policy) int { return p.KeepSemver.n }, func(p *Policy, n int) { p.KeepSemver.n = n }, per},
	}
}

// weakerCount is the greatest number of a rule with which it alone does not keep the image; 0, so that it has to go, where
// there is none.
func (t turner) weakerCount(r countRule, rules []countRule, free []edit) edit {
	alone := t.with(free...)
	for _, other := range rules {
		if other.rule != r.rule {
			other.set(&alone, 0)
		}
	}
	alone.KeepYoungerThan = Age{}
	now := r.count(t.policy)
	n := sort.Search(now, func(i int) bool {
		r.set(&alone, i+1)
		return t.stays(alone)
	})
	return r.edit(min(n, now))
}

package retain

import (
	"fmt"
	"slices"
)

// givenRule is a keep rule that a policy sets.
type givenRule struct {
	rule Rule
	// applies reports whether an image has what the rule needs.
	applies func(*member) bool
}

// The needs of the keep rules.
func needsPlace(*member) bool     { return true }
func needsDate(m *member) bool    { return !m.rank.created.IsZero() }
func needsVersion(m *member) bool { return m.rank.stable != nil }

// givenRules are the keep rules that the policy sets.
func (p Policy) givenRules() []givenRule {
	var out []givenRule
	if p.KeepLast > 0 {
		out = append(out, givenRule{RuleLast, needsPlace})
	}
	if !p.KeepYoungerThan.IsZero() {
		out = append(out, givenRule{RuleYounger, needsDate})
	}
	for _, x := range periods {
		if x.count(p) > 0 {
			out = append(out, givenRule{x.rule, needsDate})
		}
	}
	if !p.KeepSemver.IsZero() {
		out = append(out, givenRule{RuleSemver, needsVersion})
	}
	return out
}

// isVoid reports whether no keep rule applies in a group, and notes which rules apply. A group of parts alone is none of its
// own: its members go where their indexes go.
func (d *decider) isVoid(g *group, candidates []*member) bool {
	void := slices.ContainsFunc(g.members, func(m *member) bool { return !m.part })
	for _, given := range d.policy.givenRules() {
		if slices.ContainsFunc(candidates, func(m *member) bool { return !m.part && given.applies(m) }) {
			d.applied[given.rule] = true
			void = false
		}
	}
	return void
}

// keepWhereVoid keeps all images of a group in which no keep rule applies, and reports whether that is so. Such a rule
// does not fit the tags or the images, and without this it would delete everything. With --keep-last the images that
// have no place in the order stay already.
func (d *decider) keepWhereVoid(g *group) bool {
	if !g.void || d.policy.KeepLast > 0 {
		return false
	}
	for _, m := range g.members {
		if len(m.kept) == 0 {
			m.keep(RuleVoid, "no keep rule applies"+g.where())
		}
	}
	return true
}

// warnVoid says which keep rules apply to no image of the repository, and in which groups nothing is deleted because of
// that.
func (d *decider) warnVoid() []string {
	if d.policy.KeepTagged {
		return nil
	}
	images, versioned := 0, 0 // that the rules count
	for _, e := range d.entries {
		if len(e.names) > 0 && !e.part {
			images++
			if e.rank.stable != nil {
				versioned++
			}
		}
	}
	if images == 0 {
		return nil
	}
	var out, dates, versions []string
	for _, given := range d.policy.givenRules() {
		switch {
		case d.applied[given.rule]:
		case given.rule == RuleSemver || given.rule == RuleLast && d.policy.sort() == SortSemver:
			versions = append(versions, "--"+string(given.rule))
		default:
			dates = append(dates, "--"+string(given.rule))
		}
	}
	if len(dates) > 0 {
		out = append(out, fmt.Sprintf("%s to no image: %s", apply(dates), choose(images, "the only image has no usable date", "none of the %d images has a usable date")))
	}
	switch {
	case len(versions) == 0:
	case versioned > 0:
		out = append(out, fmt.Sprintf("%s to no image: %s", apply(versions), choose(versioned, "the only image with a semantic version has no usable date", "none of the %d images with a semantic version has a usable date")))
	default:
		out = append(out, fmt.Sprintf("%s to no image: %s", apply(versions), choose(images, "no tag of the only image is a semantic version", "no tag of the %d images is a semantic version")))
	}
	return append(out, d.warnVoidGroups()...)
}

// warnVoidGroups says in which groups nothing is deleted because no keep rule applies.
func (d *decider) warnVoidGroups() []string {
	if d.policy.KeepLast > 0 {
		return nil
	}
	var void []string
	all := 0
	for _, g := range d.groups {
		if !slices.ContainsFunc(g.members, func(m *member) bool { return !m.part }) {
			continue
		}
		all++
		if g.void {
			void = append(void, g.title())
		}
	}
	switch {
	case len(void) == 0:
		return nil
	case len(void) == all:
		return []string{"no keep rule applies, so all images stay"}
	}
	return []string{fmt.Sprintf("no keep rule applies in %s, so all images stay there", some(void))}
}

// title names a group in a warning.
func (g *group) title() string {
	if g.name == "" {
		return "the group without a name"
	}
	return g.name
}

// apply says that rules apply.
func apply(rules []string) string {
	if len(rules) == 1 {
		return rules[0] + " applies"
	}
	return and(rules) + " apply"
}

// choose returns the sentence for one, or that for many with their number.
func choose(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// some lists the first of some names, and how many more there are.
func some(names []string) string {
	const most = 5
	if len(names) <= most+1 {
		return and(names)
	}
	return and(append(slices.Clone(names[:most]), fmt.Sprintf("%d other groups", len(names)-most)))
}

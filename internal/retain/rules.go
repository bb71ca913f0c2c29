package retain

import (
	"fmt"
	"slices"
	"time"
)

// keepByRules applies the keep rules, OR-ed, to the images of each group. What the last round said is forgotten. A
// part with a tag of its own is kept where a rule reaches it, like any image, but takes no place from another: the tags
// 1.0, 1.0-amd64 and 1.0-arm64 are one release.
func (d *decider) keepByRules() {
	for _, e := range d.entries {
		e.kept, e.missed = nil, nil
	}
	d.applied = map[Rule]bool{}
	if d.policy.KeepTagged { // all that the rules could keep stays already
		return
	}
	if d.policy.KeepNone {
		d.keepNone()
		return
	}
	for _, g := range d.groups {
		candidates := d.candidates(g)
		g.void = d.isVoid(g, candidates)
		if d.giveUp(g, candidates) {
			continue
		}
		d.keepUnplaced(g)
		if d.keepWhereVoid(g) || d.expire(g, candidates) {
			continue
		}
		d.keepLast(g, candidates)
		d.keepYounger(candidates)
		d.keepPeriods(g, candidates)
		d.keepVersions(g, candidates)
	}
}

// candidates returns the members that rules look at, newest first: those whose place among the others is known.
func (d *decider) candidates(g *group) []*member {
	var out []*member
	for _, m := range g.members {
		if rule, _ := d.unplaced(m); rule == "" {
			out = append(out, m)
		}
	}
	return out
}

// unplaced says why the place of a member among the others is not known: it has no usable date when dates matter, or no
// version when the order is by version. The rule is "" for one that has a place.
func (d *decider) unplaced(m *member) (Rule, string) {
	switch {
	case d.policy.sort() == SortSemver && m.rank.version == nil:
		return RuleNoVersion, "no tag is a semantic version"
	case d.policy.needsDates() && m.rank.created.IsZero() && d.policy.Undated != UndatedOldest:
		return RuleUndated, "no usable date"
	}
	return "", ""
}

// keepUnplaced keeps the members whose place among the others is not known. They take no place from another. A part
// without a place follows its index.
func (d *decider) keepUnplaced(g *group) {
	for _, m := range g.members {
		if rule, why := d.unplaced(m); rule != "" && !m.part {
			m.keep(rule, why)
		}
	}
}

// expire applies no keep rule to a group without a new image for so long that its branch must be gone, and reports
// whether the group has expired. Where it is known which branches exist, only those that do not can expire. In a group
// that has not expired the newest image stays, whatever the other rules say: without it a later run would find the group
// expired.
func (d *decider) expire(g *group, candidates []*member) bool {
	if d.policy.ExpireGroups.IsZero() || g.name == "" || len(candidates) == 0 || d.ageUnknown(g) {
		return false
	}
	if d.hasExpired(g, candidates) && (d.policy.Live.IsZero() || d.isGone(g)) {
		d.missExpired(g, candidates)
		return true
	}
	if sign := slices.MinFunc(candidates, membersBy(newestFirst(SortCreated))); !sign.rank.created.IsZero() {
		sign.keep(RuleExpireGroups, "the newest image of "+g.name)
	}
	return false
}

// hasExpired reports whether a group is without a new image for so long. The images that match no group never expire, and
// neither does a group with an image whose age is not known.
func (d *decider) hasExpired(g *group, candidates []*member) bool {
	return g.name != "" && len(candidates) > 0 && !d.ageUnknown(g) && !g.newest().After(d.policy.ExpireGroups.Before(d.now))
}

// ageUnknown reports whether a group has an image whose age is not known. A part may go with its index.
func (d *decider) ageUnknown(g *group) bool {
	return d.policy.Undated != UndatedOldest && slices.ContainsFunc(g.members, func(m *member) bool { return m.rank.created.IsZero() && !m.part })
}

// newest returns the date of the newest image of a group; zero when none has a date.
func (g *group) newest() time.Time {
	var newest time.Time
	for _, m := range g.members {
		if m.rank.created.After(newest) {
			newest = m.rank.created
		}
	}
	return newest
}

// missExpired says of members of a group that it has expired.
func (d *decider) missExpired(g *group, members []*member) {
	why := "no image of " + g.name + " has a date"
	if newest := g.newest(); !newest.IsZero() {
		why = fmt.Sprintf("no new image in %s for %s", g.name, Elapsed(d.now.Sub(newest)))
	}
	for _, m := range members {
		m.miss(RuleExpireGroups, why)
	}
}

func (d *decider) keepLast(g *group, candidates []*member) {
	n := d.policy.KeepLast
	if n == 0 {
		return
	}
	within, beyond := fmt.Sprintf("within the last %d%s", n, g.where()), fmt.Sprintf("beyond the last %d%s", n, g.where())
	place := 0
	for _, m := range candidates {
		switch {
		case place == n:
			m.miss(RuleLast, beyond)
		case m.part:
			m.keep(RuleLast, within)
		default:
			place++
			m.keep(RuleLast, fmt.Sprintf("last %d of %d%s", place, n, g.where()))
		}
	}
}

func (d *decider) keepYounger(candidates []*member) {
	if d.policy.KeepYoungerThan.IsZero() {
		return
	}
	cutoff := d.policy.KeepYoungerThan.Before(d.now)
	for _, m := range candidates {
		if m.rank.created.IsZero() {
			m.miss(RuleYounger, "no usable date")
			continue
		}
		age := Elapsed(max(0, d.now.Sub(m.rank.created))) + " old"
		if m.rank.created.After(cutoff) {
			m.keep(RuleYounger, age+", younger than "+d.policy.KeepYoungerThan.String())
		} else {
			m.miss(RuleYounger, age)
		}
	}
}

// keepPeriods keeps the newest image of each of the last periods that have any. Newest is by date here, whatever the
// sort: a calendar knows no versions. The oldest image is kept by no extra rule, unlike in restic, whose users it
// surprised (https://github.com/restic/restic/issues/4806).
func (d *decider) keepPeriods(g *group, candidates []*member) {
	byDate := candidates
	if s := d.policy.sort(); s != SortCreated && s != SortPushed {
		byDate = slices.Clone(candidates)
		slices.SortFunc(byDate, membersBy(newestFirst(SortCreated)))
	}
	for _, p := range periods {
		if n := p.count(d.policy); n > 0 {
			p.keep(n, g, byDate)
		}
	}
}

// keep keeps the newest image of each of the last n periods.
func (p period) keep(n int, g *group, newestFirst []*member) {
	beyond := fmt.Sprintf("beyond the last %s%s", plural(n, p.unit), g.where())
	last, newer, filled := -1, "", 0
	for _, m := range newestFirst {
		if m.rank.created.IsZero() {
			m.miss(p.rule, "no usable date")
			continue
		}
		switch key := p.key(m.rank.created); {
		case key == last:
			m.miss(p.rule, newer)
		case filled == n: // and so is everything after it, because periods only grow older
			m.miss(p.rule, beyond)
		case m.part:
			m.keep(p.rule, p.adjective+g.where()+": "+p.name(m.rank.created))
		default:
			filled++
			name := p.name(m.rank.created)
			last, newer = key, fmt.Sprintf("%s has a newer image%s", name, g.where())
			m.keep(p.rule, fmt.Sprintf("%s %d of %d%s: %s", p.adjective, filled, n, g.where(), name))
		}
	}
}

// keepVersions keeps the highest versions, of each line when the rule says so. Pre-releases come below all releases:
// whoever keeps the three highest releases does not mean three candidates of the next.
func (d *decider) keepVersions(g *group, candidates []*member) {
	rule := d.policy.KeepSemver
	if rule.IsZero() {
		return
	}
	highest := slices.Clone(candidates)
	slices.SortFunc(highest, releasesFirst)
	place := map[string]int{}
	for _, m := range highest {
		if m.rank.stable == nil {
			m.miss(RuleSemver, "no tag is a semantic version")
			continue
		}
		line := rule.line(m.rank.stable)
		of := g.where()
		if line != "" {
			of = " of " + line + of
		}
		switch {
		case place[line] == rule.n:
			m.miss(RuleSemver, "beyond the "+highestOf(rule.n)+of)
		case m.part:
			m.keep(RuleSemver, "within the "+highestOf(rule.n)+of)
		default:
			place[line]++
			m.keep(RuleSemver, fmt.Sprintf("version %d of %d%s: %s", place[line], rule.n, of, m.rank.release))
		}
	}
}

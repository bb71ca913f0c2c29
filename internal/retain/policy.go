// Package retain decides which images of a repository are kept and why. It is pure: a snapshot, a policy, what the
// pipeline has just pushed and a time go in, a plan comes out. It reads no clock, no environment and no network.
//
// The rules, in order: a tag outside the scope is never deleted and protects the digest that it shares; a protected,
// just-pushed or used image is never deleted; an image that any keep rule keeps is kept; what is left is deleted. There are no
// delete rules, so no rule can win over a keep. Then the closure: a child of a kept index and an attachment of a kept
// image stay with it.
package retain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/live"
)

// Policy says what a repository keeps. The zero value has no keep rule and is refused by [Policy.Validate].
type Policy struct {
	// Tags is the scope; empty means every tag.
	Tags []Pattern
	// Protect are tags that are never deleted and not counted, in addition to the tag latest.
	Protect []Pattern
	// NoProtectLatest makes latest a tag like any other, unless Protect names it.
	NoProtectLatest bool
	// InUse are texts that name images in use, which are never deleted and not counted.
	InUse []inuse.Text
	// KeepTagged keeps every image that has a tag, other than an attachment's: only untagged manifests are given up then.
	KeepTagged bool
	// KeepLast keeps the newest N images; 0 means the rule is not set.
	KeepLast int
	// KeepYoungerThan keeps images younger than this from now; the zero Age means the rule is not set.
	KeepYoungerThan Age
	// KeepHourly to KeepYearly keep the newest image of each of the last N such periods that have any; 0 means that the
	// rule is not set.
	KeepHourly, KeepDaily, KeepWeekly, KeepMonthly, KeepYearly int
	// KeepSemver keeps the highest versions; the zero Versions means the rule is not set.
	KeepSemver Versions
	// GroupBy makes groups to which the keep rules apply one by one; the zero Grouping makes one of all.
	GroupBy Grouping
	// ExpireGroups applies no keep rule to a named group whose newest image is older; with the zero Age no group expires.
	ExpireGroups Age
	// Live are the branches, tags and pull requests that still exist. A named group that is not one of them is given up; with
	// ExpireGroups, when it has expired. The zero value gives none up.
	Live live.Refs
	// KeepNone applies no keep rule to the images in scope. It needs Tags, and no keep rule and no groups can be given.
	KeepNone bool
	// Untagged gives up untagged manifests that are not younger than this; the zero Age keeps all of them.
	Untagged Age
	// Sort says what newest means; "" is [SortCreated].
	Sort Sort
	// Undated says what becomes of images without a usable date; "" is [UndatedKeep].
	Undated Undated
	// MaxDelete refuses a plan that deletes more; the zero Limit allows any number.
	MaxDelete Limit
}

// Sort is a meaning of "newest".
type Sort string

// The orders of --sort.
const (
	SortCreated Sort = "created" // by build date
	SortPushed  Sort = "pushed"  // by the date at which the registry received the image
	SortSemver  Sort = "semver"  // by semantic version of the tag
	SortName    Sort = "name"    // by the tag in natural order, b9 before b10
)

// UnmarshalText reads the name of an order.
func (s *Sort) UnmarshalText(text []byte) error {
	*s = Sort(text)
	return s.validate()
}

func (s Sort) validate() error {
	switch s {
	case "", SortCreated, SortPushed, SortSemver, SortName:
		return nil
	}
	return fmt.Errorf("unknown sort %q: created, pushed, semver or name", s)
}

// Undated is a treatment of images without a usable date.
type Undated string

// The treatments of --undated.
const (
	UndatedKeep   Undated = "keep"   // always keep them, count them nowhere
	UndatedOldest Undated = "oldest" // treat them as older than every dated image
	UndatedPushed Undated = "pushed" // take the date at which the registry received the image; keep those without it
)

// UnmarshalText reads the name of a treatment.
func (u *Undated) UnmarshalText(text []byte) error {
	*u = Undated(text)
	return u.validate()
}

func (u Undated) validate() error {
	switch u {
	case "", UndatedKeep, UndatedOldest, UndatedPushed:
		return nil
	}
	return fmt.Errorf("unknown undated %q: keep, oldest or pushed", u)
}

// ErrNoKeepRule is returned by [Policy.Validate] for a policy without a keep rule.
var ErrNoKeepRule error = noKeepRule{}

type noKeepRule struct{}

func (noKeepRule) Error() string {
	return "no keep rule was given: regsweep deletes nothing without one"
}

// Hint says what to give.
func (noKeepRule) Hint() string {
	return "say what to keep, for example --keep-last 5 or --keep-younger-than 30d"
}

// Validate reports what makes the policy unusable. A policy without a keep rule is an error, as in restic
// (https://restic.readthedocs.io/en/stable/060_forget.html): an empty policy must not mean "delete everything".
func (p Policy) Validate() error {
	for _, rule := range []struct {
		name Rule
		n    int
	}{
		{RuleLast, p.KeepLast},
		{RuleHourly, p.KeepHourly},
		{RuleDaily, p.KeepDaily},
		{RuleWeekly, p.KeepWeekly},
		{RuleMonthly, p.KeepMonthly},
		{RuleYearly, p.KeepYearly},
		{RuleSemver, p.KeepSemver.n},
	} {
		if rule.n < 0 {
			return fmt.Errorf("%s must be at least 1, not %d", rule.name, rule.n)
		}
	}
	if p.KeepNone {
		if err := p.validateNone(); err != nil {
			return err
		}
	} else if len(p.keepRules()) == 0 {
		return ErrNoKeepRule
	}
	if !p.ExpireGroups.IsZero() && p.GroupBy.IsZero() {
		return errors.New("expire-groups needs group-by, which makes the groups")
	}
	if !p.Live.IsZero() && p.GroupBy.IsZero() {
		return ErrLiveGroups
	}
	if err := p.Sort.validate(); err != nil {
		return err
	}
	return p.Undated.validate()
}

// sort returns the order, created when none was given.
func (p Policy) sort() Sort { return cmp.Or(p.Sort, SortCreated) }

// NeedsBuildDates reports whether the date of an image's build decides anything. Where names alone decide, or the date at
// which the registry received an image, it does not. Without --keep-last nothing may be kept, and then the newest image
// by date is. With the names of what still exists, an image can be newer than they are.
func (p Policy) NeedsBuildDates() bool {
	return !p.Untagged.IsZero() || p.sort() != SortPushed && (!p.Live.IsZero() || p.KeepLast == 0 || p.needsDates())
}

// NeedsPushTimes reports whether the policy asks for the date at which the registry received an image.
func (p Policy) NeedsPushTimes() bool { return p.sort() == SortPushed || p.Undated == UndatedPushed }

// needsDates reports whether a rule or the order asks for dates.
func (p Policy) needsDates() bool {
	return p.sort() == SortCreated || p.sort() == SortPushed || !p.KeepYoungerThan.IsZero() || !p.ExpireGroups.IsZero() ||
		slices.ContainsFunc(periods, func(x period) bool { return x.count(p) > 0 })
}

// keepRules says the keep rules in English.
func (p Policy) keepRules() []string {
	var out []string
	if p.KeepTagged {
		out = append(out, "what has a tag")
	}
	if p.KeepLast > 0 {
		s := fmt.Sprintf("the last %d", p.KeepLast)
		switch p.Sort {
		case SortPushed:
			s += " by push date"
		case SortSemver:
			s += " by semantic version"
		case SortName:
			s += " by name"
		}
		out = append(out, s)
	}
	if !p.KeepYoungerThan.IsZero() {
		out = append(out, "what is younger than "+p.KeepYoungerThan.String())
	}
	var calendar []string
	for _, x := range periods {
		if n := x.count(p); n == 1 {
			calendar = append(calendar, "the last "+x.unit)
		} else if n > 1 {
			calendar = append(calendar, "the last "+plural(n, x.unit))
		}
	}
	if len(calendar) > 0 {
		out = append(out, "the newest of each of "+and(calendar))
	}
	if !p.KeepSemver.IsZero() {
		out = append(out, p.KeepSemver.String())
	}
	return out
}

// String says the policy in English, as the head of each report does.
func (p Policy) String() string {
	keep := p.keepRules()
	if len(keep) == 0 && !p.KeepNone {
		return "keep everything"
	}
	head := "keep " + and(keep)
	if p.KeepNone {
		head = "keep nothing by rule"
	}
	if !p.GroupBy.IsZero() {
		head += ", in each group of " + p.GroupBy.String()
	}
	parts := []string{head}
	if s := p.givenUp(); s != "" {
		parts = append(parts, "keep nothing by rule in groups "+s)
	}
	if len(p.Tags) > 0 {
		parts = append(parts, "only tags "+join(p.Tags))
	}
	if s := p.protected(); s != "" {
		parts = append(parts, "protect "+s)
	}
	if !p.Untagged.IsZero() {
		parts = append(parts, "delete untagged manifests from the age of "+p.Untagged.String()+" on")
	}
	switch p.Undated {
	case UndatedOldest:
		parts = append(parts, "images without a date count as the oldest")
	case UndatedPushed:
		parts = append(parts, "images without a build date count by their push date")
	}
	if p.KeepLast == 0 && p.Sort == SortPushed {
		parts = append(parts, "all dates are push dates")
	}
	if !p.MaxDelete.IsZero() {
		parts = append(parts, "delete at most "+p.MaxDelete.String())
	}
	return strings.Join(parts, "; ")
}

// protectedTags are the patterns of the tags that are never deleted.
func (p Policy) protectedTags() []Pattern {
	named := slices.ContainsFunc(p.Protect, func(q Pattern) bool { return q.text == latest.text })
	if p.NoProtectLatest || named {
		return p.Protect
	}
	return append([]Pattern{latest}, p.Protect...)
}

// protected says in English what is never deleted.
func (p Policy) protected() string {
	patterns, sources := join(p.protectedTags()), []string{}
	for _, u := range p.InUse {
		sources = append(sources, u.Source())
	}
	files := "what " + and(sources) + " names"
	switch {
	case len(sources) == 0:
		return patterns
	case len(sources) > 1:
		files = "what " + and(sources) + " name"
	}
	if patterns == "" {
		return files
	}
	return patterns + " and " + files
}

// and joins phrases as a sentence does.
func and(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1]
}

func join(ps []Pattern) string {
	var s []string
	for _, p := range ps {
		s = append(s, p.String())
	}
	return strings.Join(s, ", ")
}

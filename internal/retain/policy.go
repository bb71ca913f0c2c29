// Package retain decides which images of a repository are kept and why. It is pure: a snapshot, a policy, what the
// pipeline has just pushed and a time go in, a plan comes out. It reads no clock, no environment and no network.
//
// The rules, in order: a tag outside the scope is never deleted and protects the digest that it shares; a protected or
// just-pushed image is never deleted; an image that any keep rule keeps is kept; what is left is deleted. There are no
// delete rules, so no rule can win over a keep. Then the closure: a child of a kept index and an attachment of a kept
// image stay with it.
package retain

import (
	"errors"
	"fmt"
	"strings"
)

// Policy says what a repository keeps. The zero value has no keep rule and is refused by [Policy.Validate].
type Policy struct {
	// Tags is the scope; empty means every tag.
	Tags []Pattern
	// Protect are tags that are never deleted and not counted.
	Protect []Pattern
	// KeepLast keeps the newest N images; 0 means the rule is not set.
	KeepLast int
	// KeepYoungerThan keeps images younger than this from now; the zero Age means the rule is not set.
	KeepYoungerThan Age
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
	SortSemver  Sort = "semver"  // by semantic version of the tag
	SortName    Sort = "name"    // by the tag in natural order, b9 before b10
)

// Undated is a treatment of images without a usable date.
type Undated string

// The treatments of --undated.
const (
	UndatedKeep   Undated = "keep"   // always keep them, count them nowhere
	UndatedOldest Undated = "oldest" // treat them as older than every dated image
)

// ErrNoKeepRule is returned by [Policy.Validate] for a policy that would keep nothing of its own accord.
var ErrNoKeepRule = errors.New("no keep rule was given, so nothing would be kept and nothing is deleted")

// Validate reports what makes the policy unusable. A policy without a keep rule is an error, as in restic
// (https://restic.readthedocs.io/en/stable/060_forget.html): an empty policy must not mean "delete everything".
func (p Policy) Validate() error {
	switch {
	case p.KeepLast < 0:
		return fmt.Errorf("keep-last must be at least 1, not %d", p.KeepLast)
	case p.KeepLast == 0 && p.KeepYoungerThan.IsZero():
		return ErrNoKeepRule
	}
	switch p.Sort {
	case "", SortCreated, SortSemver, SortName:
	default:
		return fmt.Errorf("unknown sort %q: created, semver or name", p.Sort)
	}
	switch p.Undated {
	case "", UndatedKeep, UndatedOldest:
	default:
		return fmt.Errorf("unknown undated %q: keep or oldest", p.Undated)
	}
	return nil
}

// String says the policy in English, as the head of each report does.
func (p Policy) String() string {
	var keep, parts []string
	if p.KeepLast > 0 {
		keep = append(keep, fmt.Sprintf("the last %d", p.KeepLast))
	}
	if !p.KeepYoungerThan.IsZero() {
		keep = append(keep, "what is younger than "+p.KeepYoungerThan.String())
	}
	if len(keep) == 0 {
		return "keep everything"
	}
	head := "keep " + strings.Join(keep, " and ")
	switch p.Sort {
	case SortSemver:
		head += " by semantic version"
	case SortName:
		head += " by name"
	}
	parts = append(parts, head)
	if len(p.Tags) > 0 {
		parts = append(parts, "only tags "+join(p.Tags))
	}
	if len(p.Protect) > 0 {
		parts = append(parts, "protect "+join(p.Protect))
	}
	if p.Undated == UndatedOldest {
		parts = append(parts, "undated images count as oldest")
	}
	if !p.MaxDelete.IsZero() {
		parts = append(parts, "delete at most "+p.MaxDelete.String())
	}
	return strings.Join(parts, "; ")
}

func join(ps []Pattern) string {
	var s []string
	for _, p := range ps {
		s = append(s, p.String())
	}
	return strings.Join(s, ", ")
}

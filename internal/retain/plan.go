package retain

import (
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// Verdict is what is to become of an image.
type Verdict string

// The verdicts.
const (
	Keep   Verdict = "keep"
	Delete Verdict = "delete"
)

// Rule names what a [Reason] rests on; the names are part of the JSON report.
type Rule string

// The rules of reasons. A keep rule's name in a deletion's reasons means that the rule did not keep the image.
const (
	RuleJustBuilt    Rule = "just-built"
	RuleProtect      Rule = "protect"
	RuleProtectFile  Rule = "protect-file"
	RuleRetained     Rule = "retained"
	RuleScope        Rule = "tags"
	RuleTagged       Rule = "tagged"
	RuleLast         Rule = "keep-last"
	RuleYounger      Rule = "keep-younger-than"
	RuleHourly       Rule = "keep-hourly"
	RuleDaily        Rule = "keep-daily"
	RuleWeekly       Rule = "keep-weekly"
	RuleMonthly      Rule = "keep-monthly"
	RuleYearly       Rule = "keep-yearly"
	RuleSemver       Rule = "keep-semver"
	RuleExpireGroups Rule = "expire-groups"
	RuleLive         Rule = "live"
	RuleNone         Rule = "keep-none"
	RuleUndated      Rule = "undated"
	RuleNoVersion    Rule = "no-version"
	RuleVoid         Rule = "no-rule-applies"
	RuleNeverEmpty   Rule = "never-empty"
	RuleUntagged     Rule = "untagged"
	RuleChild        Rule = "child"
	RuleAttachment   Rule = "attachment"
	RuleSubject      Rule = "subject"
	RuleNoPolicy     Rule = "no-keep-rule"
	RuleInterrupted  Rule = "interrupted"
)

// Reason is one cause of a verdict, for machines and for people.
type Reason struct {
	Rule   Rule
	Detail string // a phrase such as "last 1 of 2"
}

// Decision is the verdict on one image.
type Decision struct {
	Image   oci.Image
	Verdict Verdict
	Group   string   // the groups in which keep rules counted it, by commas
	Reasons []Reason // at least one
	Pending bool     // an earlier run has begun to delete the image and could not finish
}

// Groups returns the names of the groups in which keep rules counted the image. A tag has no comma in it, and so has no
// group.
func (d Decision) Groups() []string {
	if d.Group == "" {
		return nil
	}
	return strings.Split(d.Group, groupSeparator)
}

// Refusal is a guard's reason against a plan: a plan that has one must not be executed.
type Refusal struct {
	Guard  string // one of the constants, such as "just-built"
	Detail string
	// Advice is what to do about it where more is known than the guard; "" where it is not.
	Advice string
}

// Plan is one decision for each image of a snapshot. It holds no connection and no clock: it can be printed, stored
// and tested without a registry.
type Plan struct {
	Repository oci.Repository
	// Decisions are in the order of a report: kept images, then deleted ones, each newest first, then children and
	// attachments.
	Decisions []Decision
	// Ghosts are tags that the registry lists but has no manifest for.
	Ghosts []string
	// Warnings are for a reader: patterns that matched nothing, broken indexes.
	Warnings []string
	// Refusals are the guards' reasons against the plan.
	Refusals []Refusal
}

// Deletions returns the decisions to delete, in the plan's order.
func (p Plan) Deletions() []Decision {
	var out []Decision
	for _, d := range p.Decisions {
		if d.Verdict == Delete {
			out = append(out, d)
		}
	}
	return out
}

// Snapshot returns what the plan was made from.
func (p Plan) Snapshot() oci.Snapshot {
	s := oci.Snapshot{Repository: p.Repository, Ghosts: p.Ghosts}
	for _, d := range p.Decisions {
		s.Images = append(s.Images, d.Image)
	}
	return s
}

// counted reports whether the image is one that rules and totals count: children and attachments are parts of others.
func counted(i oci.Image) bool { return i.Kind == oci.KindImage || i.Kind == oci.KindIndex }

// Name is how the image is called in a sentence: by its first tag, else by its digest.
func Name(i oci.Image) string {
	if len(i.Tags) > 0 {
		return i.Tags[0]
	}
	return ShortDigest(i.Digest)
}

// ShortDigest returns the algorithm and the first twelve hex digits, as docker shows them.
func ShortDigest(d oci.Digest) string {
	const head = len("sha256:") + 12
	if len(d) <= head {
		return string(d)
	}
	return string(d[:head])
}

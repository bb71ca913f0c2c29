package retain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// The guards of a plan.
const (
	GuardJustBuilt = "just-built"
	GuardMaxDelete = "max-delete"
	GuardGroupBy   = "group-by"
	// GuardUnreadable is for a tag that must stay and that the registry lists, but has no manifest for.
	GuardUnreadable = "unreadable"
)

// refusePushed refuses the plan when the repository does not have what the pipeline has just pushed. Then the step looks
// at the wrong repository, the push failed, or somebody else has moved the tag. In each case a person should look.
func (d *decider) refusePushed() []Refusal {
	var out []Refusal
	refuse := func(p oci.Pushed, format string, args ...any) {
		pushed := "pushed"
		if p.Assumed {
			pushed = "probably pushed"
		}
		out = append(out, Refusal{Guard: GuardJustBuilt, Detail: fmt.Sprintf("the pipeline %s %s (source: %s), but ", pushed, p.Reference, p.Source) + fmt.Sprintf(format, args...)})
	}
	absent := func(p oci.Pushed, format string, args ...any) {
		refuse(p, format, args...)
		if r := &out[len(out)-1]; p.Doubt.Why != "" {
			r.Detail, r.Advice = r.Detail+": "+p.Doubt.Why, p.Doubt.Cure
		}
	}
	for _, p := range d.context.Pushed {
		e := d.byTag[p.Tag]
		switch {
		case slices.Contains(d.ghosts, p.Tag):
			refuse(p, "the registry lists this tag and has no manifest for it")
		case p.Assumed:
		case p.Tag == "" && d.family.byDigest[p.Digest] == nil:
			absent(p, "the repository does not have this digest")
		case p.Tag == "":
		case e == nil:
			absent(p, "the repository does not have this tag")
		case p.Digest != "" && p.Digest != e.image.Digest:
			absent(p, "the tag points at %s", e.image.Digest)
		}
	}
	return out
}

// refuseUnreadable refuses the plan when the registry lists a tag that must stay and has no manifest for it. What that
// tag needs is not known, and the answer may be wrong: a proxy that loses a part of the request makes images look absent.
func (d *decider) refuseUnreadable() []Refusal {
	var out []Refusal
	for _, t := range d.ghosts {
		why := d.usage.Tag(t)
		if p, protected := matching(d.protect, t); protected {
			why = append([]string{"protected by " + p.String()}, why...)
		}
		if len(why) > 0 {
			out = append(out, Refusal{Guard: GuardUnreadable, Detail: fmt.Sprintf("the tag %s is %s, but the registry lists it and has no manifest for it", t, and(why))})
		}
	}
	return out
}

// refuseTooMany refuses a plan that deletes more than the policy's limit. What an earlier run has begun to delete
// was counted by that run.
func (d *decider) refuseTooMany(p Plan) []Refusal {
	var all, deleted int
	for _, dec := range p.Decisions {
		if counted(dec.Image) && !(dec.Pending && len(dec.Image.Tags) == 0) {
			all++
			if dec.Verdict == Delete {
				deleted++
			}
		}
	}
	limit := d.policy.MaxDelete
	if limit.IsZero() || !limit.exceeded(deleted, all) {
		return nil
	}
	return []Refusal{{Guard: GuardMaxDelete, Detail: fmt.Sprintf("the plan deletes %d of %s, the limit is %s", deleted, plural(all, "image"), limit)}}
}

// groupCount says how many tags the rules look at, how many of them are in a named group, and one that is not.
type groupCount struct {
	tags, named int
	other       string
}

// add counts the tags of an image in a group.
func (c *groupCount) add(x groupTags) {
	c.tags += len(x.tags)
	switch {
	case x.group != "":
		c.named += len(x.tags)
	case c.other == "":
		c.other = x.tags[0]
	}
}

// refuseNoGroup refuses a plan whose grouping names no group: what was to be kept in each group would be kept once.
func (d *decider) refuseNoGroup() []Refusal {
	tags, other := d.count.tags, d.count.other
	if d.policy.GroupBy.IsZero() || tags == 0 || d.count.named > 0 {
		return nil
	}
	return []Refusal{{Guard: GuardGroupBy, Detail: fmt.Sprintf("--group-by %s names no group for %s", d.policy.GroupBy, choose(tags, "the only tag, "+other, "any of the %d tags, such as "+strings.ReplaceAll(other, "%", "%%")))}}
}

// warnFewGroups warns when most tags are in the group without a name.
func (d *decider) warnFewGroups() []string {
	tags, named, other := d.count.tags, d.count.named, d.count.other
	if d.policy.GroupBy.IsZero() || named == 0 || 2*named >= tags {
		return nil
	}
	return []string{fmt.Sprintf("--group-by %s names no group for %d of %d tags, such as %s: they share one group", d.policy.GroupBy, tags-named, tags, other)}
}

// warnings are what a reader should know although nothing was refused.
func (d *decider) warnings() []string {
	var out []string
	for _, list := range []struct {
		flag     string
		patterns []Pattern
	}{{"--tags", d.policy.Tags}, {"--protect", d.protect}} {
		for _, p := range list.patterns {
			if !p.implicit && !d.anyTag(p) {
				out = append(out, fmt.Sprintf("%s %s matches no tag", list.flag, p)+p.advice())
			}
		}
	}
	out = append(out, d.warnLongerNumbers()...)
	out = append(out, d.warnFewGroups()...)
	out = append(out, d.warnVoid()...)
	for _, source := range d.usage.Unmatched {
		out = append(out, fmt.Sprintf("--protect-file %s names no image of this repository", source))
	}
	for _, e := range d.entries {
		if n := len(e.image.Missing); n > 0 {
			out = append(out, fmt.Sprintf("%s is broken: the registry has no manifest for %d of the %d that it lists", Name(e.image), n, len(e.image.Children)))
		}
		if e.image.ConfigMissing {
			out = append(out, Name(e.image)+" is broken: the registry does not have its config")
		}
	}
	return out
}

func (d *decider) anyTag(p Pattern) bool {
	for t := range d.byTag {
		if p.Match(t) {
			return true
		}
	}
	return slices.ContainsFunc(d.ghosts, p.Match)
}

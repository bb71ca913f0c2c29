package retain

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	between      = regexp.MustCompile(`[^a-z0-9]+`)
	refComment   = regexp.MustCompile(`(^|\s)#.*`)
	requestWords = `(?:pr|mr|pulls?|pull-requests?|merge-requests?)-?`
	wordedPart   = regexp.MustCompile("^" + requestWords + "([0-9]+)(?:-(?:head|merge))?$")
	numberedPart = regexp.MustCompile("^(?:" + requestWords + ")?([0-9]+)(?:-(?:head|merge))?$")
	bareNumber   = regexp.MustCompile(`^[0-9]+$`)
	versionRef   = regexp.MustCompile(`^v?(([0-9]+)\.[0-9]+)(\.[0-9]+)?([-+._].*)?$`)
	usualBranch  = regexp.MustCompile(`^(main|master|develop|dev|trunk|edge|nightly|latest|sha|pr|mr|pull)$`)
	alikeTo      sync.Map
)

// alike is what is equal in two names that CI systems write alike.
func alike(name string) string {
	if known, ok := alikeTo.Load(name); ok {
		return known.(string)
	}
	out := strings.Trim(between.ReplaceAllString(strings.ToLower(name), "-"), "-")
	alikeTo.Store(name, out)
	return out
}

// refNames are the names of the file, without what git prints in addition to them.
func (o *theory) refNames() (out []string) {
	for _, line := range o.refs {
		line = refComment.ReplaceAllString(line, "")
		for _, name := range strings.Split(line, " -> ") {
			if words := strings.Fields(name); len(words) > 0 {
				out = append(out, strings.TrimSuffix(words[len(words)-1], "^{}"))
			}
		}
	}
	return slices.DeleteFunc(out, func(name string) bool { return name == "HEAD" })
}

// isLive says whether a name in the file can be that of a group.
func (o *theory) isLive(group string) bool {
	parts := strings.Split(group, "/")
	for _, part := range parts {
		if slices.Contains([]string{"edge", "nightly", "latest", "sha", "pr", "mr", "pull"}, alike(part)) {
			return true
		}
	}
	return o.isNamed(group)
}

// tooNew says whether the newest image of a group is newer than the file.
func (o *theory) tooNew(newest time.Time) bool {
	return !o.policy.Live.Written().IsZero() && newest.After(o.policy.Live.Written())
}

// newestIn is the date of the newest image of a group.
func (o *theory) newestIn(group string) (newest time.Time) {
	for _, i := range o.images {
		speaks := func(t string) bool { return o.speaks(t) && o.groupOf(t) == group }
		if !attachment(i) && slices.ContainsFunc(i.Tags, speaks) {
			if s := o.standingOf(i, speaks); s.date.After(newest) {
				newest = s.date
			}
		}
	}
	return newest
}

func (o *theory) isNamed(group string) bool {
	if o.named == nil {
		o.named = map[string]bool{}
	}
	known, ok := o.named[group]
	if !ok {
		known = o.isNamedIn(o.refNames(), group)
		o.named[group] = known
	}
	return known
}

func (o *theory) isNamedIn(names []string, group string) bool {
	parts := strings.Split(group, "/")
	for from := range parts {
		for to := from + 1; to <= len(parts); to++ {
			for _, name := range names {
				if sameName(name, strings.Join(parts[from:to], "-")) {
					return true
				}
			}
		}
	}
	return false
}

// sameName says whether a CI system can write a name as a part of a tag.
func sameName(name, part string) bool {
	if alike(part) == "" {
		return false
	}
	number := numberedPart.FindStringSubmatch(alike(part))
	names := []string{name}
	for rest := name; strings.Contains(rest, "/"); {
		_, rest, _ = strings.Cut(rest, "/")
		names = append(names, rest)
	}
	for _, n := range names {
		all := []string{n, strings.ReplaceAll(n, "/", "%2F")}
		if m := versionRef.FindStringSubmatch(n); m != nil {
			all = append(all, strings.TrimPrefix(n, "v"), m[1], m[2])
		}
		for _, n := range all {
			if alike(n) == alike(part) || len(part) >= 30 && strings.HasPrefix(alike(n), alike(part)) {
				return true
			}
		}
		if m := wordedPart.FindStringSubmatch(alike(n)); m != nil && number != nil && m[1] == number[1] {
			return true
		}
	}
	return number != nil && bareNumber.MatchString(name) && name == number[1]
}

// namesDoNotFit says whether the plan is refused for the names of --live.
func (o *theory) namesDoNotFit(ghosts []string) bool {
	if o.policy.Live.IsZero() {
		return false
	}
	groups := map[string]bool{}
	tags := slices.Clone(ghosts)
	for _, i := range o.images {
		tags = append(tags, i.Tags...)
		for _, t := range i.Tags {
			if !attachment(i) && o.speaks(t) && o.groupOf(t) != "" && !o.isLive(o.groupOf(t)) && !o.tooNew(o.newestIn(o.groupOf(t))) {
				groups[o.groupOf(t)] = true
			}
		}
	}
	fits, telling := false, false
	for _, t := range tags {
		if g := o.groupOf(t); g != "" && o.isNamed(g) {
			fits, telling = true, telling || !usualBranch.MatchString(alike(g))
		}
	}
	branches, requests := map[string]bool{}, false
	for _, name := range o.refNames() {
		switch plain := alike(name); {
		case strings.HasPrefix(name, "refs/pull/"), wordedPart.MatchString(plain), bareNumber.MatchString(name):
			requests = true
		case strings.HasPrefix(name, "refs/tags/"), strings.HasPrefix(name, "v1"), strings.HasPrefix(name, "1."):
		default:
			branches[alike(strings.TrimPrefix(name, "refs/heads/"))] = true
		}
	}
	for g := range groups {
		isRequest := wordedPart.MatchString(alike(g))
		if !fits || isRequest && !requests || !isRequest && len(branches) == 0 {
			return true
		}
	}
	return !telling && len(groups) > 4 && len(branches) > 4 && o.policy.ExpireGroups.IsZero()
}

package retain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/live"
)

// GuardLive is for names that still exist and do not fit the groups of a repository.
const GuardLive = "live"

// ErrLiveGroups is returned by [Policy.Validate] for names that still exist and no groups to compare them with.
var ErrLiveGroups = errors.New("live needs group-by, which makes the groups")

// givenUp says in English which groups a policy gives up; "" when it gives none up.
func (p Policy) givenUp() string {
	age := ""
	if !p.ExpireGroups.IsZero() {
		age = "without a new image for " + p.ExpireGroups.String()
	}
	switch files := and(p.Live.Sources()); {
	case p.Live.IsZero():
		return age
	case age == "":
		return "that " + files + " does not name"
	default:
		return age + " that " + files + " does not name"
	}
}

// isGone reports whether a group has a name and its branch, tag or pull request does not exist any more. The branch of an
// image that is newer than the names may be newer as well.
func (d *decider) isGone(g *group) bool {
	if g.name == "" || d.policy.Live.IsZero() || g.live {
		return false
	}
	written := d.policy.Live.Written()
	return written.IsZero() || !g.newest().After(written)
}

// giveUp applies no keep rule to a group that is gone, and reports whether it did: at once, or with an age when the group
// has expired. It takes the images without a place in the order too, because their dates and versions decide nothing.
func (d *decider) giveUp(g *group, candidates []*member) bool {
	if !d.isGone(g) || g.void || !d.policy.ExpireGroups.IsZero() && !d.hasExpired(g, candidates) {
		return false
	}
	why := g.name + " is not in " + and(d.policy.Live.Sources())
	for _, m := range g.members {
		m.miss(RuleLive, why)
	}
	if !d.policy.ExpireGroups.IsZero() {
		d.missExpired(g, g.members)
	}
	return true
}

// maxForeign is how many groups may be gone, and how many branches a file may name, when nothing but the usual branches
// fits: above that, the names are probably those of another git repository.
const maxForeign = 4

// refuseLive refuses the plan when the names that still exist do not fit: when they are the name of no group of the
// repository, when groups are given up of a kind that the names say nothing of, and when the names are probably those of
// another git repository.
func (d *decider) refuseLive() []Refusal {
	names := d.policy.Live
	if names.IsZero() {
		return nil
	}
	files := "--live " + and(names.Sources())
	refuse := func(format string, args ...any) []Refusal {
		return []Refusal{{Guard: GuardLive, Detail: files + fmt.Sprintf(format, args...)}}
	}
	var requests, branches []string // that are gone
	for _, g := range d.groups {
		switch {
		case !d.isGone(g):
		case g.request:
			requests = append(requests, g.name)
		default:
			branches = append(branches, g.name)
		}
	}
	gone := slices.Concat(branches, requests)
	if len(gone) == 0 {
		return nil
	}
	fits, telling := d.liveGroups()
	const kind = " names no %s, so it does not say whether %s still %s: add the %s to it, or leave these tags out of the scope"
	switch {
	case !fits:
		return refuse(" names no group of this repository, such as %s: the names do not fit", gone[0])
	case len(requests) > 0 && !names.NamesRequests():
		return refuse(kind, "pull request", some(requests), exist(len(requests)), "open pull requests")
	case len(branches) > 0 && !names.NamesBranches():
		return refuse(kind, "branch", some(branches), exist(len(branches)), "branches")
	case !telling && len(gone) > maxForeign && names.Branches() > maxForeign && d.policy.ExpireGroups.IsZero():
		return refuse(" names %d branches, and this repository has no image of any but the usual ones such as main: these are probably the names of another git repository; if they are not, add --expire-groups, so that only groups without a new image go", names.Branches())
	}
	return nil
}

func exist(n int) string {
	if n == 1 {
		return "exists"
	}
	return "exist"
}

// liveGroups reports whether a name that still exists is that of any group of the repository, in scope or not, and whether
// that of one that not every git repository has.
func (d *decider) liveGroups() (fits, telling bool) {
	asked := map[string]bool{}
	look := func(tag string) {
		name := d.policy.GroupBy.nameOf(tag)
		if name == "" || asked[name] {
			return
		}
		asked[name] = true
		if d.policy.Live.Names(name) {
			fits, telling = true, telling || !live.IsUsual(name)
		}
	}
	for tag := range d.byTag {
		if look(tag); telling {
			return fits, telling
		}
	}
	for _, tag := range d.ghosts {
		look(tag)
	}
	return fits, telling
}

package retain

import (
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/oci"
)

// Grouping puts images into groups by their tags; keep rules then apply to each group by itself. The zero value makes
// one group of all.
type Grouping struct {
	text string
	re   *regexp.Regexp
}

// ParseGrouping reads a regular expression whose capture groups make the name of a tag's group, as in
// ^(.+)-[0-9a-f]{7,}$ for the branch in main-1a2b3c4. It must be anchored at both ends, because one that matches
// somewhere in a tag puts it into a group that its author did not mean.
func ParseGrouping(text string) (Grouping, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return Grouping{}, fmt.Errorf("%q is not a regular expression: %s", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if re.NumSubexp() == 0 {
		return Grouping{}, fmt.Errorf("%q has no capture group: put parentheses around the part that names the group, as in ^(.+)-[0-9]+$", text)
	}
	if !anchored(text) {
		return Grouping{}, fmt.Errorf("%q is not anchored: it must begin with ^ and end with $", text)
	}
	return Grouping{text, re}, nil
}

// anchored reports whether every match spans the whole text.
func anchored(expr string) bool {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil || tree.Op != syntax.OpConcat || len(tree.Sub) < 2 {
		return false
	}
	return tree.Sub[0].Op == syntax.OpBeginText && tree.Sub[len(tree.Sub)-1].Op == syntax.OpEndText
}

// UnmarshalText is [ParseGrouping].
func (g *Grouping) UnmarshalText(text []byte) (err error) {
	*g, err = ParseGrouping(string(text))
	return err
}

// IsZero reports whether no grouping was given.
func (g Grouping) IsZero() bool { return g.re == nil }

// String returns the expression as it was written.
func (g Grouping) String() string { return g.text }

// nameOf returns the group of a tag: its captures, joined by slashes. Tags that do not match share the group without
// a name.
func (g Grouping) nameOf(tag string) string {
	if g.re == nil {
		return ""
	}
	m := g.re.FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.Join(m[1:], "/")
}

// left returns the parts of a tag that the name of its group leaves, without the separators at their ends: 1.2.3 of
// web-1.2.3 in the group web. It is empty for a tag of the group without a name.
func (g Grouping) left(tag string) []string {
	if g.nameOf(tag) == "" {
		return nil
	}
	var out []string
	add := func(part string) {
		if part = strings.Trim(part, "-_."); part != "" {
			out = append(out, part)
		}
	}
	begin := 0
	captures := g.re.FindStringSubmatchIndex(tag)
	for n := 2; n < len(captures); n += 2 {
		if from, to := captures[n], captures[n+1]; from >= begin { // not inside of another capture, and not absent
			add(tag[begin:from])
			begin = to
		}
	}
	add(tag[begin:])
	return out
}

// group is a set of images that keep rules look at together.
type group struct {
	name    string
	members []*member // newest first, by the policy's sort
	void    bool      // no keep rule applies in it
	live    bool      // its branch, tag or pull request exists, or nothing is known of any
	request bool      // its name is that of a pull or merge request
}

// member is an image in one of its groups, ranked by the tags that put it there.
type member struct {
	*entry
	own  rank
	rank rank // own, lifted by the parts of an index
}

// membersBy orders members by the key as their parts have lifted it, and then by their own ranks: of two indexes that
// share their newest part, the one that is newer itself comes first.
func membersBy(own, key order) func(a, b *member) int {
	return func(a, b *member) int {
		if c := key(a.rank, b.rank); c != 0 {
			return c
		}
		return own(a.own, b.own)
	}
}

// group puts the images that rules can count into their groups, in the order of the groups' names. An image whose
// tags name several groups is in each of them, and stays when any of them keeps it.
func (d *decider) group() []*group {
	byName := map[string]*group{}
	for _, e := range d.entries {
		in := d.groupsOf(e)
		for _, x := range in {
			d.count.add(x)
			g := byName[x.group]
			if g == nil {
				g = d.newGroup(x.group)
				byName[x.group] = g
			}
			r := e.rank
			if len(in) > 1 {
				r = d.rankOf(e.image, x.tags)
			}
			g.members = append(g.members, &member{e, r, r})
			if x.group != "" {
				e.groups = append(e.groups, x.group)
			}
		}
	}
	order := membersBy(newestFirst(d.policy.sort()))
	out := slices.SortedFunc(maps.Values(byName), func(a, b *group) int { return oci.NaturalCompare(a.name, b.name) })
	for _, g := range out {
		g.rankWithParts(d.family)
		slices.SortFunc(g.members, order)
	}
	return out
}

// newGroup makes an empty group.
func (d *decider) newGroup(name string) *group {
	names := d.policy.Live
	return &group{name: name, live: names.IsZero() || names.Has(name), request: live.IsRequest(name)}
}

// groupTags are the tags of an image that put it into a group.
type groupTags struct {
	group string
	tags  []string
}

// groupsOf returns the groups of an image, each with the tags by which rules count it there, in the order of their names.
func (d *decider) groupsOf(e *entry) []groupTags {
	if len(e.names) == 1 { // as nearly all have
		return []groupTags{{d.policy.GroupBy.nameOf(e.names[0]), e.names}}
	}
	var out []groupTags
	for _, t := range e.names {
		name := d.policy.GroupBy.nameOf(t)
		n := slices.IndexFunc(out, func(x groupTags) bool { return x.group == name })
		if n < 0 {
			n = len(out)
			out = append(out, groupTags{group: name})
		}
		out[n].tags = append(out[n].tags, t)
	}
	slices.SortFunc(out, func(a, b groupTags) int { return oci.NaturalCompare(a.group, b.group) })
	return out
}

// rankWithParts ranks each index no lower than any of its parts in the group: in no order a part comes before its
// whole, so where a rule reaches the part it reaches the whole. A date that is not known stays so, and so does a
// version: what has no place in an order stays.
func (g *group) rankWithParts(f family) {
	own := map[*entry]rank{}
	for _, m := range g.members {
		own[m.entry] = m.own
	}
	done := map[*entry]rank{}
	for _, m := range g.members {
		if len(m.image.Children) == 0 {
			continue
		}
		m.rank.raise(f.partsOf(m.entry, own, done))
		if m.own.created.IsZero() {
			m.rank.created = time.Time{}
		}
		if m.own.version == nil {
			m.rank.version, m.rank.stable, m.rank.release = nil, nil, ""
		}
	}
}

// partsOf returns the highest keys of the parts of an image, at whatever depth, by the ranks that they have in a
// group. done remembers what was asked: indexes that list the same indexes again and again would take time without
// end.
func (f family) partsOf(e *entry, own, done map[*entry]rank) rank {
	if r, ok := done[e]; ok {
		return r
	}
	var r rank
	for _, c := range e.image.Children {
		if part := f.byDigest[c]; part != nil {
			r.raise(f.partsOf(part, own, done))
			r.raise(own[part])
		}
	}
	done[e] = r
	return r
}

// where names the group in a reason; it is empty when there is only one.
func (g *group) where() string {
	if g.name == "" {
		return ""
	}
	return " in " + g.name
}

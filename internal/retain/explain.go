package retain

import (
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Explanation is everything that speaks for and against one image.
type Explanation struct {
	Decision Decision
	// For are the reasons to keep it. Against are the keep rules that looked at it and did not keep it, and what else lets it
	// go.
	For, Against []Reason
	// Places are its places in the orders that the keep rules go by.
	Places []Place
	// Relatives are the images that it needs, that need it, and that are attached.
	Relatives []Relative
	// Changes would turn the verdict, each by itself; the one that turns the fewest other verdicts is first. Without one,
	// no change of the policy does.
	Changes []Change
}

// Place is where an image stands in one order, counted from 1.
type Place struct {
	Group string // "" where the policy makes no groups, and for the images of no group
	Sort  Sort
	// Place is 0 for an image that takes no place: a part of an index, or an image without what the order needs.
	Place, Of int
}

// Relative is an image that belongs to another one.
type Relative struct {
	Image oci.Image
	// How says what it is to the other, such as "an index that lists it".
	How     string
	Verdict Verdict
}

// Explain says why an image of the snapshot has its verdict. which is one of its tags or its digest. The other arguments
// are those of [Decide]. It reports false when the snapshot has no such image.
func Explain(s oci.Snapshot, p Policy, c Context, now time.Time, which string) (Explanation, bool) {
	d := decide(s, p, c, now)
	e := d.byTag[which]
	if e == nil {
		e = d.family.byDigest[oci.Digest(which)]
	}
	if e == nil {
		return Explanation{}, false
	}
	out := Explanation{
		Decision: e.decision(), For: slices.Concat(e.firm, e.kept), Against: e.missed,
		Places: d.places(e), Relatives: d.relatives(e),
	}
	out.Changes = turner{s, p, c, now, e, d}.changes()
	return out, true
}

// places are the places of an image in its groups, by the policy's order and where versions count also by version.
func (d *decider) places(e *entry) []Place {
	var out []Place
	for _, g := range d.groups {
		if !slices.ContainsFunc(g.members, func(m *member) bool { return m.entry == e }) {
			continue
		}
		candidates := d.candidates(g)
		out = append(out, placeIn(candidates, e, g.name, d.policy.sort()))
		if !d.policy.KeepSemver.IsZero() && d.policy.sort() != SortSemver {
			byVersion := slices.DeleteFunc(slices.Clone(candidates), func(m *member) bool { return m.rank.stable == nil })
			slices.SortFunc(byVersion, releasesFirst)
			out = append(out, placeIn(byVersion, e, g.name, SortSemver))
		}
	}
	return out
}

// placeIn counts the members that take a place up to an image.
func placeIn(members []*member, e *entry, group string, by Sort) Place {
	out := Place{Group: group, Sort: by}
	for _, m := range members {
		if m.part {
			continue
		}
		out.Of++
		if m.entry == e {
			out.Place = out.Of
		}
	}
	return out
}

// relatives are the indexes that list an image, its parts, its attachments, and what it is attached to.
func (d *decider) relatives(e *entry) []Relative {
	var out []Relative
	add := func(how string, r *entry) {
		if r == nil || r == e {
			return
		}
		v := Delete
		if r.stays() {
			v = Keep
		}
		if x := (Relative{r.image, how, v}); !slices.ContainsFunc(out, func(o Relative) bool { return o.Image.Digest == x.Image.Digest && o.How == how }) {
			out = append(out, x)
		}
	}
	for _, p := range d.family.parents[e.image.Digest] {
		add("an index that lists it", p)
	}
	for _, s := range e.image.Subjects() {
		add("what it is attached to", d.family.byDigest[s])
	}
	for _, c := range e.image.Children {
		add("a part of it", d.family.byDigest[c])
	}
	for _, a := range d.family.attachments[e.image.Digest] {
		add("attached to it", a)
	}
	return out
}

package retain

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/regsweep/regsweep/internal/oci"
)

// clockSkew is how far in the future a build date may lie and still count as a date: the clocks of builders differ,
// and a local time written as UTC is off by up to 14 hours. What lies further ahead has no usable date.
const clockSkew = 24 * time.Hour

// rank is what an image is ordered by.
type rank struct {
	digest  oci.Digest
	created time.Time       // the date that counts under the policy; zero: no usable one
	version *semver.Version // the highest by semantic precedence; nil: no tag is a version
	stable  *semver.Version // the highest with releases above all pre-releases
	release string          // the tag of stable
	tag     string          // the greatest tag in natural order
}

// rankOf ranks an image by those of its tags that rules count.
func (d *decider) rankOf(i oci.Image, tags []string) rank {
	r := rank{digest: i.Digest, created: d.dateOf(i)}
	for _, t := range tags {
		v := d.versionOf(t)
		r.raise(rank{version: v, stable: v, release: t, tag: t})
	}
	return r
}

// dateOf returns the date by which the policy ranks an image, in UTC; the zero time when it has no usable one.
func (d *decider) dateOf(i oci.Image) time.Time {
	built, pushed := d.usable(i.Created), d.usable(i.Pushed)
	switch {
	case d.policy.sort() == SortPushed:
		return pushed
	case built.IsZero() && d.policy.Undated == UndatedPushed:
		return pushed
	}
	return built
}

// usable returns a date, or the zero time for one that cannot be.
func (d *decider) usable(t time.Time) time.Time {
	if t.After(d.now.Add(clockSkew)) {
		return time.Time{}
	}
	return t.UTC()
}

// versionOf reads a tag as a version; where it is not one as a whole, the part that the name of its group leaves.
func (d *decider) versionOf(tag string) *semver.Version {
	v := version(tag)
	if v != nil || d.policy.GroupBy.IsZero() || !strings.Contains(tag, ".") {
		return v
	}
	for _, part := range d.policy.GroupBy.left(tag) {
		if v := version(part); v != nil {
			return v
		}
	}
	return nil
}

// raise lifts each key of a rank to that of another where it is higher.
func (r *rank) raise(o rank) {
	if o.created.After(r.created) {
		r.created = o.created
	}
	if r.tag == "" || oci.NaturalCompare(o.tag, r.tag) > 0 {
		r.tag = o.tag
	}
	if o.version != nil && (r.version == nil || o.version.GreaterThan(r.version)) {
		r.version = o.version
	}
	if o.stable == nil {
		return
	}
	// Of 2, 2.1 and 2.1.0 the last one says most.
	if c := compareReleases(o.stable, r.stable); c > 0 || (c == 0 && len(o.release) > len(r.release)) {
		r.stable, r.release = o.stable, o.release
	}
}

// order is a total order of images, newest first.
type order func(a, b rank) int

// The orders of each sort. Equal keys fall back to the version, the tag in natural order and at last the digest, so
// that a plan does not depend on the order of a listing.
var (
	orderCreated = by(byDate, byVersion, byTag)
	orderSemver  = by(byVersion, byDate, byTag)
	orderName    = by(byTag, byVersion)
)

// newestFirst returns the order that a sort asks for, and its first key.
func newestFirst(s Sort) (all, key order) {
	switch s {
	case SortSemver:
		return orderSemver, byVersion
	case SortName:
		return orderName, byTag
	}
	return orderCreated, byDate
}

func by(keys ...order) order {
	return func(a, b rank) int {
		for _, key := range keys {
			if c := key(a, b); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.digest, b.digest)
	}
}

func byDate(a, b rank) int { return b.created.Compare(a.created) } // the zero time is the oldest
func byTag(a, b rank) int  { return oci.NaturalCompare(b.tag, a.tag) }

// sortedTags returns a copy of tags in natural order.
func sortedTags(tags []string) []string {
	out := slices.Clone(tags)
	slices.SortFunc(out, oci.NaturalCompare)
	return out
}

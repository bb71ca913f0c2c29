package retain

import (
	"cmp"
	"slices"
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
	created time.Time       // zero: no usable date
	version *semver.Version // nil: no tag is a version
	release string          // the tag that is the version
	tag     string          // the greatest tag in natural order
}

// rankOf ranks an image by those of its tags that rules count.
func rankOf(i oci.Image, tags []string, now time.Time) rank {
	r := rank{digest: i.Digest}
	if !i.Created.After(now.Add(clockSkew)) {
		r.created = i.Created.UTC()
	}
	for _, t := range tags {
		if r.tag == "" || oci.NaturalCompare(t, r.tag) > 0 {
			r.tag = t
		}
		v := version(t)
		if v == nil {
			continue
		}
		if r.version == nil || v.GreaterThan(r.version) || (v.Equal(r.version) && len(t) > len(r.release)) {
			r.version, r.release = v, t // of 2, 2.1 and 2.1.0 the last one says most
		}
	}
	return r
}

// order is a total order of images, newest first.
type order func(a, b rank) int

// The orders of each sort. Equal keys fall back to the version, the tag in natural order and at last the digest, so
// that a plan does not depend on the order of a listing.
var (
	orderCreated = by(byDate, byVersion, byTag)
	orderSemver  = by(byVersion, byDate, byTag)
	orderName    = by(byTag)
)

// newestFirst returns the order that a sort asks for.
func newestFirst(s Sort) order {
	switch s {
	case SortSemver:
		return orderSemver
	case SortName:
		return orderName
	}
	return orderCreated
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

package retain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/regsweep/regsweep/internal/oci"
)

// standing is an image as a group sees it.
type standing struct {
	digest  oci.Digest
	part    bool
	date    time.Time // zero when there is no usable one
	version *semver.Version
	release *semver.Version // the highest, with pre-releases below all releases
	tag     string          // the greatest in natural order
	own     *standing       // before its parts have lifted it; nil when it has none
}

// standingOf ranks an image in a group by those of its tags that speak there, and an index no lower than its parts there.
func (o *theory) standingOf(i oci.Image, speaks func(tag string) bool) standing {
	s := standing{digest: i.Digest, part: o.isPart(i) && !o.grown[i.Digest], date: o.dateOf(i)}
	s.raise(i.Tags, speaks, o.left)
	own := s
	for _, part := range o.partsOf(i) {
		if attachment(part) || !slices.ContainsFunc(part.Tags, speaks) {
			continue
		}
		if d := o.dateOf(part); d.After(s.date) {
			s.date = d
		}
		s.raise(part.Tags, speaks, o.left)
	}
	if own.date.IsZero() {
		s.date = own.date
	}
	if own.version == nil {
		s.version, s.release = nil, nil
	}
	s.own = &own
	return s
}

// raise lifts a standing by those of some tags that speak. left returns what the name of its group leaves of a tag.
func (s *standing) raise(tags []string, speaks func(tag string) bool, left func(tag string) []string) {
	for _, t := range tags {
		if !speaks(t) {
			continue
		}
		if s.tag == "" || oci.NaturalCompare(t, s.tag) > 0 {
			s.tag = t
		}
		v := asVersion(t)
		for _, part := range left(t) {
			if v == nil {
				v = asVersion(part)
			}
		}
		if v == nil {
			continue
		}
		if s.version == nil || v.GreaterThan(s.version) {
			s.version = v
		}
		if s.release == nil || releaseFirst(v, s.release) > 0 {
			s.release = v
		}
	}
}

// asVersion is nil for a text that is not a version.
func asVersion(text string) *semver.Version {
	v, err := semver.NewVersion(strings.Replace(text, "_", "+", 1))
	if err != nil || !strings.Contains(text, ".") {
		return nil
	}
	return v
}

// left returns the parts of a tag that the name of its group leaves, without what separates them from it.
func (o *theory) left(tag string) (out []string) {
	if o.groupOf(tag) == "" {
		return nil
	}
	named := make([]bool, len(tag)) // by a capture
	at := o.policy.GroupBy.re.FindStringSubmatchIndex(tag)
	for n := 2; n < len(at); n += 2 {
		for k := at[n]; k < at[n+1]; k++ {
			named[k] = true
		}
	}
	part := ""
	for k := range len(tag) + 1 {
		if k < len(tag) && !named[k] {
			part += tag[k : k+1]
			continue
		}
		if part != "" {
			out = append(out, strings.Trim(part, "-_."))
		}
		part = ""
	}
	return out
}

// partsOf returns the parts of an index, and theirs.
func (o *theory) partsOf(index oci.Image) (out []oci.Image) {
	for _, i := range o.images {
		if slices.Contains(index.Children, i.Digest) {
			out = append(append(out, i), o.partsOf(i)...)
		}
	}
	return out
}

// dateOf is zero for what is no date.
// dateOf is the date that counts: of the build, of the push, or the second where the first is not usable.
func (o *theory) dateOf(i oci.Image) time.Time {
	candidates := []time.Time{i.Created}
	if o.policy.Undated == "pushed" {
		candidates = append(candidates, i.Pushed)
	}
	if o.policy.Sort == "pushed" {
		candidates = []time.Time{i.Pushed}
	}
	for _, t := range candidates {
		if !t.IsZero() && !t.After(o.now.Add(24*time.Hour)) {
			return t.UTC()
		}
	}
	return time.Time{}
}

// releaseFirst compares versions with pre-releases below all releases.
func releaseFirst(a, b *semver.Version) int {
	pre := func(v *semver.Version) int { return min(1, len(v.Prerelease())) }
	return cmp.Or(cmp.Compare(pre(b), pre(a)), a.Compare(b))
}

func compareVersions(a, b standing) int {
	switch {
	case a.version != nil && b.version != nil:
		return a.version.Compare(b.version)
	case a.version != nil:
		return 1
	case b.version != nil:
		return -1
	}
	return 0
}

// itself is the image without what its parts have lifted.
func (s standing) itself() standing {
	if s.own == nil {
		return s
	}
	return *s.own
}

func dateOrder(a, b standing) int {
	c := a.date.Compare(b.date)
	a, b = a.itself(), b.itself()
	return cmp.Or(c, a.date.Compare(b.date), compareVersions(a, b), oci.NaturalCompare(a.tag, b.tag), cmp.Compare(b.digest, a.digest))
}

func versionOrder(a, b standing) int {
	c := compareVersions(a, b)
	a, b = a.itself(), b.itself()
	return cmp.Or(c, compareVersions(a, b), dateOrder(a, b))
}

func nameOrder(a, b standing) int {
	c := oci.NaturalCompare(a.tag, b.tag)
	a, b = a.itself(), b.itself()
	return cmp.Or(c, oci.NaturalCompare(a.tag, b.tag), compareVersions(a, b), cmp.Compare(b.digest, a.digest))
}

// releaseOrder is the order of --keep-semver.
func releaseOrder(a, b standing) int {
	return cmp.Or(releaseFirst(a.release, b.release), dateOrder(a.itself(), b.itself()))
}

// datesMatter says "because the order is by date or a rule of age or calendar is set".
func (o *theory) datesMatter() bool {
	p := o.policy
	return p.Sort == "" || p.Sort == SortCreated || p.Sort == SortPushed || !p.KeepYoungerThan.IsZero() || !p.ExpireGroups.IsZero() ||
		p.KeepHourly+p.KeepDaily+p.KeepWeekly+p.KeepMonthly+p.KeepYearly > 0
}

// keepIn is rule 5 in one group.
func (o *theory) keepIn(group string) {
	if o.policy.KeepNone {
		return
	}
	var counted, parts, unplaced []standing
	ownImages := false // some are no parts
	var newest time.Time
	anyCounted, ageUnknown := false, false
	for _, i := range o.images {
		speaks := func(t string) bool { return o.speaks(t) && o.groupOf(t) == group }
		if attachment(i) || !slices.ContainsFunc(i.Tags, speaks) {
			continue
		}
		s := o.standingOf(i, speaks)
		if anyCounted = true; s.date.After(newest) {
			newest = s.date
		}
		ownImages = ownImages || !s.part
		ageUnknown = ageUnknown || (!s.part && s.date.IsZero() && o.policy.Undated != UndatedOldest)
		switch {
		case s.date.IsZero() && o.policy.Undated != UndatedOldest && o.datesMatter(),
			o.policy.Sort == SortSemver && s.version == nil:
			unplaced = append(unplaced, s)
		case s.part:
			parts = append(parts, s)
		default:
			counted = append(counted, s)
		}
	}
	expired := group != "" && !o.policy.ExpireGroups.IsZero() && len(counted)+len(parts) > 0 && !ageUnknown && !newest.After(o.policy.ExpireGroups.Before(o.now))
	live := o.policy.Live.IsZero() || group == "" || o.isLive(group) || o.tooNew(newest)
	if !live && !(ownImages && (o.allVoid(counted) || o.policy.KeepLast > 0 && len(counted) == 0)) && (expired || o.policy.ExpireGroups.IsZero()) {
		return
	}
	for _, s := range unplaced {
		o.stays[s.digest] = o.stays[s.digest] || !s.part
	}
	if ownImages && o.allVoid(counted) {
		for _, i := range o.images {
			if !attachment(i) && slices.ContainsFunc(i.Tags, func(t string) bool { return o.speaks(t) && o.groupOf(t) == group }) {
				o.stays[i.Digest] = true
			}
		}
		return
	}
	if expired && (o.policy.Live.IsZero() || !live) {
		return
	}
	if all := slices.Concat(counted, parts); group != "" && !o.policy.ExpireGroups.IsZero() && anyCounted && !ageUnknown && len(all) > 0 {
		if sign := slices.MaxFunc(all, dateOrder); !sign.date.IsZero() {
			o.stays[sign.digest] = true
		}
	}
	for d := range o.kept(counted) {
		o.stays[d] = true
	}
	for _, part := range parts { // each as if it were the only one: it takes no place
		if o.kept(append(slices.Clone(counted), part))[part.digest] {
			o.stays[part.digest] = true
		}
	}
}

// allVoid says whether every keep rule is void where these are the images that the rules count.
func (o *theory) allVoid(counted []standing) bool {
	p := o.policy
	some := func(has func(standing) bool) bool { return slices.ContainsFunc(counted, has) }
	dated := func(s standing) bool { return !s.date.IsZero() }
	byDate := !p.KeepYoungerThan.IsZero() || p.KeepHourly+p.KeepDaily+p.KeepWeekly+p.KeepMonthly+p.KeepYearly > 0
	return p.KeepLast == 0 && !(byDate && some(dated)) && !(p.KeepSemver.n > 0 && some(func(s standing) bool { return s.release != nil }))
}

// kept returns what the rules keep of some images.
func (o *theory) kept(of []standing) map[oci.Digest]bool {
	p, out := o.policy, map[oci.Digest]bool{}
	order := map[Sort]func(a, b standing) int{"": dateOrder, SortCreated: dateOrder, SortPushed: dateOrder, SortSemver: versionOrder, SortName: nameOrder}[p.Sort]
	keepFirst(out, of, p.KeepLast, order)
	for _, s := range of {
		if !p.KeepYoungerThan.IsZero() && s.date.After(p.KeepYoungerThan.Before(o.now)) {
			out[s.digest] = true
		}
	}
	keepCalendar(out, of, p.KeepHourly, func(t time.Time) string { return t.Format("2006-01-02T15") })
	keepCalendar(out, of, p.KeepDaily, func(t time.Time) string { return t.Format("2006-01-02") })
	keepCalendar(out, of, p.KeepWeekly, func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprintf("%d-W%02d", y, w) })
	keepCalendar(out, of, p.KeepMonthly, func(t time.Time) string { return t.Format("2006-01") })
	keepCalendar(out, of, p.KeepYearly, func(t time.Time) string { return t.Format("2006") })
	lines := map[string][]standing{}
	for _, s := range of {
		if v := s.release; v != nil && p.KeepSemver.n > 0 {
			line := map[string]string{"": "", "major": fmt.Sprint(v.Major()), "minor": fmt.Sprint(v.Major(), ".", v.Minor())}[p.KeepSemver.per]
			lines[line] = append(lines[line], s)
		}
	}
	for _, line := range lines {
		keepFirst(out, line, p.KeepSemver.n, releaseOrder)
	}
	return out
}

func keepFirst(out map[oci.Digest]bool, of []standing, n int, order func(a, b standing) int) {
	for of = slices.Clone(of); n > 0 && len(of) > 0; n-- {
		first := slices.MaxFunc(of, order)
		out[first.digest] = true
		of = slices.DeleteFunc(of, func(s standing) bool { return s.digest == first.digest })
	}
}

func keepCalendar(out map[oci.Digest]bool, of []standing, n int, period func(time.Time) string) {
	of = slices.DeleteFunc(slices.Clone(of), func(s standing) bool { return s.date.IsZero() })
	for ; n > 0 && len(of) > 0; n-- {
		first := slices.MaxFunc(of, dateOrder)
		out[first.digest] = true
		of = slices.DeleteFunc(of, func(s standing) bool { return period(s.date) == period(first.date) })
	}
}

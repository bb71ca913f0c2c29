package retain

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// theory is docs/retention.md, sentence by sentence. It shares no code with Decide, and is slow so that it can be
// compared with the page by reading. Where the page is silent it reads:
//   - an image with an ordinary tag beside an attachment's is no attachment, but is attached as well;
//   - an attachment's tag is inside every scope;
//   - what has no tag is not left by rule 8;
//   - of what is equal in everything the smaller digest is the newer.
type theory struct {
	images []oci.Image
	policy Policy
	refs   []string // the lines of --live
	named  map[string]bool
	pushed []oci.Pushed
	now    time.Time
	grown  map[oci.Digest]bool // parts that are "counted from then on like any other image"
	stays  map[oci.Digest]bool
	leftBy map[oci.Digest]bool // stays by something else than being attached
}

// oracle returns the verdicts that docs/retention.md demands.
func oracle(c testCase, now time.Time) map[oci.Digest]Verdict {
	o := theory{images: c.snapshot.Images, policy: c.policy, refs: c.live, pushed: c.context.Pushed, now: now, grown: map[oci.Digest]bool{}}
	for before := -1; before < len(o.grown); {
		before = len(o.grown)
		o.stays, o.leftBy = map[oci.Digest]bool{}, map[oci.Digest]bool{}
		for _, i := range o.images {
			o.stays[i.Digest] = o.firm(i) || o.untagged(i) && !o.givenUp(i)
		}
		for _, name := range o.groupNames() {
			o.keepIn(name)
		}
		for d, yes := range o.stays {
			o.leftBy[d] = yes
		}
		o.together()
		for _, i := range o.images {
			if o.stays[i.Digest] && !slices.ContainsFunc(o.indexesOf(i), func(x oci.Image) bool { return o.stays[x.Digest] && !attachment(x) }) {
				o.grown[i.Digest] = true
			}
		}
	}
	o.neverEmpty()
	out := map[oci.Digest]Verdict{}
	for _, i := range o.images {
		out[i.Digest] = Delete
		if o.stays[i.Digest] {
			out[i.Digest] = Keep
		}
	}
	return out
}

// firm says whether an image stays by rule 1, 2 or 3.
func (o *theory) firm(i oci.Image) bool {
	for _, p := range o.pushed {
		if p.Digest == i.Digest || slices.Contains(i.Tags, p.Tag) {
			return true
		}
	}
	tagged := slices.ContainsFunc(i.Tags, func(t string) bool { return !attachmentTag(t) })
	return i.Retained != "" || o.policy.KeepTagged && tagged || slices.ContainsFunc(i.Tags, func(t string) bool { return o.protected(t) || !o.inScope(t) && !attachmentTag(t) })
}

// untagged says whether an image has no tag, is no part, and is attached to nothing that is there.
func (o *theory) untagged(i oci.Image) bool {
	return len(i.Tags) == 0 && len(o.indexesOf(i)) == 0 && !slices.ContainsFunc(o.subjectsOf(i), o.has)
}

// givenUp says whether --untagged gives an untagged manifest up: it is not younger, by its push, else by its build.
func (o *theory) givenUp(i oci.Image) bool {
	for _, t := range []time.Time{i.Pushed, i.Created} {
		if !t.IsZero() && !t.After(o.now.Add(24*time.Hour)) {
			return !o.policy.Untagged.IsZero() && !t.After(o.policy.Untagged.Before(o.now))
		}
	}
	return false
}

func (o *theory) protected(tag string) bool {
	return tag == "latest" && !o.policy.NoProtectLatest || slices.ContainsFunc(o.policy.Protect, func(p Pattern) bool { return p.Match(tag) })
}

func (o *theory) inScope(tag string) bool {
	return len(o.policy.Tags) == 0 || slices.ContainsFunc(o.policy.Tags, func(p Pattern) bool { return p.Match(tag) })
}

func attachmentTag(tag string) bool {
	_, ok := oci.AttachmentSubject(tag)
	return ok
}

// attachment says whether an image is one, by its subject or by all its tags.
func attachment(i oci.Image) bool {
	return i.Subject != "" || len(i.Tags) > 0 && !slices.ContainsFunc(i.Tags, func(t string) bool { return !attachmentTag(t) })
}

// subjectsOf are what an image is attached to: also as an earlier version of a referrers index, which has no tag, is not a part
// and lists attachments of one image alone.
func (o *theory) subjectsOf(i oci.Image) []oci.Digest {
	if len(i.Tags)+len(i.Removed)+len(i.Subject)+len(o.indexesOf(i)) > 0 {
		return i.Subjects()
	}
	named := map[oci.Digest]bool{}
	for _, x := range i.Children {
		found := false
		for _, part := range o.images {
			if part.Digest == x && part.Subject != "" {
				found, named[part.Subject] = true, true
			}
		}
		if !found {
			return i.Subjects()
		}
	}
	for s := range named {
		if len(named) == 1 && o.has(s) {
			return []oci.Digest{s}
		}
	}
	return i.Subjects()
}

// isPart says whether an index lists an image; a referrers index is an attachment and makes no part of a tagged image.
func (o *theory) isPart(i oci.Image) bool {
	return slices.ContainsFunc(o.indexesOf(i), func(x oci.Image) bool { return !attachment(x) || len(i.Tags) == 0 })
}

func (o *theory) indexesOf(part oci.Image) (out []oci.Image) {
	for _, i := range o.images {
		if slices.Contains(i.Children, part.Digest) {
			out = append(out, i)
		}
	}
	return out
}

func (o *theory) has(d oci.Digest) bool {
	return slices.ContainsFunc(o.images, func(i oci.Image) bool { return i.Digest == d })
}

// together is rule 6.
func (o *theory) together() {
	held := map[oci.Digest]bool{}
	for before := -1; before < len(held); {
		before = len(held)
		for _, a := range o.images {
			if !attachment(a) || !o.firm(a) && !held[a.Digest] {
				continue
			}
			for _, i := range o.images {
				if slices.Contains(a.Subjects(), i.Digest) && (len(i.Tags) > 0 || !o.isPart(i)) {
					held[i.Digest], o.stays[i.Digest], o.leftBy[i.Digest] = true, true, true
				}
			}
		}
	}
	alone := map[oci.Digest]bool{} // stay because what they are attached to is elsewhere
	for _, i := range o.images {
		elsewhere := slices.ContainsFunc(o.subjectsOf(i), func(s oci.Digest) bool { return !o.has(s) })
		if !o.stays[i.Digest] && len(i.Tags) > 0 && elsewhere {
			o.stays[i.Digest], alone[i.Digest] = true, true
		}
	}
	defer func() {
		for _, i := range o.images {
			if alone[i.Digest] && slices.ContainsFunc(o.indexesOf(i), func(x oci.Image) bool { return o.stays[x.Digest] && o.leftBy[x.Digest] }) {
				o.leftBy[i.Digest] = true
			}
		}
	}()
	for again := true; again; {
		again = false
		for _, i := range o.images {
			if o.stays[i.Digest] {
				continue
			}
			for _, x := range o.indexesOf(i) {
				again = again || o.stays[x.Digest]
				o.stays[i.Digest] = o.stays[i.Digest] || o.stays[x.Digest]
				o.leftBy[i.Digest] = o.leftBy[i.Digest] || o.stays[x.Digest]
			}
			for _, s := range o.subjectsOf(i) {
				again = again || o.stays[s]
				o.stays[i.Digest] = o.stays[i.Digest] || o.stays[s]
			}
		}
	}
}

// neverEmpty is rule 8.
func (o *theory) neverEmpty() {
	var others []standing
	lonely := map[oci.Digest]bool{}
	for _, i := range o.images {
		if attachment(i) || len(i.Tags) == 0 {
			continue
		}
		if o.stays[i.Digest] && o.leftBy[i.Digest] {
			return
		}
		if !o.stays[i.Digest] {
			lonely[i.Digest] = true
		}
	}
	for _, i := range o.images {
		if !lonely[i.Digest] {
			continue
		}
		s := standing{digest: i.Digest, date: o.dateOf(i), part: o.isPart(i)}
		s.raise(i.Tags, o.speaks, o.left)
		if s.tag == "" {
			s.raise(i.Tags, func(string) bool { return true }, o.left)
		}
		own := s
		s.own = &own
		for _, part := range o.partsOf(i) {
			if t := o.dateOf(part); lonely[part.Digest] && !s.date.IsZero() && t.After(s.date) {
				s.date = t
			}
		}
		others = append(others, s)
	}
	if len(others) == 0 {
		return
	}
	newest := slices.MaxFunc(others, func(a, b standing) int {
		if c := a.date.Compare(b.date); c != 0 || a.part == b.part {
			return cmp.Or(c, dateOrder(a.itself(), b.itself()))
		}
		if a.part {
			return -1
		}
		return 1
	})
	o.stays[newest.digest] = true
	o.together()
}

// speaks says whether keep rules look at an image by a tag.
func (o *theory) speaks(tag string) bool {
	return o.inScope(tag) && !o.protected(tag) && !attachmentTag(tag)
}

func (o *theory) groupOf(tag string) string {
	if o.policy.GroupBy.IsZero() {
		return ""
	}
	m := o.policy.GroupBy.re.FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.Join(m[1:], "/")
}

// namesNoGroup says whether the expression of --group-by names no group for any tag that the rules look at.
func (o *theory) namesNoGroup() bool {
	looked, named := false, false
	for _, i := range o.images {
		for _, t := range i.Tags {
			if !attachment(i) && o.speaks(t) {
				looked = true
				named = named || o.groupOf(t) != ""
			}
		}
	}
	return looked && !named && !o.policy.GroupBy.IsZero()
}

func (o *theory) groupNames() []string {
	out := []string{""}
	for _, i := range o.images {
		for _, t := range i.Tags {
			out = append(out, o.groupOf(t))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

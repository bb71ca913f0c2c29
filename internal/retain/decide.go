package retain

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/oci"
)

// Context is what [Decide] must know of a repository in addition to its snapshot.
type Context struct {
	// Pushed is what the pipeline has just pushed to the repository. It is kept, and a plan is refused when the registry
	// does not have it.
	Pushed []oci.Pushed
	// Pending are manifests whose deletion an earlier run has begun and could not finish. They are deleted unless
	// something needs them again.
	Pending []oci.Digest
	// Begun are the tags of those manifests, with what they pointed at when that run began. Of a manifest that stays, those
	// that point at nothing now are to be put back, see [oci.Image].Removed.
	Begun map[string]oci.Digest
}

// Decide plans what becomes of each image of the snapshot under the policy. Ages are counted from now. The result does
// not depend on the order of the input, and the input is not changed. An invalid policy keeps everything.
func Decide(s oci.Snapshot, p Policy, c Context, now time.Time) Plan {
	return decide(s, p, c, now).plan(s)
}

// decide is [Decide] up to the form of a plan.
func decide(s oci.Snapshot, p Policy, c Context, now time.Time) *decider {
	d := newDecider(s, p, c, now)
	if p.Validate() != nil {
		for _, e := range d.entries {
			e.always(RuleNoPolicy, "no keep rule")
		}
		return d
	}
	d.keepPushed()
	d.keepProtected()
	d.keepOrphans()
	d.keepSubjects()
	for again := true; again; again = d.promote() {
		d.keepByRules()
		d.keepReachable()
	}
	if d.keepOneAtLeast() {
		d.keepReachable()
	}
	d.explainDeletions()
	return d
}

// entry is an image on its way to a decision.
type entry struct {
	image    oci.Image
	rank     rank
	names    []string // the tags by which keep rules could count it
	groups   []string // the named groups that these put it into
	pending  bool     // an earlier run has begun to delete it
	listed   bool     // an index lists it
	untagged bool     // nothing in the repository leads to it
	former   *entry   // the manifest whose referrers index it was
	part     bool     // and it takes no place of its own, and goes where its indexes go unless a rule keeps it
	firm     []Reason // why it stays whatever the rules say
	kept     []Reason // which rules keep it, and what it is needed for
	missed   []Reason // which rules did not keep it
}

func (e *entry) always(r Rule, detail string) { e.firm = append(e.firm, Reason{r, detail}) }
func (e *entry) keep(r Rule, detail string)   { e.kept = with(e.kept, Reason{r, detail}) }
func (e *entry) miss(r Rule, detail string)   { e.missed = with(e.missed, Reason{r, detail}) }

// with adds a reason, once: an image in two groups meets the same rule twice.
func with(rs []Reason, r Reason) []Reason {
	if rs == nil {
		rs = make([]Reason, 0, 2) // few policies have more rules that speak of one image
	}
	if slices.Contains(rs, r) {
		return rs
	}
	return append(rs, r)
}

// isLeft reports whether the image stays by more than being attached to something.
func (e *entry) isLeft() bool {
	attached := func(r Reason) bool { return r.Rule == RuleAttachment }
	return e.stays() && !(all(e.firm, attached) && all(e.kept, attached))
}

// all reports whether each of some reasons is of a kind.
func all(rs []Reason, is func(Reason) bool) bool {
	return !slices.ContainsFunc(rs, func(r Reason) bool { return !is(r) })
}

// stays reports whether anything has kept the image so far.
func (e *entry) stays() bool { return len(e.firm)+len(e.kept) > 0 }

// isPartOf reports whether the image goes where an index that lists it goes. A tagged image does not go with an
// attachment that happens to list it.
func (e *entry) isPartOf(index *entry) bool {
	return !counted(e.image) || index.image.Kind != oci.KindAttachment
}

type decider struct {
	policy  Policy
	protect []Pattern
	context Context
	now     time.Time
	usage   inuse.Usage
	entries []*entry // newest first
	byTag   map[string]*entry
	ghosts  []string // in natural order
	family  family
	groups  []*group // by name
	count   groupCount
	applied map[Rule]bool // the keep rules that apply to an image
}

func newDecider(s oci.Snapshot, p Policy, c Context, now time.Time) *decider {
	d := &decider{policy: p, protect: p.protectedTags(), context: c, now: now, usage: inuse.Find(p.InUse, s), ghosts: sortedTags(s.Ghosts), byTag: map[string]*entry{}}
	pending := map[oci.Digest]bool{}
	for _, digest := range c.Pending {
		pending[digest] = true
	}
	removed := c.removed(s.Images)
	all := make([]entry, len(s.Images))
	for n, i := range s.Images {
		e := &all[n]
		i = withRemoved(i, removed[i.Digest])
		e.image, e.pending = i, pending[i.Digest]
		e.image.Tags = sortedTags(i.Tags)
		countable := d.countable(e.image)
		if counted(i) {
			e.names = countable
		}
		if len(countable) == 0 {
			countable = i.Tags
		}
		e.rank = d.rankOf(i, countable)
		for _, t := range i.Tags {
			d.byTag[t] = e
		}
		d.entries = append(d.entries, e)
	}
	d.family = familyOf(d.entries)
	d.family.overtaken(d.entries)
	for _, e := range d.entries {
		e.listed = slices.ContainsFunc(d.family.parents[e.image.Digest], e.isPartOf)
		e.part = e.listed
	}
	order, _ := newestFirst(p.sort())
	slices.SortFunc(d.entries, func(a, b *entry) int { return order(a.rank, b.rank) })
	d.family.sort()
	d.groups = d.group()
	return d
}

// countable returns the tags by which keep rules count the image: in scope, not protected, not in use, and not the name
// of an attachment.
func (d *decider) countable(i oci.Image) []string {
	var out []string
	for _, t := range i.Tags {
		_, protected := matching(d.protect, t)
		if _, attached := oci.AttachmentSubject(t); !attached && !protected && !d.usage.Names(i, t) && d.inScope(t) {
			out = append(out, t)
		}
	}
	return out
}

func (d *decider) inScope(tag string) bool {
	if len(d.policy.Tags) == 0 {
		return true
	}
	_, ok := matching(d.policy.Tags, tag)
	return ok
}

// keepPushed keeps what the pipeline has just pushed, by tag and by digest.
func (d *decider) keepPushed() {
	if len(d.context.Pushed) == 0 {
		return
	}
	tags, digests := map[string]bool{}, map[oci.Digest]bool{}
	for _, p := range d.context.Pushed {
		tags[p.Tag], digests[p.Digest] = p.Tag != "", p.Digest != ""
	}
	for _, e := range d.entries {
		if digests[e.image.Digest] || slices.ContainsFunc(e.image.Tags, func(t string) bool { return tags[t] }) {
			e.always(RuleJustBuilt, "just built")
		}
	}
}

// keepProtected keeps every image that is in use or that the registry itself keeps, and every one that a protected tag or a
// tag outside the scope points at, or any tag where the policy keeps what has one.
func (d *decider) keepProtected() {
	for _, e := range d.entries {
		inside := false
		var outside, ordinary []string
		for _, t := range e.image.Tags {
			_, attached := oci.AttachmentSubject(t)
			if !attached {
				ordinary = append(ordinary, t)
			}
			p, protected := matching(d.protect, t)
			if protected {
				e.always(RuleProtect, "protected by "+p.String())
			}
			switch {
			case d.inScope(t):
				inside = true
			case !attached && !protected: // else that is reason enough
				outside = append(outside, t)
			}
		}
		if d.policy.KeepTagged && len(ordinary) > 0 {
			e.always(RuleTagged, "has a tag")
		}
		if why := e.image.Retained; why != "" {
			e.always(RuleRetained, "the registry itself keeps it: "+why)
		}
		for _, why := range d.usage.Reasons(e.image.Digest) {
			e.always(RuleProtectFile, why)
		}
		switch {
		case len(outside) == 0:
		case inside || len(outside) < len(e.image.Tags):
			e.always(RuleScope, "shares its digest with "+outside[0]+" (out of scope)")
		default:
			e.always(RuleScope, "out of scope")
		}
	}
}

// keepOneAtLeast keeps the newest image when no other would be left, and reports whether it did: a repository is never
// emptied. Rules of age and of the calendar come to that, so the newest is the newest by date whatever the sort, an
// index being as new as its newest part, and of equal ones a whole before its parts. An image that stays only because
// it is attached to something unknown is not one that is left: that begins when its subject goes, and a second run must
// come to the same.
func (d *decider) keepOneAtLeast() bool {
	all := group{}
	for _, e := range d.entries {
		switch {
		case !counted(e.image) || len(e.image.Tags) == 0:
			continue
		case e.isLeft(), slices.ContainsFunc(d.family.parents[e.image.Digest], (*entry).isLeft):
			return false
		case !e.stays():
			all.members = append(all.members, &member{e, e.rank, e.rank})
		}
	}
	if len(all.members) == 0 {
		return false
	}
	all.rankWithParts(d.family)
	newest := slices.MinFunc(all.members, func(a, b *member) int {
		if c := byDate(a.rank, b.rank); c != 0 {
			return c
		}
		if a.listed != b.listed {
			return cmp.Compare(presence(a.listed), presence(b.listed))
		}
		return orderCreated(a.own, b.own)
	})
	newest.keep(RuleNeverEmpty, "the newest image of a repository that would be empty without it")
	return true
}

// plan puts the decisions in the order of a report.
func (d *decider) plan(s oci.Snapshot) Plan {
	var sections [4][]*entry
	for _, e := range d.entries {
		n := e.section()
		sections[n] = append(sections[n], e)
	}
	p := Plan{Repository: s.Repository, Ghosts: d.ghosts, Decisions: make([]Decision, 0, len(d.entries))}
	for _, section := range sections {
		for _, e := range section {
			p.Decisions = append(p.Decisions, e.decision())
		}
	}
	packReasons(p.Decisions)
	p.Warnings = d.warnings()
	p.Refusals = slices.Concat(d.refusePushed(), d.refuseUnreadable(), d.refuseNoGroup(), d.refuseLive(), d.refuseTooMany(p))
	return p
}

// packReasons has all decisions share one array of reasons that is no longer than they are. A plan stays in memory until
// all repositories of a run are reported, and reasons with room for more were a quarter of what 5,000 of them took.
func packReasons(decisions []Decision) {
	n := 0
	for _, d := range decisions {
		n += len(d.Reasons)
	}
	packed := make([]Reason, 0, n)
	for i := range decisions {
		from := len(packed)
		packed = append(packed, decisions[i].Reasons...)
		decisions[i].Reasons = packed[from:len(packed):len(packed)]
	}
}

// section is the part of a report that an image belongs to: kept images, deleted ones, and the same of parts.
func (e *entry) section() int {
	n := 0
	if !counted(e.image) {
		n = 2
	}
	if !e.stays() {
		n++
	}
	return n
}

const groupSeparator = ", "

func (e *entry) decision() Decision {
	d := Decision{Image: e.image, Verdict: Delete, Group: strings.Join(e.groups, groupSeparator), Reasons: e.missed, Pending: e.pending}
	if e.stays() {
		d.Verdict, d.Reasons = Keep, append(e.firm, e.kept...)
	}
	return d
}

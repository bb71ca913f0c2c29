package main

import (
	"maps"
	"slices"
	"time"
)

// versions returns the repository as it was at the start of an act and after each push of others, without what the
// program did meanwhile: what it must leave alone follows from these.
func (p *player) versions(a *act) []state {
	out := []state{a.before}
	for _, h := range a.happened {
		if !h.accepted {
			continue
		}
		next := out[len(out)-1].clone()
		for _, c := range append(slices.Clone(h.parts), h.top) {
			for d := range p.familyOf(c.digest) {
				next.nodes[d] = p.store.node(d)
			}
		}
		next.tags[h.tag] = h.top.digest
		out = append(out, next)
	}
	return out
}

// familyOf returns a manifest of the harness with the parts that its body lists.
func (p *player) familyOf(digest string) map[string]bool {
	set := map[string]bool{digest: true}
	for _, c := range p.store.node(digest).children {
		maps.Copy(set, p.familyOf(c))
	}
	return set
}

// keeps checks that an act took nothing that stays: neither by the policy nor because others have just pushed it.
func (j *judgement) keeps() {
	versions := j.p.versions(j.a)
	var stays []map[string]bool
	for _, v := range versions {
		stays = append(stays, v.stays(j.p.w.rules))
	}
	for t, d := range j.a.before.tags {
		always := true
		for i, v := range versions {
			always = always && v.tags[t] == d && stays[i][d]
		}
		if always && j.a.before.nodes[d] != nil {
			j.keepsTag(t, d)
		}
	}
	n := 0
	for _, h := range j.a.happened {
		if !h.accepted {
			continue
		}
		n++
		current := versions[len(versions)-1].tags[h.tag] == h.top.digest
		stay := !slices.ContainsFunc(stays[n:], func(s map[string]bool) bool { return !s[h.top.digest] })
		// A run that lists a promoted image for the first time takes it for one of the old ones, which it is.
		planned := h.what == promote && !j.listed(h.began)
		switch {
		case current && !planned && (!j.a.two || stay):
			j.keepsPush(h)
		case !current && j.window(h): // it had lost its tag before that was moved on
			j.p.windowed = append(j.p.windowed, h.top.digest)
		}
	}
}

// listed reports whether the program had listed the repository before a moment.
func (j *judgement) listed(by time.Time) bool {
	return slices.ContainsFunc(j.a.log, func(e entry) bool {
		return e.kind == "list" && e.executed() && e.fault == "" && e.end.Before(by)
	})
}

// keepsTag checks that a tag that stays is as it was, with all that belongs to it.
func (j *judgement) keepsTag(tag, digest string) {
	after := j.a.after
	if after.tags[tag] != digest || !j.a.lists(tag) {
		j.find(lost, "the tag %s of %s, which stays", tag, j.p.describe(digest))
	}
	for d := range j.a.before.families(digest) {
		n := after.nodes[d]
		if n == nil {
			j.find(lost, "%s, which %s needs, which stays", j.p.describe(d), tag)
			continue
		}
		for _, b := range n.blobs {
			if after.lost[b] != "" && j.a.before.lost[b] == "" {
				j.find(lost, "the blob %s of %s, which %s needs, which stays", short(b), j.p.describe(d), tag)
			}
		}
	}
}

// keepsPush checks that what others pushed is as they left it.
func (j *judgement) keepsPush(h happening) {
	after := j.a.after
	d := h.top.digest
	if after.tags[h.tag] != d || after.nodes[d] == nil {
		if j.window(h) {
			j.p.windowed = append(j.p.windowed, d)
		} else {
			j.find(lost, "%s %s, %s: the tag points at %q, the manifest is there: %t", h.what, h.tag, j.p.describe(d), short(after.tags[h.tag]), after.nodes[d] != nil)
		}
		return
	}
	for part := range j.p.familyOf(d) {
		if after.nodes[part] != nil {
			continue
		}
		switch {
		case j.looked(h.ended, part):
			j.find(lost, "%s of %s %s, deleted after a look that followed the push", j.p.describe(part), h.what, h.tag)
		case !j.named(h.tag):
			j.find(brokenPush, "%s of %s %s, deleted after the push, and the run does not name the tag with exit code 1", j.p.describe(part), h.what, h.tag)
		}
	}
	if h.what != promote || slices.ContainsFunc(j.a.runs, func(r outcome) bool { return r.killed }) {
		return
	}
	family := j.a.before.families(d)
	for t, sig := range j.a.before.tags {
		if of := subjectOf(t); family[of] && family[sig] && after.tags[t] != sig && after.nodes[of] != nil && !j.named(t) && !j.leftToTheNext(sig) {
			j.find(bareImage, "%s was promoted to %s and spared, and lost %s", j.p.describe(d), h.tag, t)
		}
	}
}

// leftToTheNext reports whether a run that failed says that the next one has to finish a manifest: that one deletes it with
// its image or puts its tag back, and what it leaves without a tag is stranded in the end.
func (j *judgement) leftToTheNext(digest string) bool {
	return slices.ContainsFunc(j.a.runs, func(r outcome) bool {
		return r.code > 0 && r.report != nil && slices.Contains(r.report.Repositories[0].Unfinished, digest)
	})
}

// window reports whether a push came in one of the documented windows: between the last look and the deletion of the
// digest that it put a tag on, or between the look at a tag and the removal of that tag.
func (j *judgement) window(h happening) bool {
	for _, e := range j.a.log {
		overlaps := e.begin.Before(h.ended) && e.end.After(h.began)
		switch {
		case e.kind == "untag" && e.ref == h.tag, e.kind == "retag" && e.ref == h.tag:
			if (e.perhaps() || overlaps) && !j.lookedAtTag(h.ended, e) && j.lookedAtTag(j.listedBefore(e), e) {
				return true
			}
		case h.was != "" && e.ref == h.was && e.deletes() && overlaps:
			return true
		case h.what == promote && e.ref == h.top.digest && e.deletes() && (e.perhaps() || overlaps):
			return !j.looked(h.ended, e.ref)
		}
	}
	return false
}

// lookedAtTag reports whether the program has read the tag after a moment and before it removed it.
func (j *judgement) lookedAtTag(from time.Time, removal entry) bool {
	return slices.ContainsFunc(j.a.log, func(e entry) bool {
		return e.kind == "tag" && e.ref == removal.ref && e.status != 0 && e.begin.After(from) && e.end.Before(removal.begin)
	})
}

// listedBefore returns the end of the last listing before the removal of a tag. What was read of the tag until then was
// for the plan or for a look at the whole repository: only a look of the tag's own leaves no more than a short window. Two
// runs at once list whenever they like.
func (j *judgement) listedBefore(removal entry) (last time.Time) {
	for _, e := range j.a.log {
		if e.kind == "list" && !j.a.two && e.end.Before(removal.begin) && e.end.After(last) {
			last = e.end
		}
	}
	return last
}

// looked reports whether the program listed the repository after a moment and before it deleted a digest.
func (j *judgement) looked(from time.Time, digest string) bool {
	var deletions, looks []entry
	for _, e := range j.a.log {
		switch {
		case e.deletes() && e.ref == digest && e.perhaps():
			deletions = append(deletions, e)
		case e.kind == "list" && e.executed() && e.fault == "" && e.begin.After(from):
			looks = append(looks, e)
		}
	}
	for _, d := range deletions {
		for _, l := range looks {
			if l.end.Before(d.begin) {
				return true
			}
		}
	}
	return false
}

// named reports whether a run that failed tells of a tag. One that was killed could not; then the next one has to.
func (j *judgement) named(tag string) bool {
	for _, r := range j.a.runs {
		if r.code > 0 && r.mentions(tag) {
			return true
		}
		if r.killed {
			i := slices.Index(j.p.acts, j.a)
			return i+1 < len(j.p.acts) && slices.ContainsFunc(j.p.acts[i+1].runs, func(r outcome) bool { return r.mentions(tag) || r.killed })
		}
	}
	return false
}

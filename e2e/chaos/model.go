package main

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// rules are the policy of a schedule: the part of the product's that the model knows.
type rules struct {
	keepLast int
	protect  []string // globs
	built    string   // the tag that the pipeline has just pushed; "" for none
}

var attachmentName = regexp.MustCompile(`^sha256-([0-9a-f]{64})(\..+)?$`)

// subjectOf returns the digest that a tag is attached to by its name, or "".
func subjectOf(tag string) string {
	if m := attachmentName.FindStringSubmatch(tag); m != nil {
		return "sha256:" + m[1]
	}
	return ""
}

// clone returns a copy that can be changed.
func (s state) clone() state {
	return state{nodes: maps.Clone(s.nodes), tags: maps.Clone(s.tags), lost: maps.Clone(s.lost)}
}

// attached returns what is attached to each digest.
func (s state) attached() map[string][]string {
	out := map[string][]string{}
	for t, d := range s.tags {
		if of := subjectOf(t); of != "" {
			out[of] = append(out[of], d)
		}
	}
	for d, n := range s.nodes {
		if n.subject != "" {
			out[n.subject] = append(out[n.subject], d)
		}
	}
	return out
}

// family adds a digest to a set, with its children and all that is attached to any of them, as far as it is there.
func (s state) family(digest string, attached map[string][]string, set map[string]bool) {
	n := s.nodes[digest]
	if n == nil || set[digest] {
		return
	}
	set[digest] = true
	for _, c := range n.children {
		s.family(c, attached, set)
	}
	for _, a := range attached[digest] {
		s.family(a, attached, set)
	}
}

// families is family for several digests.
func (s state) families(digests ...string) map[string]bool {
	set, attached := map[string]bool{}, s.attached()
	for _, d := range digests {
		s.family(d, attached, set)
	}
	return set
}

// reachable returns what tags lead to, or what is attached to something that they lead to.
func (s state) reachable() map[string]bool {
	return s.families(slices.Collect(maps.Values(s.tags))...)
}

// born is when an image was built; an index is as new as its newest platform.
func (s state) born(digest string) (unix int64, known bool) {
	n := s.nodes[digest]
	if n == nil {
		return 0, false
	}
	if !n.created.IsZero() {
		return n.created.Unix(), true
	}
	for _, c := range n.children {
		if at, ok := s.born(c); ok && (!known || at > unix) {
			unix, known = at, true
		}
	}
	return unix, known
}

func (r rules) protects(tag string) bool {
	return slices.ContainsFunc(r.protect, func(glob string) bool {
		ok, _ := path.Match(glob, tag)
		return ok
	})
}

// placeholder reports whether the program has pushed this to point tags at it, which an interrupted run leaves behind.
func (n *node) placeholder() bool { return strings.HasPrefix(n.config, "application/vnd.regsweep.") }

// ordinary returns the images that rules look at: by digest, with the tags that are not the names of attachments.
func (s state) ordinary() map[string][]string {
	images := map[string][]string{}
	for t, d := range s.tags {
		if n := s.nodes[d]; n != nil && !n.placeholder() && subjectOf(t) == "" {
			images[d] = append(images[d], t)
		}
	}
	return images
}

// kept returns the digests of the images that stay by the policy, without what comes with them.
func (s state) kept(r rules) map[string]bool {
	type ranked struct {
		digest string
		at     int64
	}
	keep := map[string]bool{}
	var counted []ranked
	for d, tags := range s.ordinary() {
		at, dated := s.born(d)
		if !dated || slices.Contains(tags, r.built) || slices.ContainsFunc(tags, r.protects) {
			keep[d] = true
		}
		if dated && !s.isPart(d) && slices.ContainsFunc(tags, func(t string) bool { return !r.protects(t) }) {
			counted = append(counted, ranked{d, at})
		}
	}
	slices.SortFunc(counted, func(a, b ranked) int {
		if a.at != b.at {
			return int(b.at - a.at)
		}
		return strings.Compare(a.digest, b.digest)
	})
	for i, c := range counted {
		if i < r.keepLast {
			keep[c.digest] = true
		}
	}
	return keep
}

// isPart reports whether a tagged index lists the digest.
func (s state) isPart(digest string) bool {
	for _, d := range s.tags {
		if n := s.nodes[d]; n != nil && slices.Contains(n.children, digest) {
			return true
		}
	}
	return false
}

// stays returns all digests that stay by the policy: the kept images with their parts and attachments.
func (s state) stays(r rules) map[string]bool {
	return s.families(slices.Collect(maps.Keys(s.kept(r)))...)
}

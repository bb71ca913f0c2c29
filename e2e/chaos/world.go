package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// build is what one pipeline has pushed: an image or an index with what belongs to it, in the order of the pushes.
type build struct {
	top    content
	parts  []content // children, innermost first
	extras []push    // attachments with their tags, and tagged parts
	tags   []string
	docker bool
}

// push is a manifest with the tags that it gets.
type push struct {
	content
	tags []string
}

// world is the repository at the start of a schedule. It is made from the seed alone.
type world struct {
	name   string
	rules  rules
	builds []build // oldest first
	// contents are all manifests that the harness has ever pushed, by digest.
	contents map[string]content
	mu       sync.Mutex // contents, while a registry serves
	// strays are manifests that no tag leads to: an overwritten tag leaves them. They are not the program's.
	strays []content
}

// epoch is the day of the first build.
var epoch = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// newWorld makes the repository of a seed.
func newWorld(name string, r *rand.Rand) *world {
	w := &world{name: name, contents: map[string]content{}}
	n := 4 + r.IntN(9)
	w.rules.keepLast = 1 + r.IntN(min(4, n-1))
	w.rules.protect = []string{"latest"}
	for i := range n {
		w.builds = append(w.builds, w.build(i, r))
	}
	w.nameBuilds(r)
	if r.IntN(4) == 0 {
		w.strays = append(w.strays, w.add(image(spec{name: w.name + "-stray", platform: "amd64", created: epoch, kind: "image"})))
	}
	return w
}

// nameBuilds gives tags that move: latest, protected ones, one that was just built.
func (w *world) nameBuilds(r *rand.Rand) {
	last := len(w.builds) - 1
	give := func(i int, tag string) { w.builds[i].tags = append(w.builds[i].tags, tag) }
	if r.IntN(2) == 0 {
		give(last, "latest")
	} else if r.IntN(3) == 0 {
		give(r.IntN(len(w.builds)), "latest")
	}
	if r.IntN(3) == 0 {
		w.rules.protect = append(w.rules.protect, "release-*")
		give(r.IntN(len(w.builds)), "release-1")
	}
	if r.IntN(3) == 0 {
		give(r.IntN(last), "edge")
	}
	if r.IntN(3) == 0 {
		w.rules.built = fmt.Sprintf("b%d", last)
	}
}

func (w *world) add(c content) content {
	w.contents[c.digest] = c
	return c
}

// build makes the build with a number.
func (w *world) build(i int, r *rand.Rand) build {
	b := build{tags: []string{fmt.Sprintf("b%d", i)}, docker: r.IntN(3) == 0}
	for range r.IntN(3) / 2 * (1 + r.IntN(2)) { // seldom more than one tag
		b.tags = append(b.tags, fmt.Sprintf("b%d-x%d", i, len(b.tags)))
	}
	s := spec{name: fmt.Sprintf("%s-%d", w.name, i), platform: "amd64", created: epoch.AddDate(0, 0, i), docker: b.docker}
	switch r.IntN(5) {
	case 0, 1:
		s.kind = "image"
		if r.IntN(12) == 0 {
			s.created = time.Time{}
		}
		b.top = w.add(image(s))
	case 2, 3:
		w.multi(&b, s, r)
	case 4:
		w.nested(&b, s, r)
	}
	w.attach(&b, i, r)
	return b
}

// multi makes an index of platforms. One of them may be the previous build's, unchanged.
func (w *world) multi(b *build, s spec, r *rand.Rand) {
	s.kind = "child"
	platforms := []string{"amd64", "arm64", "s390x"}[:2+r.IntN(2)]
	for _, p := range platforms {
		s.platform = p
		b.parts = append(b.parts, w.add(image(s)))
	}
	if old := w.sharable(b.docker); len(old) > 0 && r.IntN(3) == 0 {
		b.parts[1] = old[r.IntN(len(old))]
	}
	if !b.docker && r.IntN(3) == 0 { // what buildx adds
		s.platform, s.created, s.name = "unknown", time.Time{}, s.name+"-attestation"
		b.parts = append(b.parts, w.add(image(s)))
		platforms = append(platforms[:len(platforms):len(platforms)], "unknown")
	}
	b.top = w.add(index(b.docker, b.parts, platforms))
}

// nested makes an index of an index and an image.
func (w *world) nested(b *build, s spec, r *rand.Rand) {
	b.docker, s.docker = false, false
	w.multi(b, s, r)
	inner := b.top
	s.name, s.platform, s.kind = s.name+"-outer", "riscv64", "child"
	extra := w.add(image(s))
	b.parts = append(b.parts, inner, extra)
	b.top = w.add(index(false, []content{inner, extra}, []string{"", "riscv64"}))
}

// sharable returns the platforms of earlier builds, without attestations.
func (w *world) sharable(docker bool) []content {
	var out []content
	for _, b := range w.builds {
		for _, p := range b.parts {
			if b.docker == docker && p.kind == "child" && !p.undated {
				out = append(out, p)
			}
		}
	}
	return out
}

// attach signs a build, in one of the ways that are in use.
func (w *world) attach(b *build, i int, r *rand.Rand) {
	name := fmt.Sprintf("%s-%d", w.name, i)
	to := b.top
	if len(b.parts) > 0 && r.IntN(4) == 0 {
		to = b.parts[0]
	}
	switch r.IntN(6) {
	case 0, 1:
		sig := w.add(signature(name, to, false))
		b.extras = append(b.extras, push{sig, []string{attachmentTag(to.digest, ".sig")}})
		if r.IntN(3) == 0 { // an attestation, and a signature of the signature
			att := w.add(signature(name+"-att", to, false))
			b.extras = append(b.extras, push{att, []string{attachmentTag(to.digest, ".att")}})
			deep := w.add(signature(name+"-deep", sig, false))
			b.extras = append(b.extras, push{deep, []string{attachmentTag(sig.digest, ".sig")}})
		}
	case 2:
		var sigs []content
		for k := range 1 + r.IntN(2) {
			sig := w.add(signature(fmt.Sprintf("%s-%d", name, k), to, true))
			sigs = append(sigs, sig)
			b.extras = append(b.extras, push{sig, nil})
		}
		b.extras = append(b.extras, push{w.add(referrers(sigs...)), []string{attachmentTag(to.digest, "")}})
	}
}

// store writes the world into a storage.
func (w *world) store(s *storage) error {
	for _, b := range w.builds {
		for _, p := range b.parts {
			if err := s.put(p); err != nil {
				return err
			}
		}
		if err := s.put(b.top, b.tags...); err != nil {
			return err
		}
		for _, e := range b.extras {
			if err := s.put(e.content, e.tags...); err != nil {
				return err
			}
		}
	}
	for _, c := range w.strays {
		if err := s.put(c); err != nil {
			return err
		}
	}
	return nil
}

// doomed returns the builds that the policy does not keep.
func (w *world) doomed(st state) []build {
	keep := st.kept(w.rules)
	var out []build
	for _, b := range w.builds {
		if !keep[b.top.digest] {
			out = append(out, b)
		}
	}
	return out
}

// addLocked is add while a registry serves: requests are told apart by what is known.
func (w *world) addLocked(c content) content {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.add(c)
}

// known returns a manifest that the harness has pushed.
func (w *world) known(digest string) (content, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.contents[digest]
	return c, ok
}

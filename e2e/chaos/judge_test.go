package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// scene is a schedule that was played without a registry: a test changes the storage as a wrong program would.
type scene struct {
	*player
	t *testing.T
}

// newScene makes a repository of five builds of which the last two stay. b0 and b3 are signed indexes.
func newScene(t *testing.T, l line) scene {
	t.Helper()
	w := &world{name: "team/scene", contents: map[string]content{}, rules: rules{keepLast: 2, protect: []string{"latest"}}}
	r := rand.New(rand.NewPCG(1, 2)) // any
	for i := range 5 {
		s := spec{name: fmt.Sprint(i), platform: "amd64", created: epoch.AddDate(0, 0, i), kind: "image"}
		b := build{tags: []string{fmt.Sprintf("b%d", i)}}
		if i%3 == 0 {
			w.multi(&b, s, r)
			sig := w.add(signature(s.name, b.top, false))
			b.extras = []push{{sig, []string{attachmentTag(b.top.digest, ".sig")}}}
		} else {
			b.top = w.add(image(s))
		}
		w.builds = append(w.builds, b)
	}
	p := &player{s: schedule{line: l}, w: w, store: &storage{root: t.TempDir(), name: w.name, seen: map[string]*node{}}}
	if err := w.store(p.store); err != nil {
		t.Fatal(err)
	}
	return scene{p, t}
}

// remove deletes a manifest as a registry does, with the tags that point at it.
func (s scene) remove(digest string) {
	s.unlink("_manifests/revisions/sha256", digest[7:])
	for t, d := range s.state().tags {
		if d == digest {
			s.unlink("_manifests/tags", t)
		}
	}
}

func (s scene) unlink(parts ...string) {
	s.t.Helper()
	if err := os.RemoveAll(s.store.repository(parts...)); err != nil {
		s.t.Fatal(err)
	}
}

func (s scene) state() state {
	s.t.Helper()
	st, err := s.store.read()
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// prune deletes what the policy does not keep, but for what is given, and reports that as done.
func (s scene) prune(but ...string) outcome {
	st := s.state()
	stays, rep := st.stays(s.w.rules), repositoryReport{}
	for d := range st.nodes {
		if stays[d] || slices.Contains(but, d) {
			continue
		}
		s.remove(d)
		rep.Images = append(rep.Images, imageReport{Digest: d, Outcome: ptr("deleted")})
		rep.ManifestsDeleted++
	}
	return outcome{report: &report{Schema: "regsweep/v1", Repositories: []repositoryReport{rep}}}
}

func ptr(s string) *string { return &s }

// judge plays one run, which do stands for, and a calm one after it that does nothing.
func (s scene) judge(do func() outcome) []violation {
	s.t.Helper()
	first := &act{before: s.state()}
	s.acts = []*act{first}
	first.runs = []outcome{do()}
	first.after = s.state()
	for t := range first.after.tags {
		first.listed += fmt.Sprintf("%q", t)
	}
	calm := &act{calm: true, before: first.after, after: first.after, listed: first.listed}
	calm.runs = []outcome{{report: &report{Repositories: []repositoryReport{{GhostTags: s.ghosts(first.after)}}}}}
	s.acts = append(s.acts, calm)
	return s.player.judge()
}

// ghosts are the tags without a manifest that others have pushed.
func (s scene) ghosts(st state) (out []string) {
	for _, h := range s.acts[0].happened {
		if st.nodes[st.tags[h.tag]] == nil {
			out = append(out, h.tag)
		}
	}
	return out
}

// kinds are those of violations, each once.
func kinds(found []violation) []string {
	var out []string
	for _, v := range found {
		out = append(out, v.kind)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestJudge has the judge see each way of being wrong, and nothing in a run that is right.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		line line
		do   func(s scene) outcome
		want []string
	}{
		{"all is right", line3, func(s scene) outcome { return s.prune() }, nil},
		{"a kept image is deleted", line3, func(s scene) outcome {
			out := s.prune()
			s.remove(s.w.builds[4].top.digest)
			return out
		}, []string{lost, untrue}},
		{"a kept index loses a part", line3, func(s scene) outcome {
			out := s.prune()
			s.remove(s.w.builds[3].parts[1].digest)
			return out
		}, []string{lost, untrue}},
		{"a kept image loses a layer", line2, func(s scene) outcome {
			out := s.prune()
			s.unlink("_layers/sha256", digestOf(layer)[7:])
			return out
		}, []string{lost}},
		{"a kept index loses its signature", line3, func(s scene) outcome {
			out := s.prune()
			s.remove(s.w.builds[3].extras[0].digest)
			return out
		}, []string{lost, untrue}},
		{"a child is left", line3, func(s scene) outcome { return s.prune(s.w.builds[0].parts[0].digest) }, []string{stranded}},
		{"a signature is left", line3, func(s scene) outcome { return s.prune(s.w.builds[0].extras[0].digest) }, []string{stranded}},
		{"an image is left", line3, func(s scene) outcome { return s.prune(s.w.builds[2].top.digest) }, []string{unfinished}},
		{"a ghost is left", line3, func(s scene) outcome {
			out := s.prune(s.w.builds[2].top.digest)
			s.unlink("_manifests/revisions/sha256", s.w.builds[2].top.digest[7:])
			rep := &out.report.Repositories[0]
			rep.Images = append(rep.Images, imageReport{Digest: s.w.builds[2].top.digest, Outcome: ptr("gone")})
			return out
		}, []string{ghost}},
		{"a failure counts as done", line3, func(s scene) outcome {
			out := s.prune(s.w.builds[2].top.digest)
			rep := &out.report.Repositories[0]
			rep.Images = append(rep.Images, imageReport{Digest: s.w.builds[2].top.digest, Outcome: ptr("gone")})
			return out
		}, []string{unfinished, untrue}},
		{"something that is done counts as a failure", line3, func(s scene) outcome {
			out := s.prune()
			rep := &out.report.Repositories[0]
			rep.Images[0].Outcome = ptr("failed")
			rep.ManifestsDeleted, rep.Failed, out.code, out.report.ExitCode = rep.ManifestsDeleted-1, 1, 1, 1
			return out
		}, []string{untrue}},
		{"it says that nothing was deleted", line3, func(s scene) outcome {
			out := s.prune()
			out.stderr = "nothing was deleted"
			return out
		}, []string{untrue}},
		{"it exits with 0 although something failed", line3, func(s scene) outcome {
			out := s.prune()
			out.report.Repositories[0].Unfinished = []string{s.w.builds[0].top.digest}
			return out
		}, []string{exitCode}},
		{"--timeout ends it before what an earlier run left", line3, func(s scene) outcome {
			out := s.prune()
			s.acts[0].timeout = time.Second
			out.report.Repositories[0].Unfinished = []string{digestOf([]byte("of an earlier run"))}
			return out
		}, nil},
		{"--timeout ends it before what it has begun itself", line3, func(s scene) outcome {
			out := s.prune()
			s.acts[0].timeout = time.Second
			out.report.Repositories[0].Unfinished = []string{s.w.builds[0].parts[0].digest}
			return out
		}, []string{exitCode}},
		{"it exits otherwise than it reports", line3, func(s scene) outcome {
			out := s.prune()
			out.code = 1
			return out
		}, []string{exitCode}},
		{"it does not end", line3, func(s scene) outcome {
			out := s.prune()
			out.hung = true
			return out
		}, []string{bound}},
		{"it crashes", line3, func(s scene) outcome {
			out := s.prune()
			out.stderr, out.code, out.report.ExitCode = "panic: no", 2, 2
			return out
		}, []string{crash}},
		{"it has no report", line3, func(s scene) outcome {
			s.prune()
			return outcome{}
		}, []string{noReport}},
		{"it tells the login", line3, func(s scene) outcome {
			out := s.prune()
			out.others = basicLogin()
			return out
		}, []string{secret}},
		{"a push is taken along", line3, func(s scene) outcome {
			s.pushes(pushNew, "push", image(spec{name: "new", platform: "amd64", created: epoch.AddDate(0, 1, 0), kind: "image"}))
			out := s.prune()
			s.remove(s.acts[0].happened[0].top.digest)
			return out
		}, []string{lost}},
		{"a tag is moved while it is removed, and moved on", line2, func(s scene) outcome { return s.movesTwice(0) }, nil},
		{"a tag is moved before the look at it, and moved on", line2, func(s scene) outcome { return s.movesTwice(-time.Second) }, []string{stranded}},
		{"an image is promoted while the registry dies in its deletion", line3, func(s scene) outcome { return s.promotedIntoAGhost(0) }, nil},
		{"it is promoted before the look", line3, func(s scene) outcome { return s.promotedIntoAGhost(-time.Second) }, []string{ghost, lost}},
		{"a promoted image loses its signature's tag", line3, func(s scene) outcome { return s.promotedWithout(false) }, []string{bareImage, stranded}},
		{"and the next run has to put it back", line3, func(s scene) outcome { return s.promotedWithout(true) }, []string{stranded}},
		{"a push loses a part", line3, func(s scene) outcome {
			old := s.w.builds[0].parts[1]
			return s.pushSharing(old)
		}, []string{brokenPush}},
		{"a push loses a part, which the run says", line3, func(s scene) outcome {
			out := s.pushSharing(s.w.builds[0].parts[1])
			out.code, out.report.ExitCode = 1, 1
			out.stderr = "regsweep: push lacks a part"
			return out
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.line)
			found := s.judge(func() outcome { return c.do(s) })
			if got := kinds(found); !slices.Equal(got, c.want) {
				t.Errorf("the judge finds %q, want %q: %v", got, c.want, found)
			}
		})
	}
}

// pushes has somebody push in the middle of the run.
func (s scene) pushes(what, tag string, top content, parts ...content) {
	s.t.Helper()
	for _, c := range append(parts, top) {
		s.w.add(c)
		if err := s.store.put(c); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.store.put(top, tag); err != nil {
		s.t.Fatal(err)
	}
	now := time.Now()
	a := s.acts[0]
	a.happened = append(a.happened, happening{what: what, began: now, ended: now, tag: tag, top: top, parts: parts, accepted: true})
}

// movesTwice has somebody move a tag while the run removes it, or so much earlier, and once more afterwards.
func (s scene) movesTwice(earlier time.Duration) outcome {
	s.t.Helper()
	moved := func(seed string) content {
		return image(spec{name: seed, platform: "amd64", created: epoch, kind: "image"})
	}
	out := s.prune()
	s.pushes(moveTag, "latest", moved("first"))
	s.unlink("_manifests/tags", "latest")
	a := s.acts[0]
	h := &a.happened[0]
	h.began, h.ended = h.began.Add(earlier), h.ended.Add(earlier)
	now := h.began.Add(-earlier)
	a.log = append(a.log,
		entry{kind: "tag", ref: "latest", begin: now.Add(-3 * time.Millisecond), end: now.Add(-2 * time.Millisecond), status: 200},
		entry{kind: "retag", ref: "latest", begin: now.Add(-time.Millisecond), end: now.Add(time.Millisecond), status: 201, asked: true})
	s.pushes(moveTag, "latest", moved("second"))
	return out
}

// promotedIntoAGhost has somebody tag an image during its deletion, or so much earlier, of which the tag is left.
func (s scene) promotedIntoAGhost(earlier time.Duration) outcome {
	s.t.Helper()
	doomed := s.w.builds[1].top
	s.pushes(promote, "prod", doomed)
	a := s.acts[0]
	h := &a.happened[0]
	now := h.began
	h.began, h.ended = now.Add(earlier), now.Add(earlier)
	a.log = append(a.log,
		entry{kind: "list", begin: now.Add(-4 * time.Second), end: now.Add(-3 * time.Second), status: 200},
		entry{kind: "list", begin: now.Add(-3 * time.Millisecond), end: now.Add(-2 * time.Millisecond), status: 200},
		entry{kind: "delete/image", ref: doomed.digest, begin: now.Add(-time.Millisecond), end: now.Add(time.Millisecond), asked: true})
	out := s.prune(doomed.digest)
	s.unlink("_manifests/tags", "b1")
	s.unlink("_manifests/revisions/sha256", doomed.digest[7:])
	rep := &out.report.Repositories[0]
	rep.Images = append(rep.Images, imageReport{Digest: doomed.digest, Outcome: ptr("gone")})
	return out
}

// promotedWithout has somebody promote an image whose signature then loses its tag for good. The run may leave that to the
// next one.
func (s scene) promotedWithout(left bool) outcome {
	s.t.Helper()
	b := s.w.builds[0]
	s.pushes(promote, "latest", b.top)
	began := s.acts[0].happened[0].began
	s.acts[0].log = []entry{{kind: "list", begin: began.Add(-2 * time.Second), end: began.Add(-time.Second), status: 200}}
	stays := []string{b.top.digest, b.extras[0].digest}
	for _, c := range b.parts {
		stays = append(stays, c.digest)
	}
	out := s.prune(stays...)
	s.unlink("_manifests/tags", b.extras[0].tags[0])
	if left {
		out.report.Repositories[0].Unfinished, out.code, out.report.ExitCode = []string{b.extras[0].digest}, 1, 1
	}
	return out
}

// pushSharing pushes an index that shares a child with a doomed one, which then goes with it.
func (s scene) pushSharing(old content) outcome {
	s.t.Helper()
	fresh := image(spec{name: "fresh", platform: "amd64", created: epoch.AddDate(0, 1, 0), kind: "child"})
	s.pushes(pushSharing, "push", index(false, []content{fresh, old}, []string{"amd64", "arm64"}), fresh, old)
	out := s.prune()
	s.remove(old.digest)
	rep := &out.report.Repositories[0]
	rep.Images = append(rep.Images, imageReport{Digest: old.digest, Outcome: ptr("deleted")})
	rep.ManifestsDeleted++
	return out
}

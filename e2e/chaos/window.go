package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The measurement of what a push in the middle of a run can lose.
const (
	windowBuilds = 250
	windowPushes = 20
	windowAfter  = 30 // deletions, or removals of tags where these come first
	windowMost   = 50 * time.Millisecond
)

// windowWays are the ways of deleting, which take turns.
var windowWays = []struct {
	line         line
	method, kind string
}{
	{line2, "digest", "delete"}, {line3, "digest", "delete"}, {line3, "tags-first", "untag"}, {line2, "retag", "retag"},
}

// window measures the time between a look and the deletion of a child, in runs that prune many multi-arch builds, and
// pushes an index of a new platform and an old child in the middle of each.
func window(ctx context.Context, binary string, c campaign) (err error) {
	if c.dir, err = os.MkdirTemp("", "regsweep-chaos-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	if c.binary = binary; binary == "" {
		c.binary = filepath.Join(c.dir, "regsweep")
		if err := buildProgram(ctx, c.binary, ""); err != nil {
			return err
		}
	}
	var waits, longest []time.Duration
	var broken, unnamed, wrong int
	for i := 0; i < windowPushes && ctx.Err() == nil; i++ {
		p, err := c.windowed(i)
		if err != nil {
			return err
		}
		a := p.acts[0]
		between, around := a.waits()
		waits, longest = append(waits, between...), append(longest, around...)
		lacks, named, err := p.lacks(a)
		if err != nil {
			return fmt.Errorf("push %d: %w", i+1, err)
		}
		if lacks {
			broken++
			if !named {
				unnamed++
			}
		}
		found := p.judge()
		wrong += len(found)
		fmt.Fprintf(c.out, "push %d of %d, %s on %s: broken %t, %d violations %v\n", i+1, windowPushes, p.s.method, p.s.line, lacks, len(found), found)
	}
	if len(waits) == 0 {
		return errors.Join(ctx.Err(), errors.New("no child was deleted"))
	}
	median := c.tellWaits("from the answer of a look to a child's deletion", waits)
	c.tellWaits("from the request of that look to the end of the deletion", longest)
	fmt.Fprintf(c.out, "%d pushes: %d broken, %d of them not named by the run itself\n", windowPushes, broken, unnamed)
	if median >= windowMost || unnamed > 0 || wrong > 0 {
		return fmt.Errorf("want a median below %v, each broken push named, and no violation", windowMost)
	}
	return ctx.Err()
}

// windowed plays one such run on registries of its own.
func (c campaign) windowed(i int) (p *player, err error) {
	way := windowWays[i%len(windowWays)]
	dir, err := os.MkdirTemp(c.dir, "window-")
	if err != nil {
		return nil, err
	}
	b, err := startBackend(way.line, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.kill(), os.RemoveAll(dir)) }()
	s := schedule{seed: uint64(i), line: way.line, method: way.method, login: openDoor, tries: []attempt{{
		events: []event{{kind: way.kind, n: windowAfter, when: after, what: pushSharing, pick: 37 * i}},
	}}}
	return perform(s, multiArch(fmt.Sprintf("team/w%d", i), windowBuilds), c.binary, b)
}

// multiArch makes a repository of builds for two platforms, of which two stay.
func multiArch(name string, builds int) *world {
	w := &world{name: name, contents: map[string]content{}, rules: rules{keepLast: 2, protect: []string{"latest"}}}
	for i := range builds {
		b := build{tags: []string{fmt.Sprintf("b%d", i)}}
		platforms := []string{"amd64", "arm64"}
		for _, p := range platforms {
			b.parts = append(b.parts, w.add(image(spec{name: fmt.Sprintf("%s-%d", name, i), platform: p, created: epoch.Add(time.Duration(i) * time.Hour), kind: "child"})))
		}
		b.top = w.add(index(false, b.parts, platforms))
		w.builds = append(w.builds, b)
	}
	return w
}

// tellWaits prints some times and returns their median.
func (c campaign) tellWaits(what string, waits []time.Duration) time.Duration {
	slices.Sort(waits)
	at := func(percent int) time.Duration { return waits[(len(waits)-1)*percent/100].Round(time.Millisecond / 10) }
	fmt.Fprintf(c.out, "%s: median %v, 95 %% %v, longest %v, of %d children\n", what, at(50), at(95), at(100), len(waits))
	return at(50)
}

// waits are the times between the latest listing and each child's deletion: from the answer of one to the request of the
// other, and from the request to the answer.
func (a *act) waits() (between, around []time.Duration) {
	for _, d := range a.log {
		if d.kind != "delete/child" || !d.executed() {
			continue
		}
		var look entry
		for _, l := range a.log {
			if l.kind == "list" && l.executed() && l.end.Before(d.begin) && l.begin.After(look.begin) {
				look = l
			}
		}
		between, around = append(between, d.begin.Sub(look.end)), append(around, d.end.Sub(look.begin))
	}
	return between, around
}

// lacks reports whether the image that was pushed during an act lacks a part, and whether the run names it.
func (p *player) lacks(a *act) (lacks, named bool, err error) {
	if len(a.happened) != 1 || a.happened[0].what != pushSharing || !a.happened[0].accepted {
		return false, false, fmt.Errorf("nothing was pushed that shares a child: %v", a.happened)
	}
	h := a.happened[0]
	for _, d := range append(slices.Clone(h.parts), h.top) {
		lacks = lacks || a.after.nodes[d.digest] == nil
	}
	j := judgement{p: p, a: a, run: 1}
	return lacks, j.named(h.tag), nil
}

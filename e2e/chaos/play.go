package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// player plays one schedule.
type player struct {
	s       schedule
	w       *world
	binary  string
	dir     string // for all that the schedule writes
	backend *backend
	store   *storage
	proxy   *proxy
	push    pusher
	acts    []*act
	// windowed are digests that lost their tag in a documented window: nothing leads to them, and nobody knows.
	windowed []string
}

// act is a run of the program, or two at once, with what was there before and after it.
type act struct {
	attempt
	calm          bool
	folder        int // which state folder; the second of two runs may have its own
	before, after state
	listed        string // the tags as the registry lists them afterwards
	running       []*running
	runs          []outcome
	log           []entry

	mu       sync.Mutex
	happened []happening
}

// maxCalm is how many runs without a fault may be needed until nothing is left to do. One is the rule.
const maxCalm = 4

// play plays a schedule and returns what is wrong. An error says that the harness itself failed.
func play(s schedule, w *world, binary string, shared *backend) (p *player, found []violation, err error) {
	if p, err = perform(s, w, binary, shared); err != nil {
		return p, nil, err
	}
	return p, p.judge(), nil
}

// perform plays a schedule to its end.
func perform(s schedule, w *world, binary string, shared *backend) (p *player, err error) {
	p = &player{s: s, w: w, binary: binary, backend: shared}
	if p.dir, err = os.MkdirTemp("", "regsweep-chaos-"); err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.dir)) }()
	if s.restarts() {
		if p.backend, err = startBackend(s.line, filepath.Join(p.dir, "registry")); err != nil {
			return p, err
		}
		defer func() { err = errors.Join(err, p.backend.kill()) }()
	}
	p.store = &storage{root: p.backend.dir, name: w.name, seen: map[string]*node{}}
	p.push = pusher{p.backend.address, w.name}
	p.proxy = newProxy(s, w, p.backend.address)
	defer p.proxy.close()
	if err := w.store(p.store); err != nil {
		return p, err
	}
	for _, a := range s.tries {
		if err := p.act(&act{attempt: a}); err != nil {
			return p, err
		}
	}
	return p, p.calm()
}

// calm runs the program without faults until it has nothing to do. Where two runs had a state folder each, both folders
// may have something to finish, and take turns.
func (p *player) calm() error {
	folders := 1
	if slices.ContainsFunc(p.s.tries, func(a attempt) bool { return a.apart }) {
		folders = 2
	}
	for n, idle := 0, 0; n < maxCalm*folders && idle < folders; n++ {
		if err := p.act(&act{calm: true, folder: n % folders}); err != nil {
			return err
		}
		if idle++; !p.last().idle() {
			idle = 0
		}
	}
	return nil
}

// restarts reports whether a schedule needs a registry of its own.
func (s schedule) restarts() bool {
	for _, a := range s.tries {
		for _, e := range a.events {
			if e.what == restart {
				return true
			}
		}
	}
	return false
}

// act runs the program once, or twice at once.
func (p *player) act(a *act) (err error) {
	if a.before, err = p.store.read(); err != nil {
		return err
	}
	n := 1
	if a.two {
		n = 2
	}
	hooks := p.hooks(a, a.events)
	p.proxy.arm(a.rules)
	for i := range n {
		folder := a.folder
		if a.apart {
			folder = i
		}
		c := command{
			binary: p.binary, host: p.proxy.host(), w: p.w, s: p.s, a: a.attempt,
			dir: filepath.Join(p.dir, fmt.Sprintf("run%d-%d", len(p.acts), i)), state: filepath.Join(p.dir, fmt.Sprintf("state%d", folder)),
		}
		r, err := c.start()
		if err != nil {
			return err
		}
		if a.running = append(a.running, r); i == 0 {
			p.proxy.hook(hooks) // which may kill what has just been started
		}
	}
	for _, r := range a.running {
		a.runs = append(a.runs, r.end(a.timeout))
	}
	a.log = p.proxy.settle()
	if a.after, err = p.settled(a); err != nil {
		return err
	}
	tags, err := p.push.tags()
	if err != nil {
		return err
	}
	a.listed = string(tags)
	p.acts = append(p.acts, a)
	for _, h := range a.happened {
		if h.err != nil && h.what == restart {
			return h.err
		}
	}
	return nil
}

// settled reads the storage when the registry is done. A registry goes on for a moment with a deletion whose client has
// hung up, which nobody can wait for but by looking.
func (p *player) settled(a *act) (state, error) {
	st, err := p.store.read()
	quiet := !slices.ContainsFunc(a.log, func(e entry) bool { return e.method != http.MethodGet && e.unheard() })
	for err == nil && !quiet {
		<-time.After(50 * time.Millisecond)
		var next state
		next, err = p.store.read()
		quiet = maps.Equal(next.tags, st.tags) && maps.Equal(next.nodes, st.nodes)
		st = next
	}
	return st, err
}

// idle reports whether a run had nothing to do.
func (a *act) idle() bool {
	r := a.runs[0].report
	if r == nil {
		return false
	}
	rep := r.Repositories[0]
	return rep.Error == nil && rep.Deleted+rep.Gone+rep.Failed+rep.Skipped+rep.ManifestsDeleted+len(rep.Unfinished) == 0
}

// lists reports whether the registry lists a tag.
func (a *act) lists(tag string) bool { return strings.Contains(a.listed, `"`+tag+`"`) }

// last is the last act.
func (p *player) last() *act { return p.acts[len(p.acts)-1] }

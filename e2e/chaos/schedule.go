package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// schedule is what happens to one repository. It follows from the seed alone.
type schedule struct {
	seed   uint64
	line   line
	method string // --delete-by
	login  login
	echo   bool      // errors repeat the login that came with the request
	tries  []attempt // runs with faults; calm ones follow
}

// login is how the registry wants to be asked.
type login string

const (
	openDoor login = "none"
	basic    login = "basic"
	bearer   login = "bearer"
)

// attempt is one run of the program, or two at once, with what goes wrong meanwhile.
type attempt struct {
	rules    []rule
	events   []event
	timeout  time.Duration // --timeout; 0 for none
	two      bool
	apart    bool // the two have a state folder each
	parallel int  // --workers
}

// rule says which requests fail and how.
type rule struct {
	kind  string // of requests, or the beginning of it: "delete" fits "delete/index" too
	from  int    // the first one that fails, from 1
	count int    // how many
	fault string
	then  string // what every request gets after the first of these, "" for nothing
}

// event is something that others do in the middle of a run.
type event struct {
	kind  string // of the request that it comes with
	n     int    // which one, from 1
	when  moment
	delay time.Duration // of during
	what  string
	pick  int // which of the images, tags … it is about
}

// moment is when an event comes, as seen from the registry.
type moment string

const (
	before moment = "before" // the request is there and not yet passed on
	during moment = "during" // it is on its way through the registry
	after  moment = "after"  // it was carried out and is not yet answered
)

// What others do.
const (
	pushNew     = "push-new"
	pushSharing = "push-sharing" // an index with an unchanged child of a doomed one
	promote     = "promote"      // a new tag onto a doomed image
	moveTag     = "move-tag"     // an existing tag onto a new image
	restart     = "restart-registry"
	killProgram = "kill-9"
	terminate   = "sigterm"
	interrupt2  = "sigint-sigterm" // what GitHub does, faster
)

// most is a count without end.
const most = 1 << 30

// newSchedule makes the schedule of a seed, and the repository that it is about.
func newSchedule(seed uint64) (schedule, *world) {
	r := rand.New(rand.NewPCG(seed, 0x726567737765657)) // any stream
	s := schedule{seed: seed, line: line3, method: pick(r, "digest", "auto", "tags-first", "tags-first")}
	if r.IntN(2) == 0 {
		s.line, s.method = line2, pick(r, "digest", "auto", "retag", "retag")
	}
	s.login = pick(r, openDoor, openDoor, basic, bearer)
	s.echo = s.login != openDoor && r.IntN(3) == 0
	w := newWorld(fmt.Sprintf("team/s%d", seed), r)
	for range 1 + r.IntN(5)/4 {
		s.tries = append(s.tries, s.attempt(r))
	}
	return s, w
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// attempt draws one faulty run.
func (s schedule) attempt(r *rand.Rand) attempt {
	a := attempt{parallel: pick(r, 1, 2, 8, 128)}
	switch r.IntN(20) {
	case 0, 1, 2, 3:
		a.events = append(a.events, s.end(r, killProgram))
	case 4, 5, 6:
		a.events = append(a.events, s.end(r, terminate))
	case 7:
		a.events = append(a.events, s.end(r, interrupt2))
	case 8:
		a.timeout = time.Duration(500+r.IntN(2500)) * time.Millisecond
	case 9:
		a.two, a.apart = true, r.IntN(2) == 0
	}
	if r.IntN(2) == 0 {
		for range 1 + r.IntN(2) {
			a.events = append(a.events, s.meddle(r))
		}
	}
	if r.IntN(12) == 0 {
		e := s.end(r, restart)
		e.what = restart
		a.events = append(a.events, e)
	}
	for range r.IntN(4) {
		a.rules = append(a.rules, s.rule(r))
	}
	if r.IntN(6) == 0 {
		a.rules = append(a.rules, s.unsettled(r))
	}
	if r.IntN(30) == 0 { // nothing but a bound ends this
		a.rules = append(a.rules, rule{kind: pick(r, s.deletions()...), from: 1 + r.IntN(2), count: most, fault: "hang"})
		if a.timeout == 0 {
			a.timeout = time.Duration(1000+r.IntN(1000)) * time.Millisecond
		}
	}
	return a
}

// deletions are the kinds of requests that take something away.
func (s schedule) deletions() []string {
	out := []string{"delete", "delete/index", "delete/child", "delete/image", "delete/attachment"}
	switch s.method {
	case "tags-first":
		out = append(out, "untag", "untag", "untag")
	case "retag":
		out = append(out, "retag", "retag", "delete/placeholder", "upload")
	}
	return out
}

// end draws how the program or the registry comes to a sudden end.
func (s schedule) end(r *rand.Rand, what string) event {
	kinds := append(s.deletions(), "list", "tag")
	return event{
		kind: pick(r, kinds...), n: 1 + r.IntN(6), when: pick(r, before, during, during, after), what: what,
		delay: time.Duration(r.IntN(3000)) * time.Microsecond,
	}
}

// meddle draws what another pipeline does. It comes after the first listing, which is when a run can overlook it.
func (s schedule) meddle(r *rand.Rand) event {
	e := event{what: pick(r, pushNew, pushSharing, pushSharing, promote, promote, moveTag), when: pick(r, before, after), pick: r.IntN(1000)}
	switch r.IntN(4) {
	case 0:
		e.kind, e.n, e.when = "list", 1, after
	case 1:
		e.kind, e.n = "list", 2
	default:
		e.kind, e.n = pick(r, s.deletions()...), 1+r.IntN(5)
	}
	return e
}

// rule draws a fault that goes by.
func (s schedule) rule(r *rand.Rand) rule {
	kinds := append(s.deletions(), s.deletions()...)
	kinds = append(kinds, "list", "tag", "manifest", "blob", "ping", "token", "probe")
	u := rule{kind: pick(r, kinds...), from: 1 + r.IntN(5), count: 1 + r.IntN(2), fault: pick(r, passing...)}
	if r.IntN(8) == 0 {
		u.from, u.count = 1, 3
	}
	return u
}

// unsettled draws a deletion that is carried out, whose answer is lost, and that no retry settles in this run.
func (s schedule) unsettled(r *rand.Rand) rule {
	return rule{
		kind: pick(r, s.deletions()...), from: 1 + r.IntN(3), count: 1,
		fault: pick(r, "executed-reset", "executed-503", "executed-502-html", "executed-truncated"),
		then:  pick(r, "503", "401", "403", "reset-before", "502-html"),
	}
}

func (s schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: registry %s, --delete-by %s, login %s", s.seed, s.line, s.method, s.login)
	if s.echo {
		b.WriteString(", errors repeat the login")
	}
	for i, a := range s.tries {
		fmt.Fprintf(&b, "\n  run %d: --workers %d", i+1, a.parallel)
		if a.timeout > 0 {
			fmt.Fprintf(&b, " --timeout %v", a.timeout)
		}
		if a.two {
			fmt.Fprintf(&b, ", two at once (a state folder each: %t)", a.apart)
		}
		for _, u := range a.rules {
			fmt.Fprintf(&b, "\n    %s %d to %d: %s", u.kind, u.from, u.from+u.count-1, u.fault)
			if u.then != "" {
				fmt.Fprintf(&b, ", then everything %s", u.then)
			}
		}
		for _, e := range a.events {
			fmt.Fprintf(&b, "\n    %s %s %d: %s", e.when, e.kind, e.n, e.what)
			if e.when == during {
				fmt.Fprintf(&b, " after %v", e.delay)
			}
		}
	}
	return b.String()
}

package main

import (
	"fmt"
	"net/http"
	"syscall"
	"time"
)

// happening is an event as it was.
type happening struct {
	what         string
	began, ended time.Time
	tag          string  // that was pushed or moved
	top          content // what it points at now
	parts        []content
	shared       string // the child that a doomed index has as well
	was          string // what a moved tag pointed at when the act began
	off          string // what it pointed at right before, when that is the harness's
	accepted     bool   // the registry has taken it
	err          error
}

// hooks prepares the events of an attempt.
func (p *player) hooks(a *act, events []event) []*hook {
	var out []*hook
	for i, e := range events {
		out = append(out, &hook{e, func() { p.happen(a, e, len(p.acts)*10+i) }})
	}
	return out
}

// happen lets an event happen and writes it down. number makes its names unique.
func (p *player) happen(a *act, e event, number int) {
	h := happening{what: e.what, began: time.Now()}
	switch e.what {
	case killProgram:
		a.running[0].kill()
	case terminate:
		a.running[0].signal(syscall.SIGTERM)
	case interrupt2:
		a.running[0].signal(syscall.SIGINT)
		go func() {
			select {
			case <-a.running[0].exited:
			case <-time.After(time.Duration(100+e.pick) * time.Millisecond):
				a.running[0].signal(syscall.SIGTERM)
			}
		}()
	case restart:
		if h.err = p.backend.kill(); h.err == nil {
			h.err = p.backend.start()
		}
	default:
		p.choose(&h, a, e, number)
		if h.tag != "" {
			p.pushAll(&h)
		}
	}
	h.ended = time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.happened = append(a.happened, h)
}

// choose says what is pushed. Without anything that fits it is a new image.
func (p *player) choose(h *happening, a *act, e event, number int) {
	w := p.w
	doomed := w.doomed(a.before)
	s := spec{name: fmt.Sprintf("%s-push%d", w.name, number), platform: "amd64", created: epoch.AddDate(0, 1, number), kind: "child"}
	var b *build
	if len(doomed) > 0 {
		b = &doomed[e.pick%len(doomed)]
	}
	h.tag = fmt.Sprintf("push%d", number)
	switch {
	case e.what == promote && b != nil:
		h.top, h.parts = b.top, nil
		return
	case e.what == moveTag && b != nil:
		h.tag = b.tags[e.pick%len(b.tags)]
		h.was = a.before.tags[h.tag]
		if d := p.push.target(h.tag); d != "" {
			if c, ours := w.known(d); ours {
				h.off = c.digest
			}
		}
	case e.what == pushSharing:
		for i := range doomed {
			c := &doomed[(e.pick+i)%len(doomed)]
			if len(c.parts) > 0 && c.parts[0].kind == "child" {
				s.docker = c.docker
				fresh := w.addLocked(image(s))
				h.parts, h.shared = []content{fresh, c.parts[e.pick%2*min(1, len(c.parts)-2)]}, ""
				h.shared = h.parts[1].digest
				h.top = w.addLocked(index(c.docker, h.parts, []string{"amd64", "arm64"}))
				return
			}
		}
		h.what = pushNew
	default:
		h.what = pushNew
	}
	if e.pick%2 == 0 {
		s.kind = "image"
		h.top = w.addLocked(image(s))
		return
	}
	other := s
	other.platform = "arm64"
	h.parts = []content{w.addLocked(image(s)), w.addLocked(image(other))}
	h.top = w.addLocked(index(false, h.parts, []string{"amd64", "arm64"}))
}

// pushAll pushes as docker does: parts first, of those that are not there; a promotion pushes only what it has read.
func (p *player) pushAll(h *happening) {
	if h.what == promote && !p.push.has(h.top.digest) {
		return // it came too late, and nobody was told otherwise
	}
	for try := range 2 {
		for _, c := range h.parts {
			if try == 0 && c.digest == h.shared && p.push.has(c.digest) {
				continue
			}
			if status, err := p.push.manifest(c, c.digest); err != nil || status != http.StatusCreated {
				h.err = fmt.Errorf("push a part: %d %w", status, err)
				return
			}
		}
		status, err := p.push.manifest(h.top, h.tag)
		if h.err = err; err != nil {
			return
		}
		if h.accepted = status == http.StatusCreated; h.accepted || h.what == promote {
			return
		}
	}
}

package publish

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/regsweep/regsweep/internal/report"
)

// progressEvery is how often a log that is not a terminal gets a line.
const progressEvery = 10 * time.Second

// progress shows how far a run is: with a bar on a terminal, and with a line from time to time in a log.
type progress struct {
	bar  *bar
	last time.Time // when it was shown last
	// units are what is counted, such as "reads": of each, how many are done for each name, and of how many.
	units map[string]*counts
}

// counts are numbers by names.
type counts struct{ done, all map[string]int }

// drawEvery is how often a bar is drawn again, which costs time and flickers.
const drawEvery = 100 * time.Millisecond

// bar is a bar on a terminal. Functions keep progressbar's own type out of every type that reaches an interface: its
// methods include an HTTP server, which the linker would then keep, 0.6 MB of it.
type bar struct {
	name      string
	done, all int // as it shows them
	set       func(done int)
	change    func(all int)
	describe  func(name string)
	clear     func()
}

func newBar(w io.Writer, name string, all int) *bar {
	b := progressbar.NewOptions(all, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(name),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish())
	return &bar{
		name: name, all: all,
		set:    func(done int) { _ = b.Set(done) }, // a bar that cannot be drawn is not a reason to stop
		change: b.ChangeMax, describe: b.Describe,
		clear: func() { _ = b.Clear() },
	}
}

// show draws the bar. progressbar draws it for each call, so that it is told only what has changed.
func (b *bar) show(name string, done, all int) {
	if all != b.all {
		b.change(all)
	}
	if name != b.name {
		b.describe(name)
	}
	b.set(done)
	b.name, b.done, b.all = name, done, all
}

// aside is what a bar shows in addition to a name and numbers.
const aside = " 100% || (/, 10000 it/s) [59m59s:99h59m59s]"

// fitted returns a name that leaves room for the rest of its bar on a terminal of so many columns: a line that the terminal
// breaks cannot be removed. It loses its beginning, because repositories of one registry differ at their ends.
func fitted(name string, columns, all int) string {
	runes := []rune(report.Visible(name))
	room := max(1, columns-len(aside)-2*len(strconv.Itoa(all)))
	if columns <= 0 || len(runes) <= room {
		return string(runes)
	}
	return "…" + string(runes[len(runes)-room+1:])
}

func newProgress(now time.Time) progress {
	return progress{last: now, units: map[string]*counts{}}
}

// Progress shows how many of all units, such as "deletions", are done for a name. Several repositories may report at the
// same time; a terminal shows them in one bar.
func (c *Console) Progress(name, unit string, done, all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &c.progress
	of := p.units[unit]
	if of == nil {
		of = &counts{map[string]int{}, map[string]int{}}
		p.units[unit] = of
	}
	of.done[name], of.all[name] = done, all
	if c.terminal {
		c.draw(name, unit)
		return
	}
	if now := c.now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		fmt.Fprintf(c.w, "regsweep: %s\n", report.Visible(fmt.Sprintf("%s: %d of %d %s", name, done, all, unit)))
	}
}

// EndProgress removes the bar.
func (c *Console) EndProgress() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.clear()
}

// draw shows one unit of all repositories in one bar. progressbar's own draws nothing any more after it was full or had to
// show more than all, so that what follows gets a new one.
func (c *Console) draw(name, unit string) {
	p := &c.progress
	of := p.units[unit]
	done, all := sum(of.done), sum(of.all)
	now := c.now()
	switch {
	case done >= all:
		p.clear()
		return
	case p.bar != nil && now.Sub(p.last) < drawEvery:
		return
	case p.bar != nil && p.bar.done >= all:
		p.clear()
	}
	p.last = now
	name = fitted(name+": "+unit, terminalWidth(c.w), all)
	if p.bar == nil {
		p.bar = newBar(c.w, name, all)
	}
	p.bar.show(name, done, all)
}

// clear removes the bar until the next step draws it again.
func (p *progress) clear() {
	if p.bar != nil {
		p.bar.clear()
		p.bar = nil
	}
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

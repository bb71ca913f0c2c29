package publish

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/regsweep/regsweep/internal/report"
)

// progressEvery is how often a log that is not a terminal gets a line.
const progressEvery = 10 * time.Second

// progress shows how far a run is: with a bar on a terminal, and with a line from time to time in a log.
type progress struct {
	bar  *bar
	last time.Time
	// units are what is counted, such as "reads": of each, how many are done for each name, and of how many.
	units map[string]*counts
}

// counts are numbers by names.
type counts struct{ done, all map[string]int }

// bar is a bar on a terminal. Functions keep progressbar's own type out of every type that reaches an interface: its
// methods include an HTTP server, which the linker would then keep, 0.6 MB of it.
type bar struct {
	show  func(name string, done, all int)
	clear func()
}

func newBar(w io.Writer, name string, all int) *bar {
	b := progressbar.NewOptions(all, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(report.Visible(name)),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	return &bar{
		show: func(name string, done, all int) {
			b.ChangeMax(all)
			b.Describe(report.Visible(name))
			_ = b.Set(done) // a bar that cannot be drawn is not a reason to stop
		},
		clear: func() { _ = b.Clear() },
	}
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

// draw shows one unit of all repositories in one bar.
func (c *Console) draw(name, unit string) {
	p := &c.progress
	of := p.units[unit]
	done, all := sum(of.done), sum(of.all)
	name += ": " + unit
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

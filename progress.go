package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/regsweep/regsweep/internal/report"
)

// progressEvery is how often a log that is no terminal gets a line.
const progressEvery = 10 * time.Second

// progress shows on standard error how far a run is: a bar on a terminal, a line now and then in a log. Several
// repositories may report to it at the same time.
type progress struct {
	now      func() time.Time
	terminal bool
	unit     string // what is counted

	mu   sync.Mutex
	w    io.Writer
	bar  *progressbar.ProgressBar
	last time.Time
	done map[string]int
	all  map[string]int
}

func newProgress(p process, unit string) *progress {
	file, ok := p.stderr.(*os.File)
	return &progress{
		w: p.stderr, now: p.now, unit: unit, terminal: ok && term.IsTerminal(int(file.Fd())),
		last: p.now(), done: map[string]int{}, all: map[string]int{},
	}
}

// of returns what one repository reports its steps to.
func (p *progress) of(name string) func(done, all int) {
	return func(done, all int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.done[name], p.all[name] = done, all
		if p.terminal {
			p.draw(name)
			return
		}
		if now := p.now(); now.Sub(p.last) >= progressEvery {
			p.last = now
			talk{p.w}.line("", "%s: %d of %d %s", name, done, all, p.unit)
		}
	}
}

// draw shows the steps of all repositories in one bar.
func (p *progress) draw(name string) {
	done, all := sum(p.done), sum(p.all)
	if p.bar == nil {
		p.bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(report.Visible(name)),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	p.bar.ChangeMax(all)
	p.bar.Describe(report.Visible(name))
	_ = p.bar.Set(done) // a bar that cannot be drawn is no reason to stop
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// settle says what is to be said of a repository that has ended.
func (p *progress) settle(said []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
	_, _ = p.w.Write(said) // there is nowhere to report a broken standard error to
}

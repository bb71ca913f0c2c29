package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/regsweep/regsweep/internal/report"
)

// progressEvery is how often a log that is no terminal gets a line.
const progressEvery = 10 * time.Second

// progress shows on standard error how far a run is: a bar on a terminal, a line now and then in a log.
type progress struct {
	w        io.Writer
	now      func() time.Time
	terminal bool
	unit     string // what is counted

	name string
	bar  *progressbar.ProgressBar
	last time.Time
}

func newProgress(p process, unit string) *progress {
	file, ok := p.stderr.(*os.File)
	return &progress{w: p.stderr, now: p.now, unit: unit, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (p *progress) begin(name string) { p.name, p.bar, p.last = report.Visible(name), nil, p.now() }

// update is called after each step, never twice at a time.
func (p *progress) update(done, all int) {
	if p.terminal {
		if p.bar == nil {
			p.bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(p.name),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		}
		_ = p.bar.Set(done) // a bar that cannot be drawn is no reason to stop
		return
	}
	if now := p.now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		talk{p.w}.line("", "%s", fmt.Sprintf("%s: %d of %d %s", p.name, done, all, p.unit))
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

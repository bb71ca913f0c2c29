package main

import (
	"fmt"
	"io"
	"time"
)

// promise is a number that regsweep is held to.
type promise struct {
	text     string
	measured float64
	bound    float64
	atLeast  bool // else at most
	known    bool // whether this run has measured it
}

// kept says what became of it.
func (p promise) kept() string {
	switch {
	case !p.known:
		return "not measured in this run"
	case p.atLeast && p.measured >= p.bound, !p.atLeast && p.measured <= p.bound:
		return "yes"
	}
	return "**no**"
}

// promised is the number of images that ratios are promised for.
const promised = 1000

// promises are the numbers of this report.
func (r report) promises() []promise {
	far := 20 * time.Millisecond
	script3, floor3, floorFar := r.ratio("3.1.2", 0, nameScript, nameRegsweep), r.ratio("3.1.2", 0, nameRegsweep, nameFloor), r.ratio("3.1.2", far, nameRegsweep, nameFloor)
	naive2, script2 := r.ratio("2.8.2", 0, nameDigest, nameNaive), r.ratio("2.8.2", 0, nameScript, nameRetag)
	out := []promise{
		script3.promise("3.1.2, 1000 images: times as fast as the script", 15, true),
		floor3.promise("3.1.2, 1000 images: times the floor", 1.5, false),
		r.exponent("3.1.2", nameRegsweep).promise("3.1.2: exponent of growth", 1.2, false),
		naive2.promise("2.8.2, 1000 images, by digest: times the naive loop", 1.1, false),
		script2.promise("2.8.2, 1000 images, retag: times as fast as the script", 4, true),
		r.exponent("2.8.2", nameRetag).promise("2.8.2, retag: exponent of growth", 1.3, false),
		floorFar.promise("3.1.2, 1000 images, 20 ms away: times the floor", 1.5, false),
	}
	for _, s := range r.steady {
		out = append(out, number{s.roundTrips(s.elapsed), true}.promise("steady state, "+s.name()+": round trips", 9, false))
	}
	for _, l := range r.large {
		out = append(out, number{float64(l.peak) / 1e6, l.peak > 0}.promise(fmt.Sprintf("%d tags: peak memory in MB", l.tags), 400, false))
	}
	return out
}

// number is what a run may have measured.
type number struct {
	value float64
	known bool
}

func (n number) promise(text string, bound float64, atLeast bool) promise {
	return promise{text, n.value, bound, atLeast, n.known}
}

// ratio is how many times b's time a's is with the promised number of images.
func (r report) ratio(registry string, delay time.Duration, a, b string) number {
	for _, p := range r.panels {
		if p.kind.name != registry || p.delay != delay {
			continue
		}
		if x, y := p.row(a).at(promised), p.row(b).at(promised); x != nil && y != nil {
			return number{float64(x.elapsed) / float64(y.elapsed), true}
		}
	}
	return number{}
}

// exponent is how a contestant's time grows without an added round trip.
func (r report) exponent(registry, name string) number {
	for _, p := range r.panels {
		if p.kind.name == registry && p.delay == 0 {
			g := fit(p.row(name).points())
			return number{g.exponent, g.from > 0}
		}
	}
	return number{}
}

// writePromises writes what regsweep is held to and what this run says of it.
func writePromises(w io.Writer, r report) {
	fmt.Fprint(w, "\n### What regsweep is held to\n\n")
	writeRow(w, "", "wanted", "measured", "kept")
	writeRule(w, 3)
	for _, p := range r.promises() {
		wanted, measured := "at most ", "–"
		if p.atLeast {
			wanted = "at least "
		}
		if p.known {
			measured = fmt.Sprintf("%.3g", p.measured)
		}
		writeRow(w, p.text, wanted+fmt.Sprintf("%g", p.bound), measured, p.kept())
	}
}

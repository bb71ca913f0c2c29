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
	// floor is the same number of a bare loop that sends the requests which cannot be left out, as far as this run tells.
	floor number
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

// dated are the three cases that a promise is looked at in, because what a date costs is the registry's own work: it has
// to send a config for each image.
var dated = []struct{ name, safe, text string }{
	{nameRegsweep, nameSafe, "every date to be read"},
	{nameWarm, nameSafeCached, "the dates in the cache"},
	{nameByName, nameSafeByName, "a policy without dates"},
}

// promises are the numbers of this report.
func (r report) promises() []promise {
	far := 20 * time.Millisecond
	var out []promise
	add := func(n number, text string, bound float64, atLeast bool, floor number) {
		p := n.promise(text, bound, atLeast)
		p.floor = floor
		out = append(out, p)
	}
	for _, c := range dated {
		add(r.ratio("3.1.2", 0, nameScript, c.name), "3.1.2, 1000 images, "+c.text+": times as fast as the script", 15, true, r.ratio("3.1.2", 0, nameScript, c.safe))
		add(r.ratio("3.1.2", 0, c.name, c.safe), "3.1.2, 1000 images, "+c.text+": times the safe floor", 1.25, false, number{1, true})
		add(r.ratio("3.1.2", far, c.name, c.safe), "3.1.2, 1000 images, 20 ms away, "+c.text+": times the safe floor", 1.3, false, number{1, true})
		add(r.ratio("2.8.2", 0, c.name, nameNaive), "2.8.2, 1000 images, by digest, "+c.text+": times the naive loop", 1.1, false, number{})
	}
	add(r.ratio("2.8.2", 0, nameScript, nameRetag), "2.8.2, 1000 images, retag, "+dated[0].text+": times as fast as the script", 4, true, r.ratio("2.8.2", 0, nameScript, nameSafe))
	add(r.ratio("2.8.2", 0, nameScript, nameRetagByName), "2.8.2, 1000 images, retag, "+dated[2].text+": times as fast as the script", 4, true, r.ratio("2.8.2", 0, nameScript, nameSafeByName))
	for _, p := range r.panels {
		if p.kind.operation > 0 && p.kind.deletesTags {
			add(p.byGrowth(nameScript, nameRegsweep), p.kind.name+", 1000 images, "+dated[0].text+": times as fast as the script, by its growth where it was not run", 20, true, p.byGrowth(nameScript, nameSafe))
		}
	}
	add(r.exponent("3.1.2", nameRegsweep), "3.1.2: exponent of growth", 1.2, false, r.exponent("3.1.2", nameSafe))
	add(r.exponent("2.8.2", nameRetag), "2.8.2, retag: exponent of growth", 1.3, false, r.exponent("2.8.2", nameSafe))
	for _, s := range r.steady {
		out = append(out, number{s.roundTrips(s.elapsed), true}.promise("steady state, "+s.name()+": round trips", 9, false))
	}
	for _, j := range []struct {
		registry, name string
		bound          float64
	}{
		{"3.1.2", nameRegsweep, 5},
		{"3.1.2", nameWarm, 10},
		{"2.8.2", nameRegsweep, 1 / 1.15},
		{"2.8.2", nameWarm, 1},
		{"2.8.2", nameRetag, 4},
		{"2.8.2", nameRetagWarm, 4},
		{"2.8.2", nameOffline, 6},
		{"2.8.2", nameOfflineWarm, 6},
	} {
		script, ours := r.inJob(j.registry, nameScript).elapsed, r.inJob(j.registry, j.name)
		add(quotient(script, ours.elapsed), j.registry+", nine repositories, "+j.name+": times as fast as the script", j.bound, true, quotient(script, r.alone(ours)))
	}
	for _, o := range r.others {
		if c := o.contestant; c.against != "" && c.name != nameTagsFirst {
			add(ofNaive(r.others, o.registry, c.name), fmt.Sprintf("%s, %d images, %s: times the naive loop", o.registry, o.images, c.name), 1.15, false, ofNaive(r.others, o.registry, c.against))
		}
	}
	for _, s := range r.scale {
		if s.what.most > 0 {
			out = append(out, number{float64(s.peak) / 1e6, s.peak > 0}.promise(fmt.Sprintf("%d %s: peak memory in MB", s.count, s.what.name), float64(s.what.most)/1e6, false))
		}
	}
	return out
}

// number is what a run may have measured.
type number struct {
	value float64
	known bool
}

// String is the number as it stands in a table.
func (n number) String() string {
	if !n.known {
		return "–"
	}
	return times(n.value)
}

func (n number) promise(text string, bound float64, atLeast bool) promise {
	return promise{text: text, measured: n.value, bound: bound, atLeast: atLeast, known: n.known}
}

// quotient is how many times b's time a's is, unknown where one of them is.
func quotient(a, b time.Duration) number {
	if a == 0 || b == 0 {
		return number{}
	}
	return number{float64(a) / float64(b), true}
}

// ratio is how many times b's time a's is with the promised number of images.
func (r report) ratio(registry string, delay time.Duration, a, b string) number {
	for _, p := range r.panels {
		if p.kind.name != registry || p.delay != delay {
			continue
		}
		if x, y := p.row(a).at(promised), p.row(b).at(promised); x != nil && y != nil {
			return quotient(x.elapsed, y.elapsed)
		}
	}
	return number{}
}

// byGrowth is how many times b's time a's is with the promised number of images. Where one was not run because it would
// have taken too long, it is what its growth says.
func (p *panel) byGrowth(a, b string) number {
	took := func(name string) time.Duration {
		for _, c := range p.row(name).cells {
			switch {
			case c.images != promised:
			case c.result != nil:
				return c.result.elapsed
			default:
				return c.estimate
			}
		}
		return 0
	}
	return quotient(took(a), took(b))
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
	fmt.Fprint(w, "\n### What regsweep is held to\n\nThe last column has the same number of a bare loop that sends only the requests which cannot be left out. For the nine repositories it is by the prices above, on 2.8.2 without deletions by digest:\n\n")
	writeRow(w, "", "wanted", "measured", "kept", "a bare loop")
	writeRule(w, 4)
	for _, p := range r.promises() {
		wanted, measured, floor := "at most ", "–", "–"
		if p.atLeast {
			wanted = "at least "
		}
		if p.known {
			measured = fmt.Sprintf("%.3g", p.measured)
		}
		if p.floor.known {
			floor = fmt.Sprintf("%.3g", p.floor.value)
		}
		writeRow(w, p.text, wanted+fmt.Sprintf("%.3g", p.bound), measured, p.kept(), floor)
	}
}

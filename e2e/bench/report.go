package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"time"
)

// report is all that one run of the benchmark has measured.
type report struct {
	command    string // that made it
	panels     []*panel
	prices     []prices
	thresholds []threshold
	steady     []steadyResult
	job        []jobResult
	scale      []scaleResult
	listings   []listingResult
	others     []otherResult
	missing    []string // what could not be measured here, one line each
	plot       string   // the plot's file as the tables name it; "" without a plot
}

// write writes the report as Markdown, with the bounds that regsweep is held to.
func (r report) write(w io.Writer) {
	r.tables(w)
	writePromises(w, r)
}

// tables writes the part of the report that the page shows: what was measured, and no bounds.
func (r report) tables(w io.Writer) {
	fmt.Fprintf(w, "Made by `%s` on %s/%s with %d processors (%s).\n", r.command, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, m := range r.missing {
		fmt.Fprintf(w, "\n**Left out:** %s\n", m)
	}
	if r.plot != "" {
		fmt.Fprintf(w, "\n![Seconds over the number of images, both on logarithmic scales, for each registry and distance](%s)\n", r.plot)
	}
	for _, p := range r.panels {
		p.write(w)
	}
	writePrices(w, r.prices)
	writeThresholds(w, r.thresholds)
	writeSteady(w, r.steady)
	r.writeJob(w)
	writeOthers(w, r.others)
	writeListings(w, r.listings)
	writeScale(w, r.scale)
}

// title is what a part of the report is about.
func title(k kind, delay time.Duration) string {
	switch {
	case k.operation > 0:
		return "registry " + k.name
	case delay == 0:
		return "registry " + k.name + " on loopback"
	}
	return fmt.Sprintf("registry %s with a round trip of %v", k.name, delay)
}

// write writes the tables of one registry at one distance.
func (p *panel) write(w io.Writer) {
	var sizes []string
	for _, c := range p.rows[0].cells {
		sizes = append(sizes, fmt.Sprint(c.images))
	}
	fmt.Fprintf(w, "\n### %s\n\nSeconds for that many images, and the exponent of their growth:\n\n", title(p.kind, p.delay))
	writeRow(w, append(append([]string{""}, sizes...), "grows as N to the power of")...)
	writeRule(w, len(sizes)+1)
	for _, r := range p.rows {
		line := []string{r.contestant.name}
		for _, c := range r.cells {
			line = append(line, c.String())
		}
		writeRow(w, append(line, fit(r.points()).String())...)
	}
	var tried []string
	for _, workers := range floorWorkers {
		tried = append(tried, fmt.Sprintf("%d: %s", workers, seconds(p.tried[workers])))
	}
	fmt.Fprintf(w, "\nThe floors run with %d workers, the bare one's best at %d images (%s).\n", p.best, p.triedWith, strings.Join(tried, ", "))

	fmt.Fprint(w, "\nHow many times as fast as the script / how many times the bare floor's time / how many times that of the safe floor with the same dates:\n\n")
	writeRow(w, append([]string{""}, sizes...)...)
	writeRule(w, len(sizes))
	for _, r := range p.rows {
		line := []string{r.contestant.name}
		for _, c := range r.cells {
			line = append(line, ratio(p.row(nameScript).at(c.images), c.result)+
				" / "+ratio(c.result, p.row(nameFloor).at(c.images))+" / "+ratio(c.result, p.row(r.contestant.against).at(c.images)))
		}
		writeRow(w, line...)
	}

	fmt.Fprintf(w, "\nRequests at %d images:\n\n", p.triedWith)
	writeRequestsHead(w, "")
	for _, r := range p.rows {
		if res := r.at(p.triedWith); res != nil {
			writeRequests(w, r.contestant.name, res.requests)
		}
	}
}

// String is a cell as it stands in a table.
func (c cell) String() string {
	switch {
	case c.result != nil:
		return seconds(c.result.elapsed)
	case c.failed:
		return "failed"
	}
	return fmt.Sprintf("not run (≈ %s by its growth)", roughly(c.estimate))
}

// String is a growth as it stands in a table, with what it was found in.
func (g growth) String() string {
	if g.from == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%d to %d)", g.exponent, g.from, g.to)
}

// ratio is how many times b's time a's is.
func ratio(a, b *result) string {
	if a == nil || b == nil {
		return "–"
	}
	return times(float64(a.elapsed) / float64(b.elapsed))
}

// times is a ratio with as many digits as mean something.
func times(r float64) string {
	if r >= 9.95 {
		return fmt.Sprintf("%.0f", r)
	}
	return fmt.Sprintf("%.2f", r)
}

// seconds is a time with as many digits as mean something.
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// roughly is a time that nobody has measured.
func roughly(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", math.Round(d.Hours()))
}

func writeRow(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

// writeRule writes the line below a table's head: a column of names and that many columns of numbers.
func writeRule(w io.Writer, numbers int) {
	fmt.Fprintf(w, "| --- |%s\n", strings.Repeat(" ---: |", numbers))
}

func writeRequestsHead(w io.Writer, name string) {
	writeRow(w, append(append([]string{name}, kindNames[:]...), "all")...)
	writeRule(w, len(kindNames)+1)
}

func writeRequests(w io.Writer, name string, t tally) {
	line := []string{name}
	for _, n := range t {
		line = append(line, fmt.Sprint(n))
	}
	writeRow(w, append(line, fmt.Sprint(t.total()))...)
}

func mebibytes(n int64) string {
	return cmp.Or(strings.TrimPrefix(fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)), "0 MiB"), "–")
}

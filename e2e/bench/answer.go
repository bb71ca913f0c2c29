package main

import (
	"fmt"
	"io"
	"time"
)

// asked is the number of images that the page answers first: how long will my 2,000 images take?
const asked = 2000

// answers are the columns of that table.
var answers = []struct{ name, title string }{
	{nameRegsweep, "first run"},
	{nameWarm, "dates in the cache"},
	{nameRetag, "first run, `--delete-by retag`"},
	{nameScript, "the script, to compare"},
}

// writeAnswer writes how long the contestants that readers choose among take for the usual question.
func writeAnswer(w io.Writer, panels []*panel) {
	row := []string{"registry"}
	for _, a := range answers {
		row = append(row, a.title)
	}
	writeRow(w, row...)
	writeRule(w, len(answers))
	for _, p := range panels {
		if p.kind.operation > 0 { // its numbers of images are others
			continue
		}
		row := []string{distance(p.kind, p.delay)}
		for _, a := range answers {
			row = append(row, p.row(a.name).answer())
		}
		writeRow(w, row...)
	}
}

// answer is how long a contestant takes for the number of images that is asked for: measured, else estimated from its
// growth, else unknown, as for a contestant that did not take part.
func (r row) answer() string {
	for _, c := range r.cells {
		switch {
		case c.images != asked:
		case c.result != nil:
			return seconds(c.result.elapsed)
		case c.estimate > 0:
			return "≈ " + roughly(c.estimate)
		}
	}
	return "–"
}

// distance says which registry it is and how far away.
func distance(k kind, delay time.Duration) string {
	if delay == 0 {
		return "distribution " + k.name + ", on the same machine"
	}
	return fmt.Sprintf("distribution %s, %v away", k.name, delay)
}

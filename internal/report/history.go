package report

import (
	"slices"
	"time"
)

// history is a repository's builds in bars, those that stay and those that go: a bar for each group, or where there are
// no groups, for each stretch of time, so that it shows how what is kept thins out with age.
type history struct {
	title string // of the first column
	lines []historyLine
	more  int    // groups without a line
	rest  string // what became of them
}

type historyLine struct {
	timeline
	name   string
	quoted bool // the name comes from outside
	counts string
}

// minHistory is the number of images from which bars say more than the tables do.
const minHistory = 8

// history returns the bars of a repository; no bars when they would add nothing.
func (v view) history() history {
	if !v.grouped {
		return v.periods()
	}
	all := v.timelines()
	shown, more := cut(all, maxGroups)
	h := history{title: "group", more: more}
	for _, t := range shown {
		line := historyLine{timeline: t, name: noGroup, counts: t.counts(v)}
		if t.group != "" {
			line.name, line.quoted = clip(t.group, nameRunes), true
		}
		h.lines = append(h.lines, line)
	}
	if more > 0 {
		h.rest = v.sums(all[len(shown):])
	}
	return h
}

// stretch is a part of the past, from where the one before it ends.
type stretch struct {
	name string
	to   time.Duration
}

var stretches = []stretch{
	{"past day", 24 * time.Hour},
	{"1 to 7 days ago", 7 * 24 * time.Hour},
	{"7 to 30 days ago", 30 * 24 * time.Hour},
	{"30 to 365 days ago", 365 * 24 * time.Hour},
	{"over a year ago", 1<<63 - 1},
}

// periods are the stretches of time in which images were built, when enough were and some of them go.
func (v view) periods() history {
	lines := make([]timeline, len(stretches)+1)
	n := 0
	for _, list := range v.marked() {
		for _, e := range list.entries {
			if !counted(e.Image) {
				continue
			}
			n++
			i := len(stretches)
			if created := e.Image.Created; !created.IsZero() {
				i = slices.IndexFunc(stretches, func(s stretch) bool { return v.run.Started.Sub(created) < s.to })
				if i < 0 { // further back than a duration reaches
					i = len(stretches) - 1
				}
			}
			lines[i].images = append(lines[i].images, build{e.Image.Created, list.mark, list.mark == markKept && e.safe()})
		}
	}
	h := history{title: "built"}
	if n < minHistory || len(v.failed)+len(v.skipped)+len(v.doomed) == 0 {
		return h
	}
	for i, t := range lines {
		if len(t.images) == 0 {
			continue
		}
		name := "without a date"
		if i < len(stretches) {
			name = stretches[i].name
		}
		t.sort()
		h.lines = append(h.lines, historyLine{timeline: t, name: name, counts: v.sums([]timeline{t})})
	}
	return h
}

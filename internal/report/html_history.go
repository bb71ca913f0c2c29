package report

import (
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/draw"
)

// Bounds of the timelines of a page.
const (
	maxHTMLLines   = 1000   // of all repositories
	minHTMLLines   = 2      // of a repository
	maxHTMLTicks   = 30_000 // columns of all timelines
	maxHTMLColumns = 300    // of a timeline
	minHTMLColumns = 40
	htmlSpoken     = 20 // images that a description tells one by one
)

// What a page shows of the builds of a repository.
type (
	htmlHistory struct {
		Title    string // of the first column
		From, To htmlMoment
		Zones    []string // of the axis, from the left to the right
		Legend   []htmlSample
		Whole    *draw.Timeline // of all images, where there are no groups
		Lines    []htmlLine
		More     int
		Rest     string
	}
	htmlMoment struct{ Exact, Text string }
	htmlSample struct {
		Sample draw.Timeline
		Text   string
	}
	htmlLine struct {
		Name, Counts string
		Drawing      *draw.Timeline // nil where the whole has it
	}
)

// historyRoom is how much of a page each repository's history may take up.
type historyRoom struct{ lines, columns int }

// newHistoryRoom shares the page among repositories.
func newHistoryRoom(repositories int) historyRoom {
	n := max(1, repositories)
	r := historyRoom{lines: min(maxGroups, max(minHTMLLines, maxHTMLLines/n))}
	r.columns = min(maxHTMLColumns, max(minHTMLColumns, maxHTMLTicks/(n*r.lines)))
	return r
}

// htmlHistory draws the history of a repository: a timeline of each group, or one of all images, with the numbers of each
// stretch of time. It is nil when that would add nothing.
func (v view) htmlHistory(room historyRoom) *htmlHistory {
	h := v.history()
	if len(h.lines) == 0 {
		return nil
	}
	out := &htmlHistory{Title: h.title, More: h.more, Rest: h.rest}
	if len(h.lines) > room.lines && v.grouped {
		out.More += len(h.lines) - room.lines
		out.Rest = v.sums(v.timelines()[room.lines:])
		h.lines = h.lines[:room.lines]
	}
	var all timeline
	for _, l := range h.lines {
		all.images = append(all.images, l.images...)
	}
	var axis draw.Axis
	axis, out.Zones = all.axis(v.run.Started, room.columns)
	out.Legend = v.samples(all)
	if n := len(axis.Stops); n > 0 {
		out.From, out.To = dayOf(axis.Stops[0]), dayOf(axis.Stops[n-1])
	}
	for _, l := range h.lines {
		line := htmlLine{Name: Visible(l.name), Counts: l.counts}
		if v.grouped {
			line.Drawing = l.draw(axis, line.Name, l.spoken(htmlSpoken, v))
		}
		out.Lines = append(out.Lines, line)
	}
	if !v.grouped {
		out.Whole = all.draw(axis, "all images", v.sums([]timeline{all}))
	}
	return out
}

// axis spans the images that have a date, up to the run, in the stretches that a history has, each as wide as the next.
// It is empty when none has a date.
func (t timeline) axis(started time.Time, columns int) (draw.Axis, []string) {
	var from, to time.Time
	for _, i := range t.images {
		if i.created.IsZero() {
			continue
		}
		if from.IsZero() || i.created.Before(from) {
			from = i.created
		}
		if i.created.After(to) {
			to = i.created
		}
	}
	if from.IsZero() {
		return draw.Axis{}, nil
	}
	if started.IsZero() {
		started = to
	}
	if started.After(to) {
		to = started
	}
	stops, zones := []time.Time{to}, []string(nil)
	for _, s := range stretches {
		zones = append(zones, s.name)
		stop := started.Add(-s.to)
		if s.to == stretches[len(stretches)-1].to || !from.Before(stop) {
			break
		}
		stops = append(stops, stop)
	}
	stops = append(stops, from)
	slices.Reverse(stops)
	slices.Reverse(zones)
	return draw.Axis{Stops: stops, Columns: columns}, zones
}

// draw draws the images on the axis; nil when none has a date.
func (t timeline) draw(axis draw.Axis, title, description string) *draw.Timeline {
	var ticks []draw.Tick
	undated := 0
	for _, i := range t.images {
		if i.created.IsZero() {
			undated++
		}
		ticks = append(ticks, draw.Tick{At: i.created, Mark: i.drawn()})
	}
	if undated == len(t.images) {
		return nil
	}
	if undated > 0 {
		description += "; " + plural(undated, "image has no date and is not drawn", "images have no date and are not drawn")
	}
	out := axis.Timeline(title, description, ticks)
	return &out
}

// drawn is the mark of an image in a drawing.
func (b build) drawn() draw.Mark {
	switch {
	case b.safe:
		return draw.Protected
	case b.mark == markKept:
		return draw.Kept
	case b.mark == markLeft:
		return draw.Left
	}
	return draw.Gone
}

// samples are the marks that the images have, with what they mean.
func (v view) samples(t timeline) []htmlSample {
	words := []htmlSample{
		{draw.Sample(draw.Kept), "kept"},
		{draw.Sample(draw.Protected), "protected or just built"},
		{draw.Sample(draw.Gone), v.goneWord()},
		{draw.Sample(draw.Left), v.leftWord()},
	}
	have := map[draw.Mark]bool{}
	for _, i := range t.images {
		have[i.drawn()] = have[i.drawn()] || !i.created.IsZero()
	}
	var out []htmlSample
	for i, mark := range []draw.Mark{draw.Kept, draw.Protected, draw.Gone, draw.Left} {
		if have[mark] {
			out = append(out, words[i])
		}
	}
	return out
}

func dayOf(t time.Time) htmlMoment {
	t = t.UTC()
	return htmlMoment{t.Format(time.RFC3339), t.Format("2 January 2006")}
}

package draw

import (
	"strconv"
	"strings"
	"time"
)

// Axis is the past, as timelines share it, so that one can be compared with the next. The newest is on the right.
type Axis struct {
	// Stops are moments at equal distances, the oldest first. Between two of them time runs evenly, so that the last day can
	// have as much room as the year before it.
	Stops []time.Time
	// Columns is how many ticks can stand side by side. Images of one column and mark share a tick, which bounds the size
	// of a drawing.
	Columns int
}

// Tick is an image on a timeline.
type Tick struct {
	At   time.Time // an image without a date has no place, and is not drawn
	Mark Mark
}

// Timeline is a drawing of images through time.
type Timeline struct {
	// Title and Description are for those who do not see the drawing.
	Title, Description string
	Columns            int
	Guides             string // the path of lines at the stops between the ends
	Ticks              []Ticks
	// File is the name of the file that has the drawing; "" draws it into the page.
	File string
}

// Ticks are the ticks of one mark, as the data of an SVG path (https://www.w3.org/TR/SVG2/paths.html#PathData).
type Ticks struct {
	Mark Mark
	Path string
}

// shapes are the paths of a tick at a column. The axis is at 20 of 36. A dot is a line without a length, whose round caps
// show: a circle would become an ellipse where the page stretches the drawing.
var shapes = map[Mark]string{Gone: " 22v9", Left: " 12v19", Kept: " 7v13", Protected: " 7v13", dots: " 6h0"}

// margin is the room at both ends of the axis, so that a dot there is whole.
const margin = 3

// Left is where the drawing begins, in columns.
func (Timeline) Left() int { return -margin }

// Right is where the drawing ends, in columns.
func (t Timeline) Right() int { return t.Columns - 1 + margin }

// Width is that of the drawing, in columns.
func (t Timeline) Width() int { return t.Right() - t.Left() }

// Width is that of a tick, in points of the page.
func (t Ticks) Width() int {
	switch t.Mark {
	case dots:
		return 7
	case Left:
		return 3
	}
	return 2
}

// Round reports whether ticks have round ends.
func (t Ticks) Round() bool { return t.Mark == dots }

// Timeline draws the ticks on the axis. Ticks outside of it stand at its ends.
func (a Axis) Timeline(title, description string, ticks []Tick) Timeline {
	columns := max(2, a.Columns)
	out := Timeline{Title: title, Description: description, Columns: columns, Guides: a.guides(columns)}
	taken := map[Mark][]bool{}
	for _, t := range ticks {
		if t.At.IsZero() {
			continue
		}
		if taken[t.Mark] == nil {
			taken[t.Mark] = make([]bool, columns)
		}
		taken[t.Mark][a.column(t.At, columns)] = true
	}
	taken[dots] = taken[Protected]
	for _, mark := range order {
		var path strings.Builder
		for column, here := range taken[mark] {
			if here {
				path.WriteString("M" + strconv.Itoa(column) + shapes[mark])
			}
		}
		if path.Len() > 0 {
			out.Ticks = append(out.Ticks, Ticks{mark, path.String()})
		}
	}
	return out
}

// Sample draws a single tick, for a legend.
func Sample(m Mark) Timeline {
	now := time.Unix(0, 0)
	return Axis{Stops: []time.Time{now.Add(-time.Second), now.Add(time.Second)}, Columns: 3}.Timeline("", "", []Tick{{now, m}})
}

// column is where on the axis a moment is. It counts in seconds, because a duration holds no more than 292 years and
// images carry any date.
func (a Axis) column(at time.Time, columns int) int {
	last := len(a.Stops) - 1
	if last < 1 || !at.Before(a.Stops[last]) {
		return columns - 1
	}
	i := 0
	for i < last-1 && !at.Before(a.Stops[i+1]) {
		i++
	}
	from, to := float64(a.Stops[i].Unix()), float64(a.Stops[i+1].Unix())
	share := 1.0
	if to > from {
		share = min(1, max(0, (float64(at.Unix())-from)/(to-from)))
	}
	return int((float64(i)+share)/float64(last)*float64(columns-1) + 0.5)
}

// guides are lines at the stops between the ends.
func (a Axis) guides(columns int) string {
	var path strings.Builder
	for i := 1; i < len(a.Stops)-1; i++ {
		path.WriteString("M" + strconv.Itoa(a.column(a.Stops[i], columns)) + " 2v32")
	}
	return path.String()
}

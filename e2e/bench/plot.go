package main

import (
	_ "embed" // for the template
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/template"
)

//go:embed plot.svg.tmpl
var plotText string

// The template's own texts are all from this package, so that nothing in it needs to be escaped.
var plotTemplate = template.Must(template.New("plot").Parse(plotText))

// The sizes of the plot, in pixels. Two panels stand beside each other.
const (
	plotColumns  = 2
	panelWidth   = 300 // of the part with lines
	panelHeight  = 240
	marginLeft   = 60
	marginRight  = 90 // for the labels of lines
	marginTop    = 40
	marginBottom = 50
	labelHeight  = 13
)

// drawing is what the template draws.
type drawing struct {
	Width, Height int
	Panels        []drawnPanel
}

type drawnPanel struct {
	X, Y, Width, Height int
	Title               string
	Across, Up          []tick // the axes
	Lines               []drawnLine
}

type tick struct {
	At   float64
	Text string
}

type drawnLine struct {
	Style, Label   string
	Points         []drawnPoint
	LabelX, LabelY float64
}

type drawnPoint struct {
	X, Y float64
	Text string // what a pointer on it shows
}

// Path is the points as an attribute of SVG.
func (l drawnLine) Path() string {
	var out []string
	for _, p := range l.Points {
		out = append(out, fmt.Sprintf("%.1f,%.1f", p.X, p.Y))
	}
	return strings.Join(out, " ")
}

// scale puts numbers on a logarithmic axis.
type scale struct{ least, most, from, to float64 }

func (s scale) at(v float64) float64 {
	if s.least == s.most {
		return (s.from + s.to) / 2
	}
	return s.from + (s.to-s.from)*math.Log(v/s.least)/math.Log(s.most/s.least)
}

// writePlot draws the panels as SVG. All have the same axes, so that they can be compared at a glance.
func writePlot(w io.Writer, panels []*panel) error {
	across, up, sizes := axes(panels)
	cellWidth, cellHeight := marginLeft+panelWidth+marginRight, marginTop+panelHeight+marginBottom
	rows := (len(panels) + plotColumns - 1) / plotColumns
	d := drawing{Width: min(plotColumns, len(panels)) * cellWidth, Height: rows * cellHeight}
	for i, p := range panels {
		out := drawnPanel{
			X: i%plotColumns*cellWidth + marginLeft, Y: i/plotColumns*cellHeight + marginTop,
			Width: panelWidth, Height: panelHeight, Title: title(p.kind, p.delay),
		}
		for _, n := range sizes {
			out.Across = append(out.Across, tick{across.at(float64(n)), fmt.Sprint(n)})
		}
		for v := up.least; v <= up.most*1.001; v *= 10 {
			out.Up = append(out.Up, tick{up.at(v), fmt.Sprintf("%g", math.Round(v*1000)/1000)})
		}
		for _, r := range p.rows {
			if l := draw(r, across, up); len(l.Points) > 0 && r.contestant.label != "" {
				out.Lines = append(out.Lines, l)
			}
		}
		spread(out.Lines)
		d.Panels = append(d.Panels, out)
	}
	return plotTemplate.Execute(w, d)
}

// axes are the scales that hold every point, and the numbers of images.
func axes(panels []*panel) (across, up scale, sizes []int) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, p := range panels {
		for _, r := range p.rows {
			for _, c := range r.cells {
				if c.result != nil && r.contestant.label != "" {
					least, most = min(least, c.result.elapsed.Seconds()), max(most, c.result.elapsed.Seconds())
					sizes = append(sizes, c.images)
				}
			}
		}
	}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	if len(sizes) == 0 {
		return scale{1, 1, 0, panelWidth}, scale{1, 1, panelHeight, 0}, nil
	}
	across = scale{float64(sizes[0]), float64(sizes[len(sizes)-1]), 0, panelWidth}
	up = scale{math.Pow(10, math.Floor(math.Log10(least))), math.Pow(10, math.Ceil(math.Log10(most))), panelHeight, 0}
	return across, up, sizes
}

// draw puts a contestant on the scales.
func draw(r row, across, up scale) drawnLine {
	out := drawnLine{Style: r.contestant.style, Label: r.contestant.label}
	for _, p := range r.points() {
		out.Points = append(out.Points, drawnPoint{
			across.at(float64(p.images)), up.at(p.elapsed.Seconds()), fmt.Sprintf("%s, %d images: %s", r.contestant.label, p.images, seconds(p.elapsed)),
		})
	}
	if n := len(out.Points); n > 0 {
		out.LabelX, out.LabelY = out.Points[n-1].X+7, out.Points[n-1].Y+4
	}
	return out
}

// spread moves labels that stand at the end of the same size apart from each other, in the order of their lines.
func spread(lines []drawnLine) {
	byEnd := map[float64][]*drawnLine{}
	for i := range lines {
		byEnd[lines[i].LabelX] = append(byEnd[lines[i].LabelX], &lines[i])
	}
	for _, same := range byEnd {
		slices.SortStableFunc(same, func(a, b *drawnLine) int { return int(math.Copysign(1, a.LabelY-b.LabelY)) })
		for i := 1; i < len(same); i++ {
			same[i].LabelY = max(same[i].LabelY, same[i-1].LabelY+labelHeight)
		}
		// What was pushed out at the bottom pushes the ones above it back.
		for i, most := len(same)-1, float64(panelHeight); i >= 0; i, most = i-1, most-labelHeight {
			same[i].LabelY = min(same[i].LabelY, most)
		}
	}
}

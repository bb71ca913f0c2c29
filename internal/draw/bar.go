package draw

// barWidth is the width of the longest bar, in units of its own.
const barWidth = 1000

// minPart is the width of the smallest part, which must be seen.
const minPart = 4

// Part is a part of a bar.
type Part struct {
	Mark   Mark
	Amount int64
}

// Bar is a drawing of amounts side by side.
type Bar struct {
	// Title is for those who do not see the drawing.
	Title string
	Width int
	Parts []Box
	// File is the name of the file that has the drawing; "" draws it into the page.
	File string
}

// Box is a part of a bar in its place.
type Box struct {
	Mark     Mark
	X, Width int
}

// NewBar draws the parts from the left to the right. An amount of whole fills the width, so that bars with the same whole
// can be compared. Amounts below 1 are left out.
func NewBar(title string, whole int64, parts ...Part) Bar {
	out := Bar{Title: title, Width: barWidth}
	x := 0
	for _, p := range parts {
		if p.Amount <= 0 || whole <= 0 {
			continue
		}
		width := int(min(1, float64(p.Amount)/float64(whole)) * barWidth)
		width = min(max(minPart, width), barWidth-x)
		if width <= 0 {
			continue
		}
		out.Parts = append(out.Parts, Box{p.Mark, x, width})
		x += width
	}
	return out
}

// Hollow reports whether only the outline of the box is drawn.
func (b Box) Hollow() bool { return b.Mark == Gone }

// Slim reports whether the box is lower than others.
func (b Box) Slim() bool { return b.Mark == Left }

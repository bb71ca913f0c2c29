// Package draw makes the drawings of an HTML report as SVG, inline or in files: bars of what stays and what goes, and timelines of
// images. It is pure: it turns values into coordinates, and its templates turn those into elements.
//
// A drawing has no style sheet and no script: shapes and presentation attributes say everything, so that a content
// security policy that lets no style through leaves the drawing whole. Its shapes differ without their colours. It has no
// text, whose size would change with the width of the page; the page has the text around it.
package draw

import _ "embed" // the templates

//go:embed draw.tmpl
var templates string

// Templates returns the text of html/template templates. "timeline" draws a [Timeline], "sample" a [Sample] and
// "bar" a [Bar]: as inline SVG, or as an image that shows its File. "timeline-file", "sample-file" and "bar-file" are the
// content of that file. It has the colour of no page: its axis is of a grey that is told from white and from black.
func Templates() string { return templates }

// Mark is what became of an image. Each has a shape of its own.
type Mark string

// The marks. A timeline has them above its axis when the image stays as planned, below when it went, and across when it
// should have gone and did not.
const (
	Kept      Mark = "kept"
	Protected Mark = "protected" // kept, and no rule that counts can change that
	Gone      Mark = "gone"
	Left      Mark = "left"
)

// dots go with the ticks of what is protected.
const dots Mark = "dot"

// order is that in which marks are drawn: what stays lies on top.
var order = []Mark{Gone, Left, Kept, Protected, dots}

// colours are told from white and from black with a contrast of 3:1 or more, as WCAG 2.2 asks of graphics (success criterion
// 1.4.11), so that a page without a style sheet needs no other for the dark. Readers with any colour vision tell blue from
// orange.
var colours = map[Mark]string{Kept: "#2f7fd0", Protected: "#8a5fd0", dots: "#8a5fd0", Gone: "#d0542f", Left: "#b07d00"}

// Colour is what the mark is drawn in.
func (m Mark) Colour() string { return colours[m] }

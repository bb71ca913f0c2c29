package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// gridColumns are the columns of a row: what became of it, name, age, size, why.
const gridColumns = 5

// gridGap parts the columns.
const gridGap = "  "

// leastWhy is the narrowest last column that is still wrapped: below it a terminal's own wrapping reads better.
const leastWhy = 24

// grid lays rows out in aligned columns without borders, indented by two spaces. The last column wraps at the width;
// 0 means that nothing is known of the width and nothing wraps, as in a CI log.
func grid(rows [][gridColumns]string, width int) (string, error) {
	if len(rows) == 0 {
		return "", nil
	}
	var b bytes.Buffer
	t := tablewriter.NewTable(&b,
		tablewriter.WithConfig(gridConfig(rows, width)),
		// Otherwise the process's locale decides how wide "·" and "…" are.
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})))
	for _, r := range rows {
		r[0] = gridGap + r[0]
		if err := t.Append(r[:]); err != nil {
			return "", fmt.Errorf("lay out table: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return "", fmt.Errorf("lay out table: %w", err)
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		out.WriteString(strings.TrimRight(line, " \n"))
		out.WriteByte('\n')
	}
	return out.String(), nil
}

func gridConfig(rows [][gridColumns]string, width int) tablewriter.Config {
	const last = gridColumns - 1
	var c tablewriter.Config
	c.Behavior.TrimSpace = tw.Off
	c.Row.Formatting.AutoWrap = tw.WrapNone
	c.Row.Alignment.PerColumn = []tw.Align{tw.AlignLeft, tw.AlignLeft, tw.AlignLeft, tw.AlignRight, tw.AlignLeft}
	c.Row.Padding.Global = tw.Padding{Right: gridGap, Overwrite: true}
	left := width
	for column := range last {
		widest := 0
		for _, r := range rows {
			widest = max(widest, twwidth.Width(r[column]))
		}
		left -= widest + len(gridGap)
	}
	if width > 0 && left >= leastWhy {
		c.Row.Formatting.AutoWrap = tw.WrapNormal
		c.Row.ColMaxWidths.PerColumn = tw.Mapper[int, int]{last: left} // the padding included
	}
	return c
}

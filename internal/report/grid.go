package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// gridGap parts the columns.
const gridGap = "  "

// minWhy is the narrowest last column that is still wrapped: below it a terminal's own wrapping reads better.
const minWhy = 24

// grid lays rows of as many columns each out without borders, indented by two spaces and aligned to the left but for the
// columns in right. A column that is empty in all rows is left out. The last column wraps at the width; 0 means that
// nothing is known of the width and nothing wraps, as in a CI log.
func grid(rows [][]string, width int, right ...int) (string, error) {
	if len(rows) == 0 {
		return "", nil
	}
	rows, aligns := withoutEmptyColumns(rows, right)
	var b bytes.Buffer
	t := tablewriter.NewTable(&b,
		tablewriter.WithConfig(gridConfig(rows, aligns, width)),
		// Otherwise the process's locale decides how wide "·" and "…" are.
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})))
	for _, r := range rows {
		r[0] = gridGap + r[0]
		if err := t.Append(r); err != nil {
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

// withoutEmptyColumns copies the rows without the columns in which none has a text, and returns how the others are
// aligned.
func withoutEmptyColumns(rows [][]string, right []int) ([][]string, []tw.Align) {
	out := make([][]string, len(rows))
	var aligns []tw.Align
	for column := range rows[0] {
		if !slices.ContainsFunc(rows, func(r []string) bool { return r[column] != "" }) {
			continue
		}
		for i, r := range rows {
			out[i] = append(out[i], r[column])
		}
		align := tw.AlignLeft
		if slices.Contains(right, column) {
			align = tw.AlignRight
		}
		aligns = append(aligns, align)
	}
	return out, aligns
}

func gridConfig(rows [][]string, aligns []tw.Align, width int) tablewriter.Config {
	last := len(aligns) - 1
	var c tablewriter.Config
	c.Behavior.TrimSpace = tw.Off
	c.Row.Formatting.AutoWrap = tw.WrapNone
	c.Row.Alignment.PerColumn = aligns
	c.Row.Padding.Global = tw.Padding{Right: gridGap, Overwrite: true}
	if left := lastWidth(rows, width); width > 0 && left >= minWhy {
		c.Row.Formatting.AutoWrap = tw.WrapNormal
		c.Row.ColMaxWidths.PerColumn = tw.Mapper[int, int]{last: left} // the padding included
	}
	return c
}

// lastWidth returns how much of the width is left to the last column, the padding included.
func lastWidth(rows [][]string, width int) int {
	for column := range len(rows[0]) - 1 {
		widest := 0
		for _, r := range rows {
			widest = max(widest, twwidth.Width(r[column]))
		}
		if widest > 0 {
			width -= widest + len(gridGap)
		}
	}
	return width
}

package report

import (
	"bytes"
	"strconv"
	"strings"
)

// page is Markdown that grows up to limits. Everything on it is written whole or not at all: a limit is never found in
// the middle of a row.
type page struct{ bytes.Buffer }

// block is a table, with what stands around it.
type block struct {
	head    string // up to the first row
	columns int
	rows    int
	row     func(i int) string // without the line's end
	tail    string             // after the last row
}

// add writes as many rows of the block as fit below the limit and counts the others in a row of their own. When not
// even that row fits with head and tail, it writes nothing.
func (p *page) add(b block, limit int) {
	if b.rows == 0 {
		return
	}
	// The longest row that can be needed to count others. Since rows are written only as long as it fits after them,
	// it always fits.
	reserve := len(more(b.rows, b.columns))
	if p.Len()+len(b.head)+reserve+len(b.tail) > limit {
		return
	}
	p.WriteString(b.head)
	for i := range b.rows {
		row := b.row(i) + "\n"
		if i == b.rows-1 {
			reserve = 0
		}
		if p.Len()+len(row)+reserve+len(b.tail) > limit {
			p.WriteString(more(b.rows-i, b.columns))
			break
		}
		p.WriteString(row)
	}
	p.WriteString(b.tail)
}

// line writes the text when it fits below the limit.
func (p *page) line(text string, limit int) {
	if p.Len()+len(text) <= limit {
		p.WriteString(text)
	}
}

// more is the row that counts those left out.
func more(n, columns int) string {
	return "| … " + grouped(n) + " more" + strings.Repeat(" |", columns) + "\n"
}

// cells joins cells, which must be escaped, into a row.
func cells(texts ...string) string { return "| " + strings.Join(texts, " | ") + " |" }

// tableHead is the head of a table; a column whose name ends in a colon is aligned to the right.
func tableHead(columns ...string) string {
	names, rules := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		name, right := strings.CutSuffix(c, ":")
		names[i], rules[i] = name, ":--"
		if right {
			rules[i] = "--:"
		}
	}
	return cells(names...) + "\n" + cells(rules...) + "\n"
}

// grouped writes a number with a comma before each three digits.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

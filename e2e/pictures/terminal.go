package main

import (
	"bytes"
	_ "embed" // the drawing
	"fmt"
	"math"
	"regexp"
	"strings"
	"text/template"
	"unicode/utf8"
)

// Sizes in pixels of a monospaced font of 14.
const (
	charWidth  = 8.43
	lineHeight = 20
	margin     = 20
	barHeight  = 34
	// columns is where a line of the recording is wrapped.
	columns = 104
)

//go:embed terminal.svg.tmpl
var terminalText string

var terminalPage = template.Must(template.New("terminal").Parse(terminalText))

// row is a line of the drawing, with the moment at which it appears.
type row struct {
	Y     int
	Delay string // seconds
	Spans []span
}

// span is text of one colour. Its place is given, because no font is the same everywhere.
type span struct {
	X      string
	Length string // "" leaves the width to the font
	Class  string
	Text   string
}

// classes are the colours that the table uses.
var classes = map[string]string{"32": "g", "31": "r", "33": "y", "0": ""}

var sgr = regexp.MustCompile("\x1b\\[(\\d+)m")

// terminal draws lines with the colours of a terminal as they appear one after the other.
func terminal(lines []string) ([]byte, error) {
	var rows []row
	at := 0.4
	for i, line := range lines {
		class := ""
		if i == 0 {
			class = "c"
		}
		for n, part := range wrap(line) {
			rows = append(rows, row{Y: barHeight + margin + lineHeight*len(rows), Delay: fmt.Sprintf("%.2f", at), Spans: spans(part, class, n)})
		}
		at += 0.12
		if i == 0 {
			at += 0.8
		}
	}
	var b bytes.Buffer
	err := terminalPage.Execute(&b, map[string]any{
		"Width": int(math.Ceil(columns*charWidth)) + 2*margin, "Height": barHeight + margin + lineHeight*len(rows) + margin/2,
		"Rows": rows, "Title": "A terminal: " + lines[0],
	})
	return b.Bytes(), err
}

// wrap breaks a line between words.
func wrap(line string) []string {
	if utf8.RuneCountInString(sgr.ReplaceAllString(line, "")) <= columns {
		return []string{line}
	}
	cut := strings.LastIndex(line[:columns], " ")
	return append([]string{line[:cut]}, wrap("  "+line[cut+1:])...)
}

// spans splits a line at its colours.
func spans(line, class string, part int) []span {
	var out []span
	column := 0
	add := func(text, class string) {
		trimmed := strings.TrimLeft(text, " ")
		column += len(text) - len(trimmed)
		if trimmed == "" {
			return
		}
		n := utf8.RuneCountInString(trimmed)
		out = append(out, span{
			X: fmt.Sprintf("%.1f", margin+float64(column)*charWidth), Length: fmt.Sprintf("%.1f", float64(n)*charWidth),
			Class: class, Text: escape.Replace(trimmed),
		})
		column += n
	}
	if part > 0 {
		class = ""
	}
	for {
		m := sgr.FindStringSubmatchIndex(line)
		if m == nil {
			add(line, class)
			return out
		}
		add(line[:m[0]], class)
		class, line = classes[line[m[2]:m[3]]], line[m[1]:]
	}
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

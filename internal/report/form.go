package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
)

// Form is a form of the report; its text is what --output takes.
type Form string

// The forms.
const (
	FormTable    Form = "table"
	FormMarkdown Form = "markdown"
	FormJSON     Form = "json"
)

// forms lists each form with the ending of its files and its writer. A new form is one more row.
var forms = []struct {
	form   Form
	ending string
	write  func(io.Writer, Summary) error
}{
	{FormTable, ".txt", func(w io.Writer, s Summary) error { return WriteTable(w, s, TableOptions{}) }},
	{FormMarkdown, ".md", func(w io.Writer, s Summary) error { return WriteMarkdown(w, s, math.MaxInt) }},
	{FormJSON, ".json", WriteJSON},
}

// FormOf picks the form of a report file by the ending of its name.
func FormOf(path string) (Form, error) {
	ending := strings.ToLower(filepath.Ext(path))
	var known []string
	for _, f := range forms {
		if f.ending == ending {
			return f.form, nil
		}
		known = append(known, f.ending)
	}
	if ending == "" {
		return "", fmt.Errorf("report file %q has no ending to tell its form by: %s", path, oneOf(known))
	}
	return "", fmt.Errorf("report file %q: unknown ending %q: %s", path, ending, oneOf(known))
}

// Write writes the whole summary in the form, without a limit of width or size.
func Write(w io.Writer, form Form, s Summary) error {
	var known []string
	for _, f := range forms {
		if f.form == form {
			return f.write(w, s)
		}
		known = append(known, string(f.form))
	}
	return fmt.Errorf("unknown form of report %q: %s", form, oneOf(known))
}

// oneOf lists names as "a, b or c".
func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

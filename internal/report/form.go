package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// Form is a form of the report; its text is what --output takes.
type Form string

// The forms.
const (
	FormTable       Form = "table"
	FormMarkdown    Form = "markdown"
	FormJSON        Form = "json"
	FormHTML        Form = "html"
	FormJUnit       Form = "junit"
	FormDotenv      Form = "dotenv"
	FormMetrics     Form = "metrics"
	FormAnnotations Form = "annotations"
	FormLine        Form = "line"
	// FormFolder is the page of FormHTML in a folder, next to its style sheet and its drawings: see [Folder]. Standard output
	// cannot be a folder.
	FormFolder Form = "folder"
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
	{FormHTML, ".html", WriteHTML},
	{FormJUnit, ".xml", WriteJUnit},
	{FormDotenv, ".env", WriteDotenv},
	{FormMetrics, ".prom", WriteMetrics},
	{FormAnnotations, ".annotations.json", WriteAnnotations},
	{FormLine, ".line", WriteLine},
}

// FormOf picks the form of a report file by the ending of its name, the longest of those that fit: x.annotations.json
// is for GitLab, x.json for any program. A name that is nothing but an ending, such as annotations.json, has that one. A
// path that ends in a slash is [FormFolder].
func FormOf(path string) (Form, error) { return formOf(path, nil) }

// RankingFormOf is [FormOf] for the report of a ranking, which has some of the forms.
func RankingFormOf(path string) (Form, error) { return formOf(path, RankingForms) }

// formOf is [FormOf] for some of the forms; nil is all.
func formOf(path string, some []Form) (Form, error) {
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) {
		if some != nil && !slices.Contains(some, FormHTML) {
			return "", fmt.Errorf("report file %q is a folder, which only an HTML report can be", path)
		}
		return FormFolder, nil
	}
	name := "." + strings.ToLower(filepath.Base(path))
	var form Form
	longest := 0
	var known []string
	for _, f := range forms {
		if some != nil && !slices.Contains(some, f.form) {
			continue
		}
		if strings.HasSuffix(name, f.ending) && len(f.ending) > longest {
			form, longest = f.form, len(f.ending)
		}
		known = append(known, f.ending)
	}
	if longest > 0 {
		return form, nil
	}
	ending := filepath.Ext(path)
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

// write writes what a form has made of a summary.
func write(w io.Writer, what string, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// oneOf lists names as "a, b or c".
func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

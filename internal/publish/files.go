package publish

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/regsweep/regsweep/internal/report"
)

// File is a report file. It is opened before anything is deleted, so that a path that cannot be written ends the run before
// any deletion.
type File struct {
	path string
	form report.Form
	file *os.File
}

// OpenFiles opens the files of --report, whose names are separated by commas or newlines. formOf selects the format of each
// file. Every error is bad input; after an error, every file still has its content.
func OpenFiles(lists []string, formOf func(path string) (report.Form, error)) ([]File, error) {
	var out []File
	for _, path := range Paths(lists) {
		form, err := formOf(path)
		if err != nil {
			return nil, fmt.Errorf("--report: %w", err)
		}
		out = append(out, File{path: path, form: form})
	}
	for i := range out { // only now, so that a mistake in one does not empty another
		f, err := os.OpenFile(out[i].path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return nil, fmt.Errorf("--report: %w", err)
		}
		out[i].file = f
	}
	return out, nil
}

// write writes the file with the content that text returns.
func (f File) write(text func(io.Writer) error) error {
	err := text(f.file)
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("--report: %s: %w", f.path, err)
	}
	return nil
}

// Paths splits lists of files at commas and newlines.
func Paths(lists []string) []string {
	var out []string
	for _, path := range strings.FieldsFunc(strings.Join(lists, "\n"), func(r rune) bool { return r == '\n' || r == ',' }) {
		if path = strings.TrimSpace(path); path != "" {
			out = append(out, path)
		}
	}
	return out
}

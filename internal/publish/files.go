package publish

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/regsweep/regsweep/internal/report"
)

// File is a report file, or a folder with the files of a report. It is opened before anything is deleted, so that a path
// that cannot be written ends the run before any deletion.
type File struct {
	path  string
	form  report.Form
	file  *os.File
	style *os.File // of a folder; nil otherwise
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
		if err := out[i].open(); err != nil {
			return nil, fmt.Errorf("--report: %w", err)
		}
	}
	return out, nil
}

// open creates what is to be written.
func (f *File) open() error {
	if f.form != report.FormFolder {
		var err error
		f.file, err = create(f.path)
		return err
	}
	err := os.MkdirAll(filepath.Clean(f.path), 0o755)
	if err == nil {
		f.style, err = create(filepath.Join(f.path, report.StyleFile))
	}
	if err == nil {
		f.file, err = create(filepath.Join(f.path, report.PageFile))
	}
	return err
}

func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
}

// write writes the file with the content that text returns.
func (f File) write(text func(io.Writer) error) error {
	err := written(f.file, text)
	if f.style != nil {
		err = cmp.Or(err, written(f.style, func(w io.Writer) error {
			_, err := io.WriteString(w, report.StyleSheet())
			return err
		}))
	}
	if err != nil {
		return fmt.Errorf("--report: %s: %w", f.path, err)
	}
	return nil
}

// written writes a file and closes it.
func written(f *os.File, text func(io.Writer) error) error {
	err := text(f)
	return cmp.Or(err, f.Close())
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

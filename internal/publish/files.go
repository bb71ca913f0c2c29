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
	path string
	form report.Form
	file *os.File // of a folder, its page
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
	// A mistake in one does not empty another: all are open before the first is emptied.
	for _, prepare := range []func(*File) error{(*File).open, (*File).empty} {
		for i := range out {
			if err := prepare(&out[i]); err != nil {
				closeAll(out)
				return nil, fmt.Errorf("--report: %w", err)
			}
		}
	}
	return out, nil
}

func closeAll(files []File) {
	for _, f := range files {
		if f.file != nil {
			_ = f.file.Close() // nothing was written to it
		}
	}
}

// open opens what is to be written, and creates it if it is not there. A file keeps its content.
func (f *File) open() error {
	path := f.path
	if f.form == report.FormFolder {
		if err := os.MkdirAll(filepath.Clean(f.path), 0o755); err != nil {
			return err
		}
		if err := probe(f.path); err != nil {
			return err
		}
		path = filepath.Join(f.path, report.PageFile)
	}
	var err error
	f.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	return err
}

// empty removes the report of an earlier run, so that nobody takes it for the report of this one. A pipe or a device has no
// earlier report.
func (f *File) empty() error {
	info, err := f.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return f.file.Truncate(0)
}

// probe fails where no file can be made in a folder, whose files have names that are not known yet.
func probe(dir string) error {
	file, err := os.CreateTemp(dir, ".regsweep-")
	if err != nil {
		return err
	}
	return cmp.Or(file.Close(), os.Remove(file.Name()))
}

func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
}

// write writes the file with the content that text returns, or the folder with the files that all returns.
func (f File) write(text func(io.Writer) error, all func() ([]report.FolderFile, error)) error {
	var err error
	if f.form == report.FormFolder {
		err = f.writeFolder(all)
	} else {
		err = written(f.file, text)
	}
	if err != nil {
		return fmt.Errorf("--report: %s: %w", f.path, err)
	}
	return nil
}

// writeFolder writes the files of a folder, the page last. Files of an earlier run that this one does not have stay, and
// nothing refers to them.
func (f File) writeFolder(all func() ([]report.FolderFile, error)) error {
	files, err := all()
	if err != nil {
		return cmp.Or(err, f.file.Close())
	}
	for _, one := range files {
		to := f.file
		if one.Name != report.PageFile {
			if to, err = create(filepath.Join(f.path, one.Name)); err != nil {
				return cmp.Or(err, f.file.Close())
			}
		}
		err := written(to, func(w io.Writer) error {
			_, err := w.Write(one.Content)
			return err
		})
		if err != nil {
			return err
		}
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

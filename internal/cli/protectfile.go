package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/publish"
)

// readInUse reads the files of --protect-file, which are separated by commas or newlines; "-" is standard input.
func readInUse(given []string, stdin io.Reader) ([]inuse.Text, error) {
	files := publish.Paths(given)
	if len(given) > 0 && len(files) == 0 { // the variable that should name the file is empty
		return nil, errors.New("--protect-file names no file")
	}
	var out []inuse.Text
	for _, path := range files {
		source := path
		if path == "-" {
			source = "standard input"
			if stdin == nil {
				return nil, errors.New("--protect-file: standard input can be read only once")
			}
		}
		text, err := readLimited(path, stdin, inuse.MaxSize)
		if err != nil {
			return nil, fmt.Errorf("--protect-file: %w", err) // names the file
		}
		u, err := inuse.Parse(source, text)
		if err != nil {
			return nil, fmt.Errorf("--protect-file: %s: %w", source, err)
		}
		out = append(out, u)
		if path == "-" {
			stdin = nil
		}
	}
	return out, nil
}

// readsStdin reports whether --protect-file reads standard input.
func (c *pruneCommand) readsStdin() bool { return slices.Contains(publish.Paths(c.ProtectFile), "-") }

// readLimited reads a file, or standard input, up to one byte more than its text may have.
func readLimited(path string, stdin io.Reader, most int64) (string, error) {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer file.Close()
		in = file
	}
	var text strings.Builder
	_, err := io.Copy(&text, io.LimitReader(in, most+1))
	return text.String(), err
}

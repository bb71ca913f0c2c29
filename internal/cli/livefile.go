package cli

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/regsweep/regsweep/internal/live"
)

// liveReader returns a function that reads the files of --live; "-" is standard input, and taken says that another flag
// reads it. Each file is read once, whatever number of policies name it. A file that cannot be read or used is a
// [live.ErrUnusable]: which branches exist is then not known, and the run is refused.
func liveReader(stdin io.Reader, taken bool, now func() time.Time) func(files []string) (live.Refs, error) {
	known := map[string]live.Refs{}
	read := func(path string) (live.Refs, error) {
		source := path
		if path == "-" {
			source = "standard input"
			if taken || stdin == nil {
				return live.Refs{}, errors.New("--live: standard input can be read only once")
			}
		}
		text, err := readLimited(path, stdin, live.MaxSize)
		if err != nil {
			return live.Refs{}, live.Unusable("refused: --live: %v", err) // names the file
		}
		refs, err := live.Parse(source, text)
		if err != nil {
			return live.Refs{}, live.Unusable("refused: --live %s: %v", source, err)
		}
		return refs.WrittenAt(changed(path, now)), nil
	}
	return func(files []string) (live.Refs, error) {
		var out live.Refs
		for _, path := range files {
			refs, ok := known[path]
			if !ok {
				var err error
				if refs, err = read(path); err != nil {
					return live.Refs{}, err
				}
				known[path] = refs
			}
			if out.IsZero() {
				out = refs
			} else {
				out = out.With(refs)
			}
		}
		return out, nil
	}
}

// changed returns when a file was changed, which is now for standard input; zero when that is not known.
func changed(path string, now func() time.Time) time.Time {
	if path == "-" {
		return now()
	}
	info, err := os.Stat(path)
	if err != nil { // it is gone since it was read
		return time.Time{}
	}
	return info.ModTime()
}

package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regsweep/regsweep/internal/oci"
)

// Look reports whether a folder of state is there, and whether it can be written to, or made where it is not there. It
// leaves nothing behind. An error is why [Open] would fail.
func Look(path string) (exists bool, err error) {
	at := path
	for {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			return at == path, fmt.Errorf("%s is not a folder", at)
		}
		if err == nil {
			break
		}
		parent := filepath.Dir(at)
		if !errors.Is(err, fs.ErrNotExist) || parent == at {
			return false, err
		}
		at = parent
	}
	probe, err := os.MkdirTemp(at, ".probe-")
	if err != nil {
		return at == path, err
	}
	return at == path, os.Remove(probe)
}

// Unfinished returns the manifests of a repository whose deletion earlier runs have begun and not finished. It reads all
// journals of the repository in the folder without locking them, so those of runs that still work are among them. An error
// is about a journal that cannot be understood.
func Unfinished(path string, name oci.Repository) ([]oci.Digest, error) {
	var out []oci.Digest
	for n := range maxJournals {
		file := Dir{path}.journal(name, n)
		content, err := readJournal(file, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		out = append(out, content.Digests...)
	}
	return out, nil
}

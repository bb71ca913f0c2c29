// Package state keeps what one run leaves for the next one in files: which deletions it has begun, and what it has
// read. Nothing here decides what is deleted, and nothing is lost with it but time, except by a run that is killed
// between the tags and the digests of its images.
package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// Dir is a folder of state. Several runs may use it at the same time.
type Dir struct{ path string }

// Open returns the state in a folder, which is made when it is not there, and proves that it can be written to. It is
// for its owner alone: the names of repositories are nobody else's business.
func Open(path string) (Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return Dir{}, err
	}
	probe, err := os.CreateTemp(path, ".probe-")
	if err != nil {
		return Dir{}, err
	}
	_ = probe.Close()
	return Dir{path}, os.Remove(probe.Name())
}

// file names the file of a repository. Its name is readable as far as file systems allow and its hash makes it unique:
// repositories can differ in what a file name cannot hold.
func (d Dir) file(kind string, name oci.Repository, ending string) string {
	sum := sha256.Sum256([]byte(name.String()))
	readable := strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' {
			return r
		}
		return '_'
	}, strings.ToLower(name.String()))
	return filepath.Join(d.path, kind, fmt.Sprintf("%.80s-%s%s", readable, hex.EncodeToString(sum[:8]), ending))
}

// replace writes a file so that a reader, and whoever comes after a crash, finds either the old content or the new.
func replace(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// syncFolder makes a new name in a folder last. Some systems cannot, and then it is as safe as they are.
func syncFolder(path string) {
	if f, err := os.Open(path); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

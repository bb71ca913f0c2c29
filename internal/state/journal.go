package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/regsweep/regsweep/internal/oci"
)

// journalVersion is the version of the journal's form. A file of another one is left alone.
const journalVersion = 1

// ErrBusy is returned for a repository whose journal another process holds.
var ErrBusy = errors.New("another run is working on the repository")

// Journal is the list of the manifests of one repository whose deletion has begun. Once the tags of an image are
// removed it is in no listing: without the list, a run that is killed there would leave it behind for good. A Journal
// belongs to one process at a time.
type Journal struct {
	name oci.Repository
	path string
	lock *flock.Flock
	left []oci.Digest
}

// journalFile is the form of the file.
type journalFile struct {
	Version    int          `json:"version"`
	Repository string       `json:"repository"`
	Digests    []oci.Digest `json:"digests"`
	Sum        string       `json:"sum"` // of the digests: one wrong digit would lose a manifest for good
}

func sumOf(digests []oci.Digest) string {
	h := sha256.New()
	for _, d := range digests {
		fmt.Fprintln(h, d) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Journal opens the journal of a repository and locks it. It returns ErrBusy when another process has it, and an error
// when what lies there cannot be understood: it may name deletions that somebody has to finish.
func (d Dir) Journal(name oci.Repository) (*Journal, error) {
	path := d.file("journal", name, ".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	j := &Journal{name: name, path: path, lock: flock.New(path + ".lock")}
	switch locked, err := j.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	case !locked:
		return nil, ErrBusy
	}
	left, err := readJournal(path, name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), j.Close())
	}
	j.left = left
	return j, nil
}

func readJournal(path string, name oci.Repository) ([]oci.Digest, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var f journalFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("it is not a journal: %w", err)
	}
	if f.Version != journalVersion {
		return nil, fmt.Errorf("it is of version %d and this program writes version %d", f.Version, journalVersion)
	}
	if len(f.Digests) == 0 || f.Sum != sumOf(f.Digests) {
		return nil, errors.New("it is damaged")
	}
	if f.Repository != name.String() {
		return nil, fmt.Errorf("it is about %s", f.Repository)
	}
	for _, d := range f.Digests {
		if err := d.Validate(); err != nil {
			return nil, fmt.Errorf("it lists %q: %w", d, err)
		}
	}
	return f.Digests, nil
}

// Left returns the manifests whose deletion an earlier run has begun and not finished.
func (j *Journal) Left() []oci.Digest { return j.left }

// Write replaces the list. It has reached the disk when Write returns. An empty list removes the file.
func (j *Journal) Write(digests []oci.Digest) error {
	if len(digests) == 0 {
		if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.MarshalIndent(journalFile{journalVersion, j.name.String(), digests, sumOf(digests)}, "", " ")
	if err != nil {
		return err
	}
	return replace(j.path, append(text, '\n'))
}

// Close lets other processes have the journal. What it lists stays. The lock's own file stays too: removing it could
// hand the lock to two processes at once.
func (j *Journal) Close() error { return j.lock.Close() }

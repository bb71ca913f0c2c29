package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"

	"github.com/regsweep/regsweep/internal/oci"
)

// journalVersion is the version of the journal's form. A file of another one is left alone.
const journalVersion = 1

// ErrBusy is returned for a repository of which other processes hold all journals.
var ErrBusy = errors.New("another run is working on the repository")

// Journal is the list of the manifests of one repository whose deletion has begun. Once the tags of an image are
// removed it is in no listing: without the list, a run that is killed there would leave it behind for good. A Journal
// belongs to one process at a time. A run that comes while another one works writes one of its own, and whoever comes
// after both takes over what each has left.
type Journal struct {
	name   oci.Repository
	path   string
	lock   *flock.Flock
	second bool
	over   []*Journal // those of other runs that have ended, which this one takes over
	left   []oci.Digest
	tags   map[string]oci.Digest
}

// maxJournals is how many runs may work on a repository at the same time and have a journal each.
const maxJournals = 8

// journalFile is the form of the file.
type journalFile struct {
	Version    int          `json:"version"`
	Repository string       `json:"repository"`
	Digests    []oci.Digest `json:"digests"`
	// Tags are those that the manifests had. They say which tags without an image are a deletion's own leftovers.
	Tags map[string]oci.Digest `json:"tags,omitempty"`
	Sum  string                `json:"sum"` // of the digests: one wrong digit would lose a manifest for good
}

func sumOf(digests []oci.Digest) string {
	h := sha256.New()
	for _, d := range digests {
		fmt.Fprintln(h, d) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Journal opens the journal of a repository, or one more when another process has it, and locks it. It returns ErrBusy
// when there are too many, and an error when what lies there cannot be understood: it may name deletions that somebody
// has to finish.
func (d Dir) Journal(name oci.Repository) (*Journal, error) {
	var own *Journal
	for n := range maxJournals {
		path := d.journal(name, n)
		if _, err := os.Stat(path); own != nil && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		j, err := openJournal(path, name)
		switch {
		case errors.Is(err, ErrBusy):
		case err != nil && own != nil:
			return nil, errors.Join(err, own.Close())
		case err != nil:
			return nil, err
		case own == nil:
			own, j.second = j, n > 0
		default:
			own.takeOver(j)
		}
	}
	if own == nil {
		return nil, ErrBusy
	}
	return own, nil
}

// journal names the file of the nth journal of a repository, counted from 0.
func (d Dir) journal(name oci.Repository, n int) string {
	if n == 0 {
		return d.file("journal", name, ".json")
	}
	return d.file("journal", name, fmt.Sprintf(".%d.json", n+1))
}

// openJournal locks and reads one file.
func openJournal(path string, name oci.Repository) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	j := &Journal{name: name, path: path, lock: flock.New(path + ".lock"), tags: map[string]oci.Digest{}}
	switch locked, err := j.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	case !locked:
		return nil, ErrBusy
	}
	file, err := readJournal(path, name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), j.Close())
	}
	j.left = file.Digests
	maps.Copy(j.tags, file.Tags)
	return j, nil
}

// takeOver adds what the journal of a run that has ended lists. Its file stays until the list is written again.
func (j *Journal) takeOver(other *Journal) {
	j.over = append(j.over, other)
	j.left = slices.Compact(slices.Sorted(slices.Values(slices.Concat(j.left, other.left))))
	maps.Copy(j.tags, other.tags)
}

// Second reports whether another process held the first journal of the repository: it is working on it.
func (j *Journal) Second() bool { return j.second }

func readJournal(path string, name oci.Repository) (journalFile, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return journalFile{}, nil
	}
	if err != nil {
		return journalFile{}, err
	}
	var f journalFile
	if err := json.Unmarshal(text, &f); err != nil {
		return journalFile{}, fmt.Errorf("it is not a journal: %w", err)
	}
	if f.Version != journalVersion {
		return journalFile{}, fmt.Errorf("it is of version %d and this program writes version %d", f.Version, journalVersion)
	}
	if len(f.Digests) == 0 || f.Sum != sumOf(f.Digests) {
		return journalFile{}, errors.New("it is damaged")
	}
	if f.Repository != name.String() {
		return journalFile{}, fmt.Errorf("it is about %s", f.Repository)
	}
	for _, d := range f.Digests {
		if err := d.Validate(); err != nil {
			return journalFile{}, fmt.Errorf("it lists %q: %w", d, err)
		}
	}
	return f, nil
}

// Left returns the manifests whose deletion an earlier run has begun and not finished.
func (j *Journal) Left() []oci.Digest { return j.left }

// Begun returns the tags of those manifests, and what they pointed at when the earlier run began.
func (j *Journal) Begun() map[string]oci.Digest { return j.tags }

// Write replaces the list, with what was taken over, by manifests with their tags, including the removed ones. It has reached the disk when Write
// returns. An empty list removes the file.
func (j *Journal) Write(begun []oci.Image) error {
	if err := j.write(begun); err != nil {
		return err
	}
	for _, o := range j.over {
		if err := o.write(nil); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) write(begun []oci.Image) error {
	if len(begun) == 0 {
		if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	digests, tags := make([]oci.Digest, len(begun)), map[string]oci.Digest{}
	for n, i := range begun {
		digests[n] = i.Digest
		for _, t := range slices.Concat(i.Tags, i.Removed) {
			tags[t] = i.Digest
		}
	}
	text, err := json.MarshalIndent(journalFile{journalVersion, j.name.String(), digests, tags, sumOf(digests)}, "", " ")
	if err != nil {
		return err
	}
	return replace(j.path, append(text, '\n'))
}

// Close lets other processes have the journal. What it lists stays. The lock's own file stays too: removing it could
// hand the lock to two processes at once.
func (j *Journal) Close() error {
	err := j.lock.Close()
	for _, o := range j.over {
		err = errors.Join(err, o.Close())
	}
	return err
}

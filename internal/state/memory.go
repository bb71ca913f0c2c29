package state

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

const (
	// maxMemory bounds what is remembered of one repository, in bytes: about 100,000 images. A repository of which
	// there is more to know is read again by each run.
	maxMemory = 64 << 20
	// maxMemories bounds the folder, in bytes. What was not used for longest goes first.
	maxMemories = 512 << 20
)

// Memory is what earlier runs have read of repositories.
type Memory struct{ Dir Dir }

// Load returns what was saved for a repository, nil when there is nothing. A file that is damaged in any way is
// nothing: it is only there to save time.
func (m Memory) Load(name oci.Repository) []byte {
	path := m.Dir.file("cache", name, ".bin")
	text, err := os.ReadFile(path)
	if err != nil || len(text) < sha256.Size {
		return nil
	}
	sum, content := text[:sha256.Size], text[sha256.Size:]
	if actual := sha256.Sum256(content); !bytes.Equal(sum, actual[:]) {
		return nil
	}
	_ = os.Chtimes(path, time.Time{}, time.Now()) // in use; it only costs time when it goes first
	return content
}

// Save remembers the content for a repository. Of several runs that save at the same time one wins.
func (m Memory) Save(name oci.Repository, content []byte) error {
	path := m.Dir.file("cache", name, ".bin")
	if len(content) > maxMemory {
		content = nil
	}
	sum := sha256.Sum256(content)
	if err := replace(path, append(sum[:], content...)); err != nil {
		return fmt.Errorf("remember what was read: %w", err)
	}
	return m.bound(filepath.Dir(path), maxMemories)
}

// bound removes files, the oldest first, until the folder holds no more than most bytes.
func (m Memory) bound(dir string, most int64) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	var sum int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else another run has removed it
			files = append(files, info)
			sum += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range files {
		if sum <= most {
			return nil
		}
		if os.Remove(filepath.Join(dir, f.Name())) == nil {
			sum -= f.Size()
		}
	}
	return nil
}

package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

func repository(path string) oci.Repository {
	return oci.Repository{Host: "h.example:5000", Path: path}
}

func memoryIn(t *testing.T) Memory {
	t.Helper()
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return Memory{d}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	m := memoryIn(t)
	if got := m.Load(repository("a")); got != nil {
		t.Errorf("nothing was saved and %q is there", got)
	}
	// Names that differ only in what a file name cannot hold are not the same repository.
	for _, path := range []string{"a/b", "a_b", "A/b", "a/B", strings.Repeat("x", 200) + "1", strings.Repeat("x", 200) + "2"} {
		if err := m.Save(repository(path), []byte(path)); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if got := string(m.Load(repository(path))); got != path {
				t.Errorf("%s: loaded %q", path, got)
			}
		}()
	}
	if err := m.Save(repository("big"), make([]byte, maxMemory+1)); err != nil || len(m.Load(repository("big"))) != 0 {
		t.Errorf("too much to remember: %v, %d bytes", err, len(m.Load(repository("big"))))
	}
}

// A damaged file is nothing.
func TestDamagedMemory(t *testing.T) {
	t.Parallel()
	m := memoryIn(t)
	if err := m.Save(repository("a"), []byte("what was read")); err != nil {
		t.Fatal(err)
	}
	file := m.Dir.file("cache", repository("a"), ".bin")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(what string, content []byte) {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := m.Load(repository("a")); got != nil {
			t.Errorf("%s: loaded %q", what, got)
		}
	}
	for n := range whole {
		damaged(fmt.Sprintf("cut at %d", n), whole[:n])
		flipped := bytes.Clone(whole)
		flipped[n] ^= 4
		damaged(fmt.Sprintf("byte %d", n), flipped)
	}
	damaged("longer", append(bytes.Clone(whole), 0))
}

func TestParallelWriters(t *testing.T) {
	t.Parallel()
	m := memoryIn(t)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 20 {
				content := bytes.Repeat([]byte{byte(n)}, 4096)
				err := m.Save(repository("a"), content)
				// Windows does not replace a file that somebody reads: the next run reads the registry again.
				if err != nil && !(runtime.GOOS == "windows" && errors.Is(err, fs.ErrPermission)) {
					t.Error(err)
				}
				if got := m.Load(repository("a")); len(got) != 4096 || bytes.Count(got, got[:1]) != 4096 {
					t.Errorf("loaded %d bytes that nobody saved", len(got))
				}
			}
		})
	}
	wg.Wait()
	files, err := os.ReadDir(filepath.Join(m.Dir.path, "cache"))
	if err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

// What was not used for longest goes first.
func TestBound(t *testing.T) {
	t.Parallel()
	m := memoryIn(t)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := range 5 {
		r := repository(fmt.Sprint(n))
		if err := m.Save(r, make([]byte, 100-32)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(m.Dir.file("cache", r, ".bin"), day, day.AddDate(0, 0, n)); err != nil {
			t.Fatal(err)
		}
	}
	m.Load(repository("0")) // in use
	if err := m.bound(filepath.Join(m.Dir.path, "cache"), 250); err != nil {
		t.Fatal(err)
	}
	for n, want := range []bool{true, false, false, false, true} {
		if got := m.Load(repository(fmt.Sprint(n))) != nil; got != want {
			t.Errorf("%d is there: %v, want %v", n, got, want)
		}
	}
}

package state

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// A look leaves the folder as it is, and finds what Open would fail with.
func TestLook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct{ exists, fails bool }{
		dir: {true, false}, filepath.Join(dir, "a", "b"): {false, false}, file: {true, true}, filepath.Join(file, "a"): {false, true},
	} {
		exists, err := Look(path)
		if exists != want.exists || (err != nil) != want.fails {
			t.Errorf("%s: got %t, %v", path, exists, err)
		}
		if _, err := Open(path); want.fails && err == nil {
			t.Errorf("%s can be opened", path)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

// All journals of a repository count, those of runs that still work as well.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, name := Dir{dir}, oci.Repository{Host: "registry.example.com", Path: "team/app"}
	if got, err := Unfinished(dir, name); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	for range 2 {
		j, err := d.Journal(name)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		if err := j.Write([]oci.Image{{Digest: oci.Digest("sha256:" + strings.Repeat("1", 64))}}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Unfinished(dir, name); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := os.WriteFile(d.journal(name, 1), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Unfinished(dir, name); err == nil {
		t.Error("a broken journal is none")
	}
}

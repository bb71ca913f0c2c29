package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/state"
)

// holder makes this test binary hold a journal until its standard input ends.
const holder = "REGSWEEP_TEST_HOLD_JOURNAL_IN"

func TestMain(m *testing.M) {
	dir := os.Getenv(holder)
	if dir == "" {
		os.Exit(m.Run())
	}
	d, err := state.Open(dir)
	if err == nil {
		_, err = d.Journal(name("team/app"))
	}
	fmt.Println(err)
	_, _ = os.Stdin.Read(make([]byte, 1))
	os.Exit(0)
}

func name(path string) oci.Repository {
	return oci.Repository{Host: "registry.example.com:5000", Path: path}
}

func digests(n int) []oci.Digest {
	var out []oci.Digest
	for i := range n {
		out = append(out, oci.Digest(fmt.Sprintf("sha256:%064x", i+1)))
	}
	return out
}

func open(t *testing.T) (state.Dir, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

// written opens a journal, writes a list, closes it, and returns its file.
func written(t *testing.T, d state.Dir, dir string, list []oci.Digest) string {
	t.Helper()
	j, err := d.Journal(name("team/app"))
	if err != nil {
		t.Fatal(err)
	}
	var begun []oci.Image
	for n, d := range list {
		begun = append(begun, oci.Image{Digest: d, Tags: []string{fmt.Sprint("b", n)}})
	}
	if err := errors.Join(j.Write(begun), j.Close()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "journal", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v; want one file", files, err)
	}
	return files[0]
}

func TestJournal(t *testing.T) {
	t.Parallel()
	d, dir := open(t)
	file := written(t, d, dir, digests(3))
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // whose modes say nothing of who may read
		t.Errorf("the journal is open to others: %v", info.Mode())
	}
	j, err := d.Journal(name("team/app"))
	if err != nil || !slices.Equal(j.Left(), digests(3)) {
		t.Fatalf("left %v, %v", j.Left(), err)
	}
	if err := errors.Join(j.Write(nil), j.Write(nil), j.Close()); err != nil {
		t.Errorf("an empty list, twice: %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a finished journal is still there: %v", err)
	}
	other, err := d.Journal(name("team/other"))
	if err != nil || len(other.Left()) != 0 {
		t.Errorf("another repository: %v, %v", other.Left(), err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

// The tags that an earlier run has removed stay in the journal, with those that are still there.
func TestJournalOfRemovedTags(t *testing.T) {
	t.Parallel()
	d, _ := open(t)
	j, err := d.Journal(name("team/app"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Write([]oci.Image{{Digest: digests(1)[0], Tags: []string{"b1"}, Removed: []string{"b2"}}}), j.Close()); err != nil {
		t.Fatal(err)
	}
	if j, err = d.Journal(name("team/app")); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if begun := j.Begun(); begun["b1"] != digests(1)[0] || begun["b2"] != digests(1)[0] {
		t.Errorf("got %v", begun)
	}
}

// A journal that is not understood is an error and stays as it is.
func TestForeignJournal(t *testing.T) {
	t.Parallel()
	for what, edit := range map[string]func([]byte) []byte{
		"of another version":      func(b []byte) []byte { return bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 2`), 1) },
		"of another repository":   func(b []byte) []byte { return bytes.Replace(b, []byte("team/app"), []byte("team/own"), 1) },
		"that ends in the middle": func(b []byte) []byte { return b[:len(b)/2] },
		"that is empty":           func([]byte) []byte { return nil },
		"that is no JSON":         func([]byte) []byte { return []byte("sha256:1") },
		"that lists nothing":      func([]byte) []byte { return []byte(`{"version":1,"repository":"registry.example.com:5000/team/app"}`) },
		"with something behind":   func(b []byte) []byte { return append(b, b...) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d, dir := open(t)
			file := written(t, d, dir, digests(2))
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			foreign := edit(text)
			if err := os.WriteFile(file, foreign, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the lock of the first try is free again
				if j, err := d.Journal(name("team/app")); err == nil || errors.Is(err, state.ErrBusy) || j != nil {
					t.Errorf("got %v, %v; want an error that is not about another run", j, err)
				}
			}
			if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, foreign) {
				t.Errorf("it was changed: %q, %v", now, err)
			}
		})
	}
}

// No flipped bit makes a journal list other digests than were written.
func TestDamagedJournal(t *testing.T) {
	t.Parallel()
	d, dir := open(t)
	want := digests(2)
	file := written(t, d, dir, want)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(text) {
		damaged := bytes.Clone(text)
		damaged[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := d.Journal(name("team/app"))
		if err != nil {
			continue
		}
		if !slices.Equal(j.Left(), want) {
			t.Errorf("bit %d: lists %v", bit, j.Left())
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBusyJournal(t *testing.T) {
	t.Parallel()
	d, dir := open(t)
	file := written(t, d, dir, digests(1))
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), holder+"="+dir)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("<nil>\n"))
	if _, err := out.Read(line); err != nil || !strings.HasPrefix(string(line), "<nil>") {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	second, err := d.Journal(name("team/app"))
	if err != nil || !second.Second() || len(second.Left()) != 0 {
		t.Fatalf("held by another process: got %+v, %v; want an empty journal of its own", second, err)
	}
	if err := second.Write([]oci.Image{{Digest: digests(2)[1], Tags: []string{"b2"}}}); err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	elsewhere, err := d.Journal(name("team/other"))
	if err != nil {
		t.Errorf("another repository: %v", err)
	} else if err := elsewhere.Close(); err != nil {
		t.Error(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	j, err := d.Journal(name("team/app")) // a process that ends, however it ends, holds nothing
	if err != nil || j.Second() || !slices.Equal(j.Left(), digests(2)) || j.Begun()["b2"] != digests(2)[1] {
		t.Fatalf("after both have ended: %+v, %v; want what both have left", j, err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil { // without a list of its own it has taken nothing over
		t.Error(err)
	}
	for _, want := range []int{2, 0} {
		if j, err = d.Journal(name("team/app")); err != nil || len(j.Left()) != want {
			t.Fatalf("%+v, %v; want %d digests", j, err, want)
		}
		if err := errors.Join(j.Write(nil), j.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// So many runs at once have no journal.
func TestTooManyJournals(t *testing.T) {
	t.Parallel()
	d, _ := open(t)
	for n := range 9 {
		j, err := d.Journal(name("team/app"))
		if n == 8 {
			if !errors.Is(err, state.ErrBusy) {
				t.Errorf("got %v", err)
			}
			break
		}
		if err != nil || j.Second() != (n > 0) {
			t.Fatalf("%d: %+v, %v", n, j, err)
		}
		defer j.Close()
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} { // the superuser writes anywhere else
		if _, err := state.Open(dir); err == nil {
			t.Errorf("%s is taken for a folder", dir)
		}
	}
}

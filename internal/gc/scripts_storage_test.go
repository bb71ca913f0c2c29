//go:build unix

package gc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// shells are the shells that the scripts are written for, each with the programs that usually come with it. Two of the
// storages have names that no shell text survives.
func shells(t *testing.T, f func(t *testing.T, s *storage)) {
	t.Helper()
	for _, name := range []string{"dash", "busybox"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := exec.LookPath(name)
			if err != nil {
				if os.Getenv("REGSWEEP_CI") == "1" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			bin := t.TempDir()
			if err := os.Symlink(file, filepath.Join(bin, "sh")); err != nil {
				t.Fatal(err)
			}
			path := bin + ":/usr/bin:/bin"
			if name == "busybox" {
				if text, err := exec.Command(file, "--install", "-s", bin).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, text)
				}
				path = bin
			}
			f(t, newStorage(t, path))
		})
	}
}

// storage is a registry's storage that was made by hand, in a folder whose name no text of a shell survives.
type storage struct {
	t    *testing.T
	run  *run
	repo string // the folder of team/app
}

const app = "team/app"

func newStorage(t *testing.T, path string) *storage {
	t.Helper()
	root := filepath.Join(t.TempDir(), `a storage's "$HOME" * \ `)
	target := &Target{text: "local:", host: &shellHost{via: localMachine{}}, env: []string{"PATH=" + path}, exec: runProcess}
	r := &run{target: target, o: Options{Timeout: stepTimeout, Say: func(string) {}}}
	r.site.root, r.res.Lock = root, filepath.Join(root, lockName)
	s := &storage{t, r, filepath.Join(root, "docker/registry/v2/repositories", app)}
	s.must(os.MkdirAll(r.res.Lock, 0o700))
	s.must(os.MkdirAll(filepath.Join(s.repo, "_layers/sha256"), 0o700))
	return s
}

func (s *storage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// sum is the digest of the nth manifest.
func sum(n int) oci.Digest { return oci.Digest(fmt.Sprintf("sha256:%064x", n)) }

func hexOf(d oci.Digest) string { return strings.TrimPrefix(d.String(), "sha256:") }

func (s *storage) write(content, name string) {
	s.t.Helper()
	file := filepath.Join(s.repo, "_manifests", name)
	s.must(os.MkdirAll(filepath.Dir(file), 0o700))
	s.must(os.WriteFile(file, []byte(content), 0o600))
}

// push writes what the registry writes for the nth manifest and its tags.
func (s *storage) push(n int, tags ...string) {
	s.t.Helper()
	d := sum(n)
	s.write(d.String(), "revisions/sha256/"+hexOf(d)+"/link")
	for _, tag := range tags {
		s.write(d.String(), "tags/"+tag+"/current/link")
		s.write(d.String(), "tags/"+tag+"/index/sha256/"+hexOf(d)+"/link")
	}
}

// read reads the one repository.
func (s *storage) read(first bool) (out Stored, err error) {
	s.t.Helper()
	err = s.run.readStored(s.t.Context(), []string{app}, first, func(r Stored) { out = r })
	return out, err
}

func (s *storage) want(got Stored, tags map[string]oci.Digest, manifests ...int) {
	s.t.Helper()
	if got.Odd != "" || len(got.Tags) != len(tags) || len(got.Manifests) != len(manifests) {
		s.t.Errorf("got %+v, want %v, %v", got, tags, manifests)
	}
	for t, d := range tags {
		if got.Tags[t] != d {
			s.t.Errorf("tag %s points at %q, want %q", t, got.Tags[t], d)
		}
	}
	for _, n := range manifests {
		if !got.Manifests[sum(n)] {
			s.t.Errorf("manifest %d is not there", n)
		}
	}
}

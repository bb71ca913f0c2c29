//go:build unix

package gc

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// The tags and manifests of a storage are read as the registry has written them, and what is pushed after the mark is told.
func TestStoredScript(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		s.push(1, "v1", "latest")
		s.push(2, "_v.2-x")
		s.push(3)
		s.must(os.MkdirAll(filepath.Join(s.repo, "_manifests/tags/half/index/sha256"), 0o700))
		s.must(os.MkdirAll(filepath.Join(s.repo, "_manifests/revisions/sha256", hexOf(sum(9))), 0o700)) // deleted by digest
		tags := map[string]oci.Digest{"v1": sum(1), "latest": sum(1), "_v.2-x": sum(2), "half": ""}
		got, err := s.read(true)
		s.must(err)
		s.want(got, tags, 1, 2, 3)
		s.push(2)
		s.push(4, "v4")
		got, err = s.read(false)
		s.must(err)
		tags["v4"] = sum(4)
		s.want(got, tags, 1, 2, 3, 4)
		slices.Sort(got.Rewritten)
		if !slices.Equal(got.Rewritten, []oci.Digest{sum(2), sum(4)}) {
			t.Errorf("got %q as pushed again", got.Rewritten)
		}
	})
}

// What the registry does not write makes a repository odd, and nothing in it is removed.
func TestStoredScriptRefusesOtherLayouts(t *testing.T) {
	t.Parallel()
	foreign := map[string]func(s *storage, dir string){
		"a link that is a file of something else": func(s *storage, _ string) { s.write("see sha256:"+fakeHex[:60], "tags/v1/current/link") },
		"an empty link":                 func(s *storage, _ string) { s.write("", "tags/v1/current/link") },
		"a link to another algorithm":   func(s *storage, _ string) { s.write("sha255:"+fakeHex, "tags/v1/current/link") },
		"a link with capitals":          func(s *storage, _ string) { s.write("sha256:"+strings.Repeat("A", 64), "tags/v1/current/link") },
		"a link with a line more":       func(s *storage, _ string) { s.write(sum(1).String()+"\nx", "tags/v1/current/link") },
		"a revision of another":         func(s *storage, _ string) { s.write(sum(2).String(), "revisions/sha256/"+hexOf(sum(1))+"/link") },
		"a file next to a tag":          func(s *storage, _ string) { s.write("x", "tags/readme") },
		"a file in a tag":               func(s *storage, _ string) { s.write("x", "tags/v1/note") },
		"a hidden folder":               func(s *storage, dir string) { s.must(os.Mkdir(filepath.Join(dir, "tags/.snapshot"), 0o700)) },
		"a tag with a space":            func(s *storage, _ string) { s.write(sum(1).String(), "tags/v1 '/current/link") },
		"a tag with a line feed":        func(s *storage, _ string) { s.write(sum(1).String(), "tags/v1\nend/current/link") },
		"a tag that is not one":         func(s *storage, _ string) { s.write(sum(1).String(), "tags/-v/current/link") },
		"a folder where a link is":      func(s *storage, dir string) { s.must(os.MkdirAll(filepath.Join(dir, "tags/v3/current/link"), 0o700)) },
		"another algorithm":             func(s *storage, dir string) { s.must(os.Mkdir(filepath.Join(dir, "revisions/sha512"), 0o700)) },
		"another folder":                func(s *storage, dir string) { s.must(os.Mkdir(filepath.Join(dir, "trash"), 0o700)) },
		"a revision that is not a hash": func(s *storage, _ string) { s.write(sum(1).String(), "revisions/sha256/x y/link") },
		"a pipe that nobody writes to":  func(s *storage, dir string) { s.must(exec.Command("mkfifo", filepath.Join(dir, "tags/v1/pipe")).Run()) },
		"a tag that is a link": func(s *storage, dir string) {
			s.must(os.Symlink(filepath.Join(dir, "tags/v1"), filepath.Join(dir, "tags/v3")))
		},
		"a link that is a symbolic one": func(s *storage, dir string) {
			s.must(os.Remove(filepath.Join(dir, "tags/v1/current/link")))
			s.must(os.Symlink("../index/sha256/"+hexOf(sum(1))+"/link", filepath.Join(dir, "tags/v1/current/link")))
		},
		"manifests elsewhere": func(s *storage, dir string) {
			s.must(os.Rename(dir, dir+".moved"))
			s.must(os.Symlink(dir+".moved", dir))
		},
		"a repository elsewhere": func(s *storage, _ string) {
			s.must(os.Rename(s.repo, s.repo+".moved"))
			s.must(os.Symlink(s.repo+".moved", s.repo))
		},
		"no repository": func(s *storage, _ string) { s.must(os.RemoveAll(s.repo)) },
	}
	shells(t, func(t *testing.T, s *storage) {
		first := s
		for name, change := range foreign {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStorage(t, strings.TrimPrefix(first.run.target.env[0], "PATH="))
				s.push(1, "v1")
				s.push(2, "v2")
				s.must(os.WriteFile(filepath.Join(s.run.res.Lock, markName), nil, 0o600))
				change(s, filepath.Join(s.repo, "_manifests"))
				got, err := s.read(false)
				if err != nil || got.Odd == "" {
					t.Errorf("got %+v, %v", got, err)
				}
				if strings.ContainsAny(got.Odd, "\n\x1b") {
					t.Errorf("got %q", got.Odd)
				}
			})
		}
	})
}

// A find that fails makes a repository odd, whichever of its two uses it is: nothing is taken for unchanged then.
func TestStoredScriptWithoutFind(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		if strings.HasSuffix(t.Name(), "/busybox") { // which runs its own programs whatever the PATH says
			return
		}
		few := t.TempDir()
		for _, program := range []string{"touch", "sleep", "mkdir", "date", "cat"} {
			file, err := exec.LookPath(program)
			s.must(err)
			s.must(os.Symlink(file, filepath.Join(few, program)))
		}
		shell, _, _ := strings.Cut(strings.TrimPrefix(s.run.target.env[0], "PATH="), ":")
		bare := newStorage(t, shell+":"+few)
		bare.push(1, "v1")
		if got, err := bare.read(true); err != nil || got.Odd != "find is not installed next to the registry" {
			t.Errorf("without find: got %+v, %v", got, err)
		}
		for _, fails := range []string{"*-size*", "*-newer*"} {
			bin := t.TempDir()
			s.must(os.WriteFile(filepath.Join(bin, "find"), []byte("#!/bin/sh\ncase \"$*\" in "+fails+") echo find: cannot >&2; exit 1 ;; esac\nexec /usr/bin/find \"$@\"\n"), 0o700))
			inner := newStorage(t, bin+":"+strings.TrimPrefix(s.run.target.env[0], "PATH="))
			inner.push(1, "v1")
			if got, err := inner.read(true); err != nil || !strings.Contains(got.Odd, "cannot") {
				t.Errorf("%s: got %+v, %v", fails, got, err)
			}
		}
	})
}

// A storage without the mark, with a root that leads elsewhere or without one is an error, as is a path that is not one.
func TestStoredScriptFails(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		s.push(1, "v1")
		if _, err := s.read(false); err == nil {
			t.Error("it was read without the mark")
		}
		for _, path := range []string{"", "../x", "a/../b", "a b", "a//b", "/a", "a\ndone", "A"} {
			if err := s.run.readStored(t.Context(), []string{path}, true, func(Stored) {}); err == nil {
				t.Errorf("%q was read", path)
			}
		}
		docker := filepath.Join(s.run.site.root, "docker")
		s.must(os.Rename(docker, docker+".moved"))
		if _, err := s.read(true); err == nil {
			t.Error("a storage that is not there was read")
		}
		s.must(os.Symlink(docker+".moved", docker))
		if _, err := s.read(true); err == nil {
			t.Error("a storage that is elsewhere was read")
		}
	})
}

// An answer that ends early, or is about something else, is an error.
func TestReadRepositories(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "repository a\n", "repository a\nend\n", "repository a\ntag v1 " + sum(1).String(), "repository a\nend\nd", "tag v1 -\n", "repository a\nrepository b\nend\ndone\n", "end\ndone\n",
	} {
		if err := readRepositories(bufio.NewReader(strings.NewReader(text)), func(Stored) error { return nil }); err == nil {
			t.Errorf("%q was taken for a whole answer", text)
		}
	}
}

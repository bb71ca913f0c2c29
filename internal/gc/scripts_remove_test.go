//go:build unix

package gc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// doomed is an index of tag "i", with a child that has a tag of its own, and an image that is not there any more.
func doomed() *chooser {
	return &chooser{paths: []string{app}, removal: Removal{Tags: []string{"i", "c"}, Levels: [][]oci.Digest{{sum(1), sum(8)}, {sum(2)}}}}
}

// fill pushes what is doomed, and what stays.
func (s *storage) fill() {
	s.push(1, "i")
	s.push(2, "c")
	s.push(3, "stays")
	s.must(os.WriteFile(filepath.Join(s.run.res.Lock, markName), nil, 0o600))
}

// remove removes what a remover chooses.
func (s *storage) remove(c *chooser) (int, error) {
	s.t.Helper()
	s.run.o.Remover = c
	return s.run.remove(s.t.Context())
}

func TestRemoveScript(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		s.fill()
		c := doomed()
		n, err := s.remove(c)
		s.must(err)
		if want := []string{"deleted i", "deleted c", "gone 8", "deleted 1", "deleted 2"}; n != 3 || !slices.Equal(c.removed, want) {
			t.Errorf("got %d, %q", n, c.removed)
		}
		got, err := s.read(false)
		s.must(err)
		s.want(got, map[string]oci.Digest{"stays": sum(3)}, 3)
		removed := s.run.removedFolder()
		if _, err := os.Stat(filepath.Join(removed, "1/i/current/link")); err != nil {
			t.Errorf("what was removed is not where it was moved to: %v", err)
		}
		s.must(s.run.target.onHost(script(tidyScript, removed)).run(t.Context()))
		if _, err := os.Stat(removed); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left, %v", removed, err)
		}
	})
}

// Many tags go in batches, in a number of programs that does not grow with each of them.
func TestRemoveScriptInBatches(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		s.fill()
		c := &chooser{paths: []string{app}}
		var level []oci.Digest
		for i := range 250 {
			tag := fmt.Sprintf("b%d", i)
			s.push(100+i, tag)
			c.removal.Tags, level = append(c.removal.Tags, tag), append(level, sum(100+i))
		}
		c.removal.Levels = [][]oci.Digest{level}
		n, err := s.remove(c)
		s.must(err)
		if n != 250 || len(c.removed) != 500 || slices.ContainsFunc(c.removed, func(r string) bool { return !strings.HasPrefix(r, "deleted ") }) {
			t.Errorf("got %d, %d", n, len(c.removed))
		}
		got, err := s.read(false)
		s.must(err)
		s.want(got, map[string]oci.Digest{"i": sum(1), "c": sum(2), "stays": sum(3)}, 1, 2, 3)
	})
}

// What cannot be removed has failed, and nothing that comes after it in the repository is tried: a child would go without its
// index. A tag that cannot be moved is removed where it is.
func TestRemoveScriptStopsAtAFailure(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		if strings.HasSuffix(t.Name(), "/busybox") { // which runs its own programs whatever the PATH says
			return
		}
		for name, c := range map[string]struct {
			programs string // that stand before those of the system
			want     []string
		}{
			"a tag":      {"mv rm", []string{"failed i", "failed c", "skipped 1", "skipped 8", "skipped 2"}},
			"a manifest": {"rm", []string{"deleted i", "deleted c", "gone 8", "failed 1", "skipped 2"}},
			"no move":    {"mv", []string{"deleted i", "deleted c", "gone 8", "deleted 1", "deleted 2"}},
		} {
			bin := t.TempDir()
			for _, p := range strings.Fields(c.programs) {
				s.must(os.WriteFile(filepath.Join(bin, p), []byte("#!/bin/sh\necho cannot >&2\nexit 1\n"), 0o700))
			}
			inner := newStorage(t, bin+":"+strings.TrimPrefix(s.run.target.env[0], "PATH="))
			inner.fill()
			d := doomed()
			if _, err := inner.remove(d); err != nil || !slices.Equal(d.removed, c.want) {
				t.Errorf("%s: got %q, %v", name, d.removed, err)
			}
			inner.intact()
		}
	})
}

// intact checks what holds after every interruption: a tag is whole or is not there, and nothing lacks a part. It returns what
// is there, as the registry would read it.
func (s *storage) intact() Stored {
	s.t.Helper()
	got := Stored{Tags: map[string]oci.Digest{}, Manifests: map[oci.Digest]bool{}}
	for n := range 10 {
		_, err := os.Stat(filepath.Join(s.repo, "_manifests/revisions/sha256", hexOf(sum(n)), "link"))
		got.Manifests[sum(n)] = err == nil
	}
	tags, err := os.ReadDir(filepath.Join(s.repo, "_manifests/tags"))
	s.must(err)
	for _, tag := range tags {
		link, err := os.ReadFile(filepath.Join(s.repo, "_manifests/tags", tag.Name(), "current/link"))
		d := oci.Digest(link)
		if err != nil || !got.Manifests[d] {
			s.t.Errorf("tag %s points at %q, which is not there: %v", tag.Name(), d, err)
		}
		got.Tags[tag.Name()] = d
	}
	if got.Manifests[sum(1)] && !got.Manifests[sum(2)] {
		s.t.Error("an index lacks its child")
	}
	if got.Tags["stays"] != sum(3) || !got.Manifests[sum(3)] {
		s.t.Errorf("what stays was touched: %+v", got)
	}
	return got
}

// order is a text for the script, and what reads its answers.
func (c *chooser) order() *orders {
	o := &orders{Remover: c}
	o.choose(Stored{Path: app})
	return o
}

// Wherever the script is killed, the storage is whole, and the next removal finishes it.
func TestRemoveScriptKilledAtEachLine(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		text, lines := ticking(t, s.run.target.env)
		if lines < 25 {
			t.Fatalf("only %d lines are looked at", lines)
		}
		path, run := strings.TrimPrefix(s.run.target.env[0], "PATH="), 0
		remove := func(s *storage, before string, c *chooser) error {
			o := c.order()
			run++
			folder := filepath.Join(s.run.res.Lock, fmt.Sprint("run-", run))
			args := script(before, s.run.site.root, folder, folder+"-removed")
			return stream(t.Context(), s.run.target.feeding(args, o.text()), o.read)
		}
		killed, finished := 0, map[string]bool{} // the states that the next removal has finished
		for n := 1; ; n++ {
			s := newStorage(t, path)
			s.fill()
			c := doomed()
			err := remove(s, fmt.Sprintf("limit=%d\n%s", n, text), c)
			got := s.intact()
			if err == nil {
				break
			}
			killed++
			for _, r := range c.removed { // what was told is true
				if tag := strings.TrimPrefix(r, "deleted "); got.Tags[tag] != "" {
					t.Errorf("killed at step %d: %s, and it is there", n, r)
				}
			}
			if finished[fmt.Sprint(got)] {
				continue
			}
			finished[fmt.Sprint(got)] = true
			if err := remove(s, removeScript, doomed()); err != nil {
				t.Fatalf("killed at step %d: the next removal: %v", n, err)
			}
			if got = s.intact(); len(got.Tags) != 1 || got.Manifests[sum(1)] || got.Manifests[sum(2)] {
				t.Errorf("killed at step %d: the next removal has left %+v", n, got)
			}
		}
		if killed < 50 || len(finished) < 4 {
			t.Errorf("it was killed only %d times, in %d states", killed, len(finished))
		}
	})
}

// ticking returns the script with a count after each line that can have one, which kills it at the limit, and how many these
// are.
func ticking(t *testing.T, env []string) (string, int) {
	t.Helper()
	const tick = "tick() { last=$?; ticks=$((ticks + 1)); [ $ticks -ne $limit ] || kill -9 $$; return $last; }\nticks=0\n"
	sh := filepath.Join(strings.SplitN(strings.TrimPrefix(env[0], "PATH="), ":", 2)[0], "sh")
	text, lines := "", strings.SplitAfter(strings.TrimSuffix(removeScript, "\n"), "\n")
	n := 0
	for i, line := range lines {
		text += line
		with := text + "\ntick\n"
		if err := exec.Command(sh, "-n", "-c", with+strings.Join(lines[i+1:], "")).Run(); err == nil && !strings.HasPrefix(line, "#") {
			text = with
			n++
		}
	}
	return tick + text, n
}

// The connection can break in the middle: what was not received is not done, and the end of the text is missed.
func TestRemoveScriptCutOff(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		whole := "repository " + app + "\ntag i\ntag c\nlevel\nmanifest " + hexOf(sum(1)) + "\nlevel\nmanifest " + hexOf(sum(2)) + "\ndone\n"
		for n := range len(whole) {
			if n%11 != 0 && n != len(whole)-1 {
				continue
			}
			s := newStorage(t, strings.TrimPrefix(s.run.target.env[0], "PATH="))
			s.fill()
			err := s.run.target.feeding(script(removeScript, s.run.site.root, filepath.Join(s.run.res.Lock, "run-1"), filepath.Join(s.run.res.Lock, "removed")), whole[:n]).run(t.Context())
			var failed *CommandError
			if !errors.As(err, &failed) {
				t.Fatalf("cut off after %d bytes: %v", n, err)
			}
			s.intact()
		}
	})
}

// A removal that halt comes before does not begin, wherever it was by then.
func TestRemoveScriptHalted(t *testing.T) {
	t.Parallel()
	shells(t, func(t *testing.T, s *storage) {
		if !strings.HasSuffix(t.Name(), "/busybox") { // which runs its own programs whatever the PATH says
			bin := t.TempDir()
			s.must(os.WriteFile(filepath.Join(bin, "mkdir"), []byte("#!/bin/sh\n/bin/mkdir \"$@\" && : >\"$1/halted\"\n"), 0o700))
			inner := newStorage(t, bin+":"+strings.TrimPrefix(s.run.target.env[0], "PATH="))
			inner.fill()
			if _, err := inner.remove(doomed()); err == nil {
				t.Error("it began although it was halted")
			}
			if got := inner.intact(); len(got.Tags) != 3 {
				t.Errorf("left %v", got.Tags)
			}
		}
		s.fill()
		folder := filepath.Join(s.run.res.Lock, "run-1")
		s.must(s.run.target.onHost(script(haltScript, folder)).run(t.Context()))
		if err := s.run.target.feeding(script(removeScript, s.run.site.root, folder, folder+"-removed"), "done\n").run(t.Context()); err == nil {
			t.Error("it began")
		}
		if _, err := os.Stat(filepath.Join(folder, "launched")); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

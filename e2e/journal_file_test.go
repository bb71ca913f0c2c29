package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// begin writes a journal as an interrupted run leaves it, and returns its file.
func (w work) begin(digests ...oci.Digest) string {
	w.T.Helper()
	s := w.stand
	s.Server.Host = w.door.host
	j := s.Journal()
	defer j.Close()
	if err := j.Write(listed(digests)); err != nil {
		w.T.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(w.State, "journal", "*.json"))
	if err != nil || len(files) != 1 {
		w.T.Fatalf("journals: %v, %v", files, err)
	}
	return files[0]
}

// listed are images of which a journal knows the digest.
func listed(digests []oci.Digest) []oci.Image {
	var out []oci.Image
	for _, d := range digests {
		out = append(out, oci.Image{Digest: d})
	}
	return out
}

// outcast pushes an image without a tag, as an interrupted run leaves it.
func (w work) outcast() oci.Digest {
	w.T.Helper()
	return w.Push.Image(fixture.Image{Seed: "outcast", Created: ago(40), MediaType: fixture.OCIManifest})
}

// TestJournalNeeded has journals whose digests are needed by now: they live.
func TestJournalNeeded(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		need func(w work, d oci.Digest) (tag string)
		// lives is false where a policy decides as if there were no journal.
		lives bool
	}{
		{"nobody needs it", func(work, oci.Digest) string { return "b0" }, false},
		{"a protected tag", func(w work, d oci.Digest) string { w.Push.Tag(d, "latest"); return "latest" }, true},
		{"a tag outside of the scope", func(w work, d oci.Digest) string { w.Push.Tag(d, "stable"); return "stable" }, true},
		{"a part of a kept index", func(w work, d oci.Digest) string {
			w.Push.Index(fixture.Index{Tags: []string{"latest"}, Children: []oci.Digest{d}})
			return "latest"
		}, true},
		{"a part of a part", func(w work, d oci.Digest) string {
			inner := w.Push.Index(fixture.Index{Children: []oci.Digest{d}})
			w.Push.Index(fixture.Index{Tags: []string{"latest"}, Children: []oci.Digest{inner}})
			return "latest"
		}, true},
		{"tagged while the run looks again", func(w work, d oci.Digest) string {
			w.door.hook(hooks{before: func(s step, n int) bool {
				if s == list && n == 2 {
					w.Push.Tag(d, "stable")
				}
				return true
			}})
			return "b0"
		}, true},
		{"tagged while tags are removed", func(w work, d oci.Digest) string {
			w.door.hook(hooks{before: func(s step, n int) bool {
				if s == untag && n == 3 {
					w.Push.Tag(d, "stable")
				}
				return true
			}})
			return "b0"
		}, true},
	}
	eachStored(t, func(t *testing.T, s server) {
		for i, r := range rows {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				w := newWork(t, s, fmt.Sprintf("team/needed%d", i))
				d := w.outcast()
				w.begin(d)
				tag := r.need(w, d)
				w.run(0, "--tags", "b*,multi", "--delete-by", string(w.way))
				w.There(r.lives, d)
				w.Pullable(tag)
				equal(w.Wire, "journal", len(w.list()), 0)
				w.There(false, w.gone...)
			})
		}
		t.Run("a plan that is only shown leaves the journal", func(t *testing.T) {
			t.Parallel()
			w := newWork(t, s, "team/dry")
			d := w.outcast()
			w.begin(d)
			w.run(0, "--dry-run")
			equal(w.Wire, "journal", fmt.Sprint(w.list()), fmt.Sprint([]oci.Digest{d}))
			w.There(true, append(w.gone, d)...)
		})
		t.Run("a plan that is refused leaves the journal", func(t *testing.T) {
			t.Parallel()
			w := newWork(t, s, "team/refused")
			d := w.outcast()
			w.begin(d)
			w.run(3, "--max-delete", "1")
			equal(w.Wire, "journal", fmt.Sprint(w.list()), fmt.Sprint([]oci.Digest{d}))
			w.There(true, append(w.gone, d)...)
		})
	})
}

// TestJournalUnread has journals that the program cannot read. It leaves them and what they list alone, and goes on by
// digest, whatever way it was told.
func TestJournalUnread(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		edit func(text string) string
		says string
	}{
		{
			"another version", func(text string) string { return strings.Replace(text, `"version": 1`, `"version": 2`, 1) },
			"it is of version 2 and this program writes version 1",
		},
		{"truncated", func(text string) string { return text[:len(text)/2] }, "it is not a journal: unexpected end of JSON input"},
		{"empty", func(string) string { return "" }, "it is not a journal: unexpected end of JSON input"},
		{
			"another repository", func(text string) string {
				return strings.Replace(text, `"repository": "`, `"repository": "other.example/`, 1)
			},
			"it is about other.example/",
		},
		{"no digest", func(text string) string { return strings.Replace(text, "sha256:", "b1,sha256:", 1) }, "it is damaged"},
	}
	eachStored(t, func(t *testing.T, s server) {
		for i, r := range rows {
			for _, way := range registrytest.Methods(s.Version) {
				t.Run(r.name+" by "+string(way), func(t *testing.T) {
					t.Parallel()
					w := newWork(t, s, fmt.Sprintf("team/unread%d-%s", i, way))
					d := w.outcast()
					file := w.begin(d)
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					broken := r.edit(string(text))
					if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
						t.Fatal(err)
					}
					run := w.run(0, "--delete-by", string(way))
					if !strings.Contains(run.stderr, "regsweep: warning: "+w.door.host+"/"+w.Path+": ") || !strings.Contains(run.stderr, r.says) {
						t.Errorf("said %q, want %q", run.stderr, r.says)
					}
					equal(w.Wire, "way", run.report.Repositories[0].Way, string(prune.ByDigest))
					w.There(true, d)
					w.There(false, w.gone...)
					w.Left("b0", "b1")
					if after, err := os.ReadFile(file); err != nil || string(after) != broken {
						t.Errorf("the journal is now %q, %v", after, err)
					}
				})
			}
		}
	})
}

// TestJournalShared has two runs on the same repository with the same state.
func TestJournalShared(t *testing.T) {
	t.Parallel()
	eachStored(t, func(t *testing.T, s server) {
		for _, way := range registrytest.Methods(s.Version) {
			t.Run(string(way), func(t *testing.T) {
				t.Parallel()
				w := newWork(t, s, "team/shared-"+string(way))
				arrived, goesOn := make(chan struct{}), make(chan struct{})
				release := sync.OnceFunc(func() { close(goesOn) })
				defer release()
				w.door.hook(hooks{before: func(s step, n int) bool {
					if s == untag && n == 4 {
						close(arrived)
						<-goesOn
					}
					return true
				}})
				first := w.start("--delete-by", string(w.way), "--workers", "1")
				select {
				case <-arrived:
				case <-first.exited:
					t.Fatalf("the first run ended too early\n%s", first.end().stderr)
				}
				second := w.run(0, "--delete-by", string(way))
				equal(w.Wire, "warned", strings.Contains(second.stderr, "another run is working on the repository; this run deletes by digest"), true)
				equal(w.Wire, "way", second.report.Repositories[0].Way, string(prune.ByDigest))
				release()
				out := first.end()
				equal(w.Wire, "exit code", out.code, 0)
				w.finished()
			})
		}
	})
}

// TestJournalLost kills a run and loses its journal. That is what the journal is for: manifests without a tag stay. But
// the placeholder is known for what it is.
func TestJournalLost(t *testing.T) {
	t.Parallel()
	eachStored(t, func(t *testing.T, s server) {
		w := newWork(t, s, "team/lost")
		w.interrupt(moment{step: untag, n: 4}, kill, "--workers", "1")
		stranded := w.stranded()
		equal(w.Wire, "stranded", len(stranded) > 0, true)
		if err := os.RemoveAll(w.State); err != nil {
			t.Fatal(err)
		}
		w.run(0, "--delete-by", string(w.way))
		w.Left("b0", "b1")
		stored := w.Server.Stored(t, w.Path)
		want := slices.Sorted(slices.Values(append(stranded, w.kept...)))
		equal(w.Wire, "stored", fmt.Sprint(stored), fmt.Sprint(want))
	})
}

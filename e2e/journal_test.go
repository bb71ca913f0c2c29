package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// work is a repository with two images to keep and a bit of everything to delete: by the program itself, through a door.
type work struct {
	stand
	door      *door
	way       prune.Method // the one that removes tags first there
	kept      []oci.Digest
	gone      []oci.Digest
	index     oci.Digest // one of those, as its children and the signature
	children  []oci.Digest
	signature oci.Digest            // of b5
	tagged    map[string]oci.Digest // what b0 to b7 pointed at
}

func newWork(t *testing.T, s server, path string) work {
	t.Helper()
	w := work{stand: registrytest.NewStand(t, s, path, nil)}
	w.door = newDoor(t, s, w.Pushes)
	w.way = by(w.Wire, prune.Retag, prune.TagsFirst)
	ds := w.History(8)
	w.Push.Tag(ds[6], "b6-alias")
	signature := w.Push.Signature(ds[5], ".sig")
	index, children := w.Multi("multi", 30, fixture.OCIIndex)
	w.index, w.children, w.signature, w.tagged = index, children, signature, map[string]oci.Digest{}
	for n, d := range ds {
		w.tagged[fmt.Sprint("b", n)] = d
	}
	w.kept, w.gone = ds[:2], slices.Concat(ds[2:], children, []oci.Digest{index, signature})
	return w
}

// removals is how many tags there are to remove: b2 to b7, an alias, that of the index and that of the signature.
const removals = 9

// start starts the program on the repository.
func (w work) start(args ...string) *running {
	w.T.Helper()
	return start(w.T, append([]string{w.door.host + "/" + w.Path, "--keep-last", "2", "--state-dir", w.State}, args...)...)
}

// run runs the program to its end, which must be that exit code.
func (w work) run(code int, args ...string) swept {
	w.T.Helper()
	out := w.start(args...).end()
	if out.code != code {
		w.T.Fatalf("exit code: got %d, want %d\n%s", out.code, code, out.stderr)
	}
	return out
}

// list is the list of the journal. The program knows the registry by its door.
func (w work) list() []oci.Digest {
	w.T.Helper()
	s := w.stand
	s.Server.Host = w.door.host
	j := s.Journal()
	defer j.Close()
	return j.Left()
}

// finished checks that what was to go has gone, on the disk too, and that no tag and no journal is left of it.
func (w work) finished() {
	w.T.Helper()
	w.Left("b0", "b1")
	w.There(true, w.kept...)
	w.There(false, w.gone...)
	w.Inventory()
	equal(w.Wire, "journal", len(w.list()), 0)
}

// stranded returns what is to go, is there, and is reached by no tag any more.
func (w work) stranded() []oci.Digest {
	w.T.Helper()
	reached := map[oci.Digest]bool{}
	for _, d := range w.Targets() {
		reached[d] = true
	}
	for _, c := range w.children {
		reached[c] = reached[w.index]
	}
	return slices.DeleteFunc(w.present(), func(d oci.Digest) bool { return reached[d] })
}

// present returns what is to go and is there.
func (w work) present() []oci.Digest {
	w.T.Helper()
	return slices.DeleteFunc(slices.Clone(w.gone), func(d oci.Digest) bool {
		return w.Do("HEAD", "manifests/"+d.String()).Status != http.StatusOK
	})
}

// eachStored runs f on every registry whose storage can be looked at.
func eachStored(t *testing.T, f func(t *testing.T, s server)) {
	t.Helper()
	each(t, func(t *testing.T, r registry) {
		if s := r.start(t, registrytest.Setup{}); s.Stored != nil {
			f(t, s)
		}
	})
}

// moment is when something happens to a run.
type moment struct {
	name  string
	step  step
	n     int
	after bool         // the registry has carried the request out
	only  prune.Method // "" is both
}

var moments = []moment{
	{name: "before the first tag", step: untag, n: 1},
	{name: "after the first tag", step: untag, n: 1, after: true},
	{name: "between two tags", step: untag, n: 4},
	{name: "after the tags of the images", step: untag, n: removals - 1, after: true},
	{name: "before the tag of the signature", step: untag, n: removals},
	{name: "after the last tag", step: untag, n: removals, after: true},
	{name: "while the placeholder's config is pushed", step: upload, n: 2, only: prune.Retag},
	{name: "after the placeholder's config was pushed", step: upload, n: 2, after: true, only: prune.Retag},
	{name: "before the placeholder goes", step: unplace, n: 1, only: prune.Retag},
	{name: "after the placeholder has gone", step: unplace, n: 1, after: true, only: prune.Retag},
	{name: "before the placeholder goes again", step: unplace, n: 2, only: prune.Retag},
	{name: "before the first digest", step: deletion, n: 1},
	{name: "after the first digest", step: deletion, n: 1, after: true},
	{name: "between two digests", step: deletion, n: 6},
}

// last is the only moment with nothing left to do.
var last = moment{name: "after the last digest", step: deletion, n: 10, after: true}

// TestJournalKilled kills the program at every kind of moment. The next run finishes the work.
func TestJournalKilled(t *testing.T) {
	t.Parallel()
	eachStored(t, func(t *testing.T, s server) {
		for i, m := range append(slices.Clone(moments), last) {
			for _, workers := range []string{"1", "8"} {
				t.Run(m.name+" of "+workers, func(t *testing.T) {
					t.Parallel()
					w := newWork(t, s, fmt.Sprintf("team/killed%d-%s", i, workers))
					if m.only != "" && m.only != w.way {
						return
					}
					w.interrupt(m, kill, "--workers", workers)
					left, stranded := w.present(), w.stranded()
					if journal := w.list(); slices.ContainsFunc(stranded, func(d oci.Digest) bool { return !slices.Contains(journal, d) }) {
						t.Errorf("%v have no tag, and the journal has only %v", stranded, journal)
					}
					w.reports(w.run(0, "--delete-by", string(w.way)), left)
					w.finished()
				})
			}
		}
		t.Run("twice and then in another way", func(t *testing.T) {
			t.Parallel()
			w := newWork(t, s, "team/twice")
			w.interrupt(moment{step: untag, n: 4}, kill, "--workers", "1")
			w.interrupt(moment{step: deletion, n: 4}, kill, "--workers", "1")
			left := w.present()
			w.reports(w.run(0), left)
			w.finished()
		})
		t.Run("never", func(t *testing.T) {
			t.Parallel()
			w := newWork(t, s, "team/never")
			w.reports(w.run(0, "--delete-by", string(w.way)), w.gone)
			w.finished()
		})
	})
}

// interrupt runs the program and does something to it at a moment.
func (w work) interrupt(m moment, do func(*running) (goesOn bool), args ...string) swept {
	w.T.Helper()
	started, reached := make(chan *running, 1), make(chan struct{})
	w.door.reopen()
	hit := func(s step, n int) (goesOn bool) {
		if s != m.step || n != m.n {
			return true
		}
		close(reached)
		goesOn = do(<-started)
		if !goesOn {
			w.door.close()
		}
		return goesOn
	}
	if m.after {
		w.door.hook(hooks{after: func(s step, n int) { hit(s, n) }})
	} else {
		w.door.hook(hooks{before: hit})
	}
	r := w.start(append([]string{"--delete-by", string(w.way)}, args...)...)
	started <- r
	out := r.end()
	counts := w.door.counted()
	select {
	case <-reached:
	default:
		w.T.Fatalf("the moment did not come: %v\n%s", counts, out.stderr)
	}
	w.door.reopen()
	return out
}

// reports checks that a report tells of the deletion of each of the digests.
func (w work) reports(run swept, digests []oci.Digest) {
	w.T.Helper()
	said := run.report.outcomes()
	for _, d := range digests {
		if said[d] != "deleted" && said[d] != "gone" {
			w.T.Errorf("the report says %q of %s", said[d], d)
		}
	}
	for _, r := range run.report.Repositories {
		equal(w.Wire, "unfinished", len(r.Unfinished), 0)
	}
}

// TestJournalTerminated asks the program to end: it deletes what has lost its tags, and says what it leaves.
func TestJournalTerminated(t *testing.T) {
	t.Parallel()
	eachStored(t, func(t *testing.T, s server) {
		for i, m := range moments {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				w := newWork(t, s, fmt.Sprintf("team/terminated%d", i))
				if m.only != "" && m.only != w.way {
					return
				}
				run := w.interrupt(m, terminate, "--workers", "1")
				if run.code != 130 && (run.code != 0 || len(w.present()) > 0) { // 0: all was done when the signal was noticed
					t.Errorf("exit code: got %d\n%s", run.code, run.stderr)
				}
				equal(w.Wire, "exit code of the report", run.report.ExitCode, run.code)
				equal(w.Wire, "stranded", fmt.Sprint(w.stranded()), "[]")
				for d, outcome := range run.report.outcomes() {
					gone := w.Do("HEAD", "manifests/"+d.String()).Status == http.StatusNotFound
					if gone != (outcome == "deleted" || outcome == "gone") {
						t.Errorf("%s is said to be %s, gone: %v", d, outcome, gone)
					}
				}
				equal(w.Wire, "journal", fmt.Sprint(w.list()), fmt.Sprint(run.report.Repositories[0].Unfinished))
				left := w.present()
				w.reports(w.run(0, "--delete-by", string(w.way)), left)
				w.finished()
			})
		}
	})
}

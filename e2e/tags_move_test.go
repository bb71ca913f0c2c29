package e2e

import (
	"fmt"
	"sync"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestTagsMoveDuringTheRun moves tags while the program is at work: as late as it can still see it, and later.
func TestTagsMoveDuringTheRun(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r registry) {
		s := r.start(t, registrytest.Setup{})
		for i, m := range movements {
			for _, way := range registrytest.Methods(s.Version) {
				at := m.at
				if way == prune.ByDigest || way == prune.Auto { // so few tags go by digest
					at = m.byDigest
				}
				if at.step == "" {
					continue
				}
				t.Run(m.name+" by "+string(way), func(t *testing.T) {
					t.Parallel()
					w := newWork(t, s, fmt.Sprintf("team/moved%d-%s", i, way))
					var once sync.Once
					var check func()
					w.door.hook(hooks{watch: func(s step, reference string) {
						if s == at.step && (at.tag == "" || reference == at.tag || reference == w.tagged[at.tag].String()) {
							once.Do(func() { check = m.move(w, way) })
						}
					}})
					run := w.run(0, "--delete-by", string(way))
					w.door.busy.Wait()
					if check == nil {
						t.Fatalf("the tag was not moved\n%s", run.stderr)
					}
					check()
				})
			}
		}
	})
}

// place is a request of the program at which a tag moves: for a tag, or for what it pointed at.
type place struct {
	step step
	tag  string
}

type movement struct {
	name         string
	at, byDigest place // where tags are removed, and where digests are; zero: not there
	move         func(w work, way prune.Method) (check func())
}

// rebuilt pushes a new image under a tag.
func (w work) rebuilt(tag string) oci.Digest {
	w.T.Helper()
	return w.Push.Image(fixture.Image{Tags: []string{tag}, Seed: "rebuilt", Created: ago(0)})
}

var movements = []movement{
	{
		"a tag is pushed anew right before it is looked at",
		place{head, "b3"},
		place{head, "b3"},
		func(w work, _ prune.Method) func() {
			fresh := w.rebuilt("b3")
			return func() {
				w.Left("b0", "b1", "b3")
				w.Resolves("b3", fresh)
				w.Pullable("b3")
				w.There(false, w.gone...)
			}
		},
	},
	{
		"one of two tags is pushed anew right before it is looked at",
		place{head, "b6-alias"},
		place{head, "b6-alias"},
		func(w work, _ prune.Method) func() {
			fresh := w.rebuilt("b6-alias")
			return func() {
				w.Left("b0", "b1", "b6-alias")
				w.Resolves("b6-alias", fresh)
				w.Pullable("b6-alias")
				w.There(false, w.gone...)
			}
		},
	},
	{
		// By digest nothing can go wrong there. Where the tag is removed it is lost, and the new image stays.
		"a tag is pushed anew after it was looked at",
		place{untag, "b3"},
		place{deletion, "b3"},
		func(w work, way prune.Method) func() {
			fresh := w.rebuilt("b3")
			return func() {
				w.There(true, fresh)
				w.Pullable(fresh.String())
				w.There(false, w.gone...)
				if way == prune.ByDigest || way == prune.Auto {
					w.Resolves("b3", fresh)
				}
			}
		},
	},
	{
		"a doomed tag moves onto another doomed image",
		place{head, "b3"},
		place{head, "b3"},
		func(w work, _ prune.Method) func() {
			w.Push.Tag(w.tagged["b5"], "b3")
			return func() {
				w.Resolves("b3", w.tagged["b5"])
				w.Pullable("b3")
				w.There(true, w.signature)
				w.There(false, w.tagged["b3"])
			}
		},
	},
	{
		"a doomed tag moves onto a part of a doomed index",
		place{head, "b3"},
		place{head, "b3"},
		func(w work, _ prune.Method) func() {
			w.Push.Tag(w.children[0], "b3")
			return func() {
				w.Resolves("b3", w.children[0])
				w.Pullable("b3")
				w.There(false, w.index, w.children[1])
			}
		},
	},
	{
		"a kept tag moves onto a doomed image",
		place{head, "b0"},
		place{head, "b0"},
		func(w work, _ prune.Method) func() {
			w.Push.Tag(w.tagged["b5"], "b0")
			return func() {
				w.Resolves("b0", w.tagged["b5"])
				w.Pullable("b0")
				w.There(true, append(w.kept, w.signature)...)
			}
		},
	},
	{
		"a new tag comes to a doomed image while tags are removed",
		place{untag, "b4"},
		place{},
		func(w work, _ prune.Method) func() {
			w.Push.Tag(w.tagged["b7"], "stable") // the oldest, whose own tag has gone first
			return func() {
				w.Resolves("stable", w.tagged["b7"])
				w.Pullable("stable")
				w.There(true, w.kept...)
			}
		},
	},
	{
		"a new index comes to need a doomed image while tags are removed",
		place{untag, "b4"},
		place{},
		func(w work, _ prune.Method) func() {
			w.Push.Index(fixture.Index{Tags: []string{"stable"}, Children: []oci.Digest{w.tagged["b7"]}, MediaType: fixture.DockerList})
			return func() {
				w.Pullable("stable")
				w.There(true, w.tagged["b7"])
			}
		},
	},
}

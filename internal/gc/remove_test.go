package gc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// chooser is a remover that takes notes.
type chooser struct {
	paths   []string
	removal Removal
	looked  []Stored
	nothing bool
	removed []string
}

func (c *chooser) Paths() []string { return c.paths }
func (c *chooser) Look(_ context.Context, stored []Stored) bool {
	c.looked = stored
	return !c.nothing
}

func (c *chooser) Choose(s Stored) Removal {
	if s.Odd != "" {
		return Removal{}
	}
	return c.removal
}

func (c *chooser) Settle(_ string, r Removed) {
	what := r.Tag
	if what == "" {
		what = strings.TrimLeft(hexOf(r.Digest), "0")
	}
	c.removed = append(c.removed, string(r.Status)+" "+what)
}

// removing is a fake with an image to remove, and its remover.
func removing() (*fakeHost, *chooser) {
	return newFake(), &chooser{paths: []string{"team/app"}, removal: Removal{Tags: []string{"v1"}, Levels: [][]oci.Digest{{fakeDigest}}}}
}

const fakeDigest = oci.Digest("sha256:" + fakeHex)

// The storage is read before the registry is stopped and again at rest; what was chosen is removed then, and the collection
// comes after it.
func TestRunRemoves(t *testing.T) {
	t.Parallel()
	f, c := removing()
	res := collectWith(t, f, Options{Remover: c})
	f.wantSteps(t, "storage", "lock", "room", "stored", "stop", "served", "stored", "remove", "collect", "halt", "halt", "start", "unlock", "verify")
	if res.Err != nil || !res.Collected || !res.Verified || !f.serving || f.lock {
		t.Errorf("got %+v", res)
	}
	f.wantSteps(t, "remove", "tidy", "start")
	if want := []string{"deleted v1", "deleted " + fakeHex}; !slices.Equal(c.removed, want) {
		t.Errorf("got %q", c.removed)
	}
	if len(c.looked) != 1 || c.looked[0].Tags["v1"] != fakeDigest || !c.looked[0].Manifests[fakeDigest] {
		t.Errorf("looked at %+v", c.looked)
	}
	if want := "repository team/app\ndone\nrepository team/app\ndone\nrepository team/app\ntag v1\nlevel\nmanifest " + fakeHex + "\ndone\n"; f.stdin != want {
		t.Errorf("got %q", f.stdin)
	}
}

// Where nothing is to be removed, nothing is stopped; where nothing may be removed at rest, nothing is collected.
func TestRunRemovesNothing(t *testing.T) {
	t.Parallel()
	f, c := removing()
	c.nothing = true
	res := collectWith(t, f, Options{Remover: c})
	if res.Err != nil || res.Skipped == "" || res.Stopped || f.lock {
		t.Errorf("got %+v", res)
	}
	f.wantSteps(t, "stored", "unlock", "!stop", "!remove", "!collect")

	f, c = removing()
	c.removal = Removal{}
	res = collectWith(t, f, Options{Remover: c})
	if res.Err != nil || res.Skipped == "" || !res.Restarted || res.Collected || f.lock {
		t.Errorf("got %+v", res)
	}
	f.wantSteps(t, "stored", "stop", "stored", "start", "unlock", "!remove", "!tidy", "!collect")
}

// A registry whose images cannot be removed from its storage is refused before it is stopped.
func TestRunRefusesToRemove(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*fakeHost)
		o      Options
		kind   Kind
		says   string
	}{
		"it serves":        {func(*fakeHost) {}, Options{Mode: Live}, KindRefused, "only while the registry is stopped; nothing was stopped"},
		"object storage":   {func(f *fakeHost) { f.config = "storage: {s3: {bucket: x}}" }, Options{}, KindRefused, "the storage is s3, and images can be removed only from one that is a folder"},
		"it is not read":   {failing("stored"), Options{}, KindFailed, "read the tags in the storage /srv: stored fails; nothing was stopped"},
		"it is cut off":    {func(f *fakeHost) { f.stored = "repository team/app\n" }, Options{}, KindFailed, "unexpected EOF; nothing was stopped"},
		"it is another's":  {func(f *fakeHost) { f.stored = "repository team/x\nend\ndone\n" }, Options{}, KindFailed, "which was not asked for; nothing was stopped"},
		"it is not whole":  {func(f *fakeHost) { f.stored = "done\n" }, Options{}, KindFailed, "no answer about team/app; nothing was stopped"},
		"it is of someone": {func(f *fakeHost) { f.stored = "Welcome!\n" }, Options{}, KindFailed, `unexpected output "Welcome!"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, r := removing()
			c.change(f)
			c.o.Remover = r
			res := collectWith(t, f, c.o)
			if res.Err == nil || !strings.Contains(res.Err.Error(), c.says) || KindOf(res.Err) != c.kind || res.Stopped || f.lock {
				t.Errorf("got %+v", res)
			}
			f.wantSteps(t, "close", "!stop", "!remove", "!collect")
		})
	}
}

// Whatever goes wrong with the removal, it is ended, nothing is collected, and the registry serves again.
func TestRunStartsTheRegistryAfterARemovalThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*fakeHost)
		says   string
		told   int // how many answers came before that
	}{
		"the storage is not read at rest": {failingAfter("stop", "stored"), "remove images from the storage: read the tags in the storage /srv: stored fails", 0},
		"the connection is lost": {func(f *fakeHost) {
			f.fail = func(step string) error {
				if step == "remove" {
					return lostConnection
				}
				return nil
			}
		}, "remove images from the storage: ssh exited with 255", 0},
		"answers are cut off":     {func(f *fakeHost) { f.answers = "repository team/app\ndeleted tag v1\n" }, "unexpected EOF", 1},
		"an answer to nothing":    {func(f *fakeHost) { f.answers = "repository team/app\ndeleted tag v2\ndone\n" }, `unexpected output "deleted tag v2"`, 0},
		"an answer that is twice": {func(f *fakeHost) { f.answers = "repository team/app\ndeleted tag v1\ndeleted tag v1\ndone\n" }, "unexpected output", 1},
		"an answer of nobody":     {func(f *fakeHost) { f.answers = "deleted tag v1\ndone\n" }, "unexpected output", 0},
		"another repository":      {func(f *fakeHost) { f.answers = "repository team/x\ndone\n" }, "an answer about team/x", 0},
		"another word":            {func(f *fakeHost) { f.answers = "repository team/app\nlost tag v1\ndone\n" }, "unexpected output", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, r := removing()
			c.change(f)
			res := collectWith(t, f, Options{Remover: r})
			if res.Err == nil || !strings.Contains(res.Err.Error(), c.says) || !res.Restarted || res.Collected || f.lock || !f.serving || len(r.removed) != c.told {
				t.Errorf("got %+v, %q", res, r.removed)
			}
			f.wantSteps(t, "stop", "start", "unlock", "verify", "!collect")
			if f.ran("remove") {
				f.wantSteps(t, "remove", "halt", "start")
			}
		})
	}
}

// A cancel ends a removal, and so does a registry that something else starts. One that does not end keeps the registry down.
func TestRunEndsARemoval(t *testing.T) {
	t.Parallel()
	f, r := removing()
	ctx, cancel := context.WithCancelCause(t.Context())
	f.during = func() { cancel(context.Canceled) }
	var res Result
	synctest.Test(t, func(*testing.T) { res = Run(ctx, f.target(), f, Options{Remover: r}) })
	if KindOf(res.Err) != KindCancelled || !res.Restarted || f.corrupt || f.lock {
		t.Errorf("got %+v", res)
	}
	f.wantSteps(t, "remove", "halt", "start", "!collect")

	f, r = removing()
	f.during, f.took = f.serve, time.Hour
	synctest.Test(t, func(t *testing.T) { res = Run(t.Context(), f.target(), f, Options{Remover: r}) })
	if !errors.Is(res.Err, errServing) {
		t.Errorf("got %+v", res)
	}
	f.wantSteps(t, "remove", "halt", "!collect")

	f, r = removing()
	failingAfter("remove", "halt")(f)
	res = collectWith(t, f, Options{Remover: r})
	var down *NotBackError
	if !errors.As(res.Err, &down) || !down.Collecting || f.serving || !f.lock {
		t.Errorf("got %+v", res)
	}
}

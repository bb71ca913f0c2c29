package run

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/state"
)

var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// events are what a run tells.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) add(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// worldOf is a world with one registry and a folder of state.
func worldOf(t *testing.T, reg *registrytest.Registry) (World, *events) {
	t.Helper()
	dir, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	told := &events{}
	client, err := kinds.Open(reg.Host(), registry.Options{RetryBase: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return World{
		Open:  func(string) (registry.Registry, error) { return client, nil },
		State: &dir, Now: func() time.Time { return testNow }, Events: told.add,
	}, told
}

// images pushes b0 (the oldest) to b<n-1>, one a day.
func images(t *testing.T, reg *registrytest.Registry, n int) oci.Repository {
	t.Helper()
	push := reg.Pusher(t, "team/app")
	for i := range n {
		push.Image(fixture.Image{Tags: []string{"b" + string(rune('0'+i))}, Created: testNow.AddDate(0, 0, i-n), Size: 10})
	}
	return oci.Repository{Host: reg.Host(), Path: "team/app"}
}

// jobOf keeps the newest images of a repository.
func jobOf(t *testing.T, name oci.Repository, keep int) Job {
	t.Helper()
	policy := retain.Policy{KeepLast: keep}
	return Job{
		Images: oci.Pushes{Repositories: []oci.Repository{name}},
		Policy: func(oci.Repository) (retain.Policy, error) { return policy, policy.Validate() },
	}
}

// A collection after a prune verifies what the prune has left, tells its steps, and its result is the summary's.
func TestGCAfterPrune(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	name := images(t, reg, 5)
	w, told := worldOf(t, reg)
	job := jobOf(t, name, 2)
	var seen gc.Check
	job.GC = &GCJob{Via: "local:", Options: gc.Options{Mode: gc.Offline}, Run: func(ctx context.Context, c gc.Client, o gc.Options) gc.Result {
		o.Say("collecting")
		if err := c.Answers(ctx); err != nil {
			return gc.Result{Err: err}
		}
		var err error
		seen, err = c.Verify(ctx)
		return gc.Result{Via: "local:", Collected: true, Err: err}
	}}
	sum := Prune(t.Context(), job, w)
	if sum.GC == nil || sum.GC.Err != nil || !sum.GC.Collected {
		t.Fatalf("collection: %+v", sum.GC)
	}
	if seen.Images != 2 || len(seen.Missing) > 0 {
		t.Errorf("verified %+v, want the two images that are left", seen)
	}
	steps := 0
	for _, e := range told.all {
		if _, ok := e.(GCStep); ok {
			steps++
		}
	}
	if steps != 1 {
		t.Errorf("%d steps were told", steps)
	}
}

// A collection is skipped, and the summary says why, when there is nothing to gain or the run must not change anything.
func TestGCIsSkipped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Job)
		cancel bool
		want   string
	}{
		"a dry run":           {change: func(j *Job) { j.DryRun = true }, want: "dry run"},
		"too little deleted":  {change: func(j *Job) { j.GC.MinDeleted = 10 }, want: "3 manifests were deleted, and a collection needs at least 10"},
		"a cancelled context": {change: func(*Job) {}, cancel: true, want: "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			repository := images(t, reg, 5)
			w, _ := worldOf(t, reg)
			job := jobOf(t, repository, 2)
			job.GC = &GCJob{Run: func(context.Context, gc.Client, gc.Options) gc.Result {
				t.Error("collected all the same")
				return gc.Result{}
			}}
			c.change(&job)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.cancel {
				cancel()
			}
			if sum := Prune(ctx, job, w); sum.GC == nil || !strings.Contains(sum.GC.Skipped, c.want) {
				t.Errorf("got %+v, want %q", sum.GC, c.want)
			}
		})
	}
}

// The collection of a registry reads the images that have to be whole before anything is stopped.
func TestGCAlone(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	child := push.Image(fixture.Image{Created: testNow})
	push.Image(fixture.Image{Tags: []string{"single"}, Created: testNow, Size: 10})
	push.Index(fixture.Index{Tags: []string{"multi"}, Children: []oci.Digest{child}})
	name := oci.Repository{Host: reg.Host(), Path: "team/app"}
	w, _ := worldOf(t, reg)
	job := GCJob{Run: func(ctx context.Context, c gc.Client, _ gc.Options) gc.Result {
		check, err := c.Verify(ctx)
		if check.Images != 3 {
			t.Errorf("verified %d images", check.Images)
		}
		return gc.Result{Err: err}
	}}
	sum := GC(t.Context(), job, name.Host, []oci.Repository{{Host: name.Host, Path: "team/*"}}, w)
	if sum.GC.Err != nil {
		t.Errorf("%+v", sum.GC)
	}
	for path, want := range map[string]string{"nobody/*": "matches the pattern", "team/typo": "no such repository"} {
		sum := GC(t.Context(), job, name.Host, []oci.Repository{{Host: name.Host, Path: path}}, w)
		if sum.GC.Err == nil || !strings.Contains(sum.GC.Err.Error(), want) || !strings.Contains(sum.GC.Err.Error(), "nothing was stopped") {
			t.Errorf("%s: %v", path, sum.GC.Err)
		}
	}
}

// The parts of an image that are not there are named after a collection.
func TestGCVerifiesEachBlob(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	name := images(t, reg, 3)
	w, _ := worldOf(t, reg)
	c := &collector{World: w, host: name.Host}
	if err := c.readKept(t.Context(), []oci.Repository{name}); err != nil {
		t.Fatal(err)
	}
	lost := c.kept[0].images[0].Blobs[0].Digest
	reg.AddFault(registrytest.Fault{Path: "*/blobs/" + lost.String(), Times: -1, Status: 404, Body: `{"errors":[{"code":"BLOB_UNKNOWN"}]}`})
	check, err := c.Verify(t.Context())
	if err != nil || len(check.Missing) != 1 || check.Missing[0].Digest != lost {
		t.Errorf("got %+v, %v; want %s missing", check, err, lost)
	}
}

// Another run that holds the journal makes this one delete by digest, and says so. What an interruption of this one
// leaves behind is in a journal all the same.
func TestPruneDuringAnotherRun(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	name := images(t, reg, 5)
	w, _ := worldOf(t, reg)
	held, err := w.State.Journal(name)
	if err != nil {
		t.Fatal(err)
	}
	reg.AddFault(registrytest.Fault{Method: "DELETE", After: 2, Times: -1, Apply: true, Break: true})
	sum := Prune(t.Context(), jobOf(t, name, 2), w)
	r := sum.Repositories[0]
	if len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0], "by digest") || r.Method != prune.ByDigest || r.Totals().Deleted == 0 {
		t.Errorf("%+v", r)
	}
	if len(r.Unfinished) == 0 {
		t.Error("nothing is unfinished although deletions were not answered")
	}
	if err := errors.Join(held.Write([]oci.Image{{Digest: "sha256:" + oci.Digest(strings.Repeat("1", 64))}}), held.Close()); err != nil {
		t.Fatal(err)
	}
}

package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/report"
)

// pushTo pushes b1 (the oldest) to b<n> into a repository, one a day, and returns its name.
func pushTo(t *testing.T, reg *registrytest.Registry, path string, n int) oci.Repository {
	t.Helper()
	push := reg.Pusher(t, path)
	for i := range n {
		push.Image(fixture.Image{Tags: []string{"b" + string(rune('1'+i))}, Created: testNow.AddDate(0, 0, i-n), Size: 10})
	}
	return oci.Repository{Host: reg.Host(), Path: path}
}

// A run over several repositories is always working on one of them when its time is over. That is not a failure.
func TestPruneUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   registrytest.Fault
		unread  bool
		warning string
	}{
		"while one is read":  {registrytest.Fault{Path: "/v2/team/b/*", Times: -1}, true, ""},
		"in the second look": {registrytest.Fault{Method: "HEAD", Path: "/v2/team/b/manifests/*", Times: -1}, false, "3 deletions not tried"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			a, b := pushTo(t, reg, "team/a", 4), pushTo(t, reg, "team/b", 4)
			w, _ := worldOf(t, reg)
			held, first := make(chan struct{}, 100), make(chan struct{})
			c.fault.Until, c.fault.Before = t.Context().Done(), func() { held <- struct{}{} }
			reg.AddFault(c.fault)
			w.Deadline = func(ctx context.Context, _ time.Duration, cause error) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				go func() { // when the first repository is done and the second waits for an answer
					<-first
					<-held
					cancel(cause)
				}()
				return ctx, func() { cancel(nil) }
			}
			w.Events = func(e Event) {
				if done, ok := e.(RepositoryDone); ok && done.Name == a {
					close(first)
				}
			}
			job := jobOf(t, a, 1)
			job.Images.Repositories = append(job.Images.Repositories, b)
			job.Timeout = time.Minute
			sum := Prune(t.Context(), job, w)
			if !errors.Is(sum.Cause, report.ErrTimeout) || errors.Is(sum.Cause, ErrNothingRead) {
				t.Errorf("ended by %v", sum.Cause)
			}
			if r := sum.Repositories[0]; r.Err != nil || r.Totals().Deleted != 3 {
				t.Errorf("the first: %+v", r)
			}
			r := sum.Repositories[1]
			if c.unread != errors.Is(r.Err, report.ErrTimeout) || !c.unread && r.Err != nil || len(reg.Tags("team/b")) != 4 {
				t.Errorf("the second: %+v", r)
			}
			if said := strings.Join(r.Warnings, "; "); !strings.Contains(said, c.warning) {
				t.Errorf("it says %q, want %q", said, c.warning)
			}
		})
	}
}

// When time is over before the run has finished what it had begun, that is a failure: images have lost their tags, and only
// the journal leads to them.
func TestPruneCannotFinishInTime(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{Version: registrytest.V2})
	name := pushTo(t, reg, "team/a", 4)
	w, _ := worldOf(t, reg)
	over, hurry := make(chan struct{}), make(chan struct{})
	close(hurry) // there is no time to finish anything
	w.Hurry = hurry
	// Two DELETE requests ask whether the registry removes tags; the third one is that of the placeholder.
	reg.AddFault(registrytest.Fault{Method: "DELETE", After: 2, Times: -1, Until: t.Context().Done(), Before: sync.OnceFunc(func() { close(over) })})
	w.Deadline = func(ctx context.Context, _ time.Duration, cause error) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		go func() {
			<-over
			cancel(cause)
		}()
		return ctx, func() { cancel(nil) }
	}
	job := jobOf(t, name, 1)
	job.Timeout, job.Method = time.Minute, prune.Retag
	r := Prune(t.Context(), job, w).Repositories[0]
	if !errors.Is(r.Err, report.ErrTimeout) || len(r.Untagged) != 3 || len(r.Unfinished) < 3 {
		t.Errorf("error %v, %d images have lost tags, %d are unfinished", r.Err, len(r.Untagged), len(r.Unfinished))
	}
	reg.ClearFaults()
	job.Timeout = 0
	if r := Prune(t.Context(), job, w).Repositories[0]; r.Err != nil || len(r.Unfinished) > 0 || len(reg.Manifests("team/a")) != 1 {
		t.Errorf("the next run: error %v, %d unfinished, the registry has %v", r.Err, len(r.Unfinished), reg.Manifests("team/a"))
	}
}

// A pattern stands for the repositories of the catalog, each once, and what it cannot find is an error of the pattern.
func TestPruneExpandsPatterns(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	a, b := pushTo(t, reg, "team/a", 2), pushTo(t, reg, "team/b", 2)
	pushTo(t, reg, "other/c", 2)
	w, told := worldOf(t, reg)
	job := jobOf(t, b, 1)
	job.Images.Repositories = []oci.Repository{b, {Host: reg.Host(), Path: "team/*"}, {Host: reg.Host(), Path: "nobody/*"}}
	sum := Prune(t.Context(), job, w)
	var names []oci.Repository
	for _, r := range sum.Repositories {
		names = append(names, r.Name)
	}
	if !slices.Equal(names, []oci.Repository{{Host: reg.Host(), Path: "nobody/*"}, b, a}) {
		t.Errorf("pruned %v", names)
	}
	if !errors.Is(sum.Repositories[0].Err, ErrNoMatch) || len(told.all) < 3 {
		t.Errorf("%v, %d events", sum.Repositories[0].Err, len(told.all))
	}
}

// Each repository belongs to one shard, and the run says how many there are in all.
func TestPruneOfAShard(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	all := []oci.Repository{pushTo(t, reg, "team/a", 2), pushTo(t, reg, "team/b", 2), pushTo(t, reg, "team/c", 2)}
	w, _ := worldOf(t, reg)
	pruned := 0
	for i := range 2 {
		job := jobOf(t, all[0], 1)
		job.Images.Repositories, job.Shard = all, report.Shard{Index: i + 1, Total: 2}
		sum := Prune(t.Context(), job, w)
		pruned += len(sum.Repositories)
		if sum.Shard.Of != len(all) {
			t.Errorf("the shard is one of %d", sum.Shard.Of)
		}
	}
	if pruned != len(all) {
		t.Errorf("%d of %d repositories were pruned", pruned, len(all))
	}
}

// What helps where a repository is not there is with the error, or a warning where the repository is empty.
func TestPruneOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	full, empty := pushTo(t, reg, "team/app", 1), pushTo(t, reg, "team/empty", 1)
	reg.Remove("team/empty", reg.Tags("team/empty")["b1"])
	unknown := oci.Repository{Host: reg.Host(), Path: "team/typo"}
	w, _ := worldOf(t, reg)
	for _, advice := range []string{"", "look below it"} {
		job := jobOf(t, full, 1)
		job.Images.Repositories, job.Absent = []oci.Repository{full, empty, unknown}, func(oci.Repository) string { return advice }
		sum := Prune(t.Context(), job, w)
		if r := sum.Repositories[0]; r.Err != nil || len(r.Warnings) > 0 {
			t.Errorf("%q: the full one has %v, %q", advice, r.Err, r.Warnings)
		}
		if r := sum.Repositories[1]; r.Err != nil || (len(r.Warnings) == 1 && strings.HasSuffix(r.Warnings[0], advice)) != (advice != "") {
			t.Errorf("%q: the empty one has %v, %q", advice, r.Err, r.Warnings)
		}
		if err := sum.Repositories[2].Err; !errors.Is(err, registry.ErrUnknownRepository) || (report.Hint(err) == advice) != (advice != "") {
			t.Errorf("%q: got %v, hint %q", advice, err, report.Hint(err))
		}
	}
}

// A name in the catalog that cannot be a repository hinders no other.
func TestPruneSkipsNamesThatCannotBeRepositories(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	pushTo(t, reg, "team/app", 3)
	reg.AddFault(registrytest.Fault{Path: "*/_catalog", Times: -1, Status: 200, Body: `{"repositories":["@eaDir/x","team/@eaDir","team/Upper","team/a b","team/app","team/../app","team/app:tag"]}`})
	w, _ := worldOf(t, reg)
	var skipped []string
	w.Events = func(e Event) {
		if s, is := e.(CatalogSkipped); is {
			skipped = append(skipped, s.Names...)
		}
	}
	sum := Prune(t.Context(), jobOf(t, oci.Repository{Host: reg.Host(), Path: "team/**"}, 1), w)
	if len(sum.Repositories) != 1 || sum.Repositories[0].Err != nil || sum.Repositories[0].Totals().Deleted != 2 {
		t.Errorf("%+v", sum.Repositories)
	}
	if want := []string{"team/../app", "team/@eaDir", "team/Upper", "team/a b", "team/app:tag"}; !slices.Equal(skipped, want) {
		t.Errorf("skipped %q, want %q", skipped, want)
	}
}

// A digest that the pipeline pushed without a tag is read and kept, and so is an image that it names by the digest of its
// config.
func TestPruneKeepsWhatWasPushedByDigest(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	bare := push.Image(fixture.Image{Created: testNow.AddDate(0, -1, 0), Size: 5})
	name := pushTo(t, reg, "team/app", 3)
	w, _ := worldOf(t, reg)
	job := jobOf(t, name, 1)
	job.Images.Pushed = []oci.Pushed{{Reference: oci.Reference{Repository: name, Digest: bare}}}
	sum := Prune(t.Context(), job, w)
	r := sum.Repositories[0]
	if r.Err != nil || len(r.Plan.Refusals) > 0 || r.Totals().Deleted != 2 || r.Totals().Kept != 2 {
		t.Errorf("%+v", r)
	}
}

// A ranking counts what it can read, and says what it could not.
func TestRank(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	pushTo(t, reg, "team/a", 2)
	pushTo(t, reg, "team/b", 3)
	w, _ := worldOf(t, reg)
	everything := oci.Repository{Host: reg.Host(), Path: Everything}
	r := Rank(t.Context(), reg.Host(), everything, nil, w)
	if r.Err != nil || len(r.Repositories) != 2 || r.Repositories[0].Path != "team/b" || r.NotLookedAt != 0 {
		t.Errorf("%+v", r)
	}
	reg.AddFault(registrytest.Fault{Path: "/v2/team/a/*", Times: -1, Status: 403})
	if r := Rank(t.Context(), reg.Host(), everything, nil, w); r.Err != nil || len(r.Unread) != 1 || len(r.Repositories) != 1 {
		t.Errorf("with one that is denied: %+v", r)
	}
	reg.AddFault(registrytest.Fault{Path: "/v2/team/b/*", Times: -1, Status: 403})
	if r := Rank(t.Context(), reg.Host(), everything, nil, w); r.Err == nil || !strings.Contains(r.Err.Error(), "team/a") {
		t.Errorf("with none that can be read: %v", r.Err)
	}
	if r := Rank(t.Context(), reg.Host(), oci.Repository{Host: reg.Host(), Path: "nobody/*"}, nil, w); !errors.Is(r.Err, ErrNoMatch) {
		t.Errorf("of nothing: %v", r.Err)
	}
}

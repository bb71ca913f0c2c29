package run

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// The tests delete what is this old.
const day = 24 * time.Hour

// pushes is a repository whose latest was pushed again and again: multi-arch, nested, signed.
type pushes struct {
	name oci.Repository
	push fixture.Tester
	gone []oci.Digest // what nothing leads to
	kept []oci.Digest
}

func overwrite(t *testing.T, reg *registrytest.Registry, path string) pushes {
	t.Helper()
	push := reg.Pusher(t, path)
	at := testNow.Add(-30 * day)
	shared := push.Image(fixture.Image{Seed: path + "shared", Created: at, Platform: "linux/s390x", MediaType: fixture.OCIManifest})
	build := func(seed string, tags ...string) []oci.Digest {
		own := push.Image(fixture.Image{Seed: path + seed, Created: at, Platform: "linux/amd64", MediaType: fixture.OCIManifest})
		inner := push.Index(fixture.Index{Children: []oci.Digest{shared, own}})
		outer := push.Index(fixture.Index{Tags: tags, Children: []oci.Digest{inner}})
		return []oci.Digest{own, inner, outer, push.Signature(outer, ".sig")}
	}
	out := pushes{name: oci.Repository{Host: reg.Host(), Path: path}, push: push}
	out.gone = append(build("1", "latest"), build("2", "latest")...)
	out.kept = append(build("3", "latest", "b3"), shared)
	return out
}

// want checks what a repository holds.
func (p pushes) want(t *testing.T, reg *registrytest.Registry, gone bool) {
	t.Helper()
	left := reg.Manifests(p.name.Path)
	for _, d := range p.kept {
		if !slices.Contains(left, d) {
			t.Errorf("%s: %s is needed and gone", p.name.Path, d)
		}
	}
	for _, d := range p.gone {
		if slices.Contains(left, d) == gone {
			t.Errorf("%s: %s is there: %v", p.name.Path, d, gone)
		}
	}
}

// untaggedJob gives up what is a day old and no tag leads to.
func untaggedJob(t *testing.T, s *folder, names ...oci.Repository) Job {
	t.Helper()
	age, err := retain.ParseAge("1d")
	if err != nil {
		t.Fatal(err)
	}
	rules := retain.Policy{KeepTagged: true, Untagged: age}
	return Job{Images: oci.Pushes{Repositories: names}, Policy: func(oci.Repository) (retain.Policy, error) { return rules, rules.Validate() }, GC: s.job()}
}

// Of all repositories, what nothing leads to goes, and what tags need stays at every depth, although the storage has no tag
// to it either. Repositories without such manifests are not looked at.
func TestGCUntagged(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	app, web := overwrite(t, reg, "team/app"), overwrite(t, reg, "team/web")
	pushTo(t, reg, "team/whole", 3)
	s := storageOf(t, reg, "team/app", "team/web", "team/whole")
	w, told := worldOf(t, reg)
	dry := untaggedJob(t, s)
	dry.DryRun = true
	if sum := GCUntagged(t.Context(), dry, reg.Host(), w); sum.Totals().Planned == 0 || sum.GC.Skipped != "this is a dry run" {
		t.Errorf("as a dry run: %+v, %+v", sum.Totals(), sum.GC)
	}
	app.want(t, reg, false)
	reads := map[string]int{}
	for _, r := range reg.Requests() {
		if reads[r.Path]++; reads[r.Path] > 1 && strings.Contains(r.Path, "/manifests/") {
			t.Errorf("%s was read %d times for a plan", r.Path, reads[r.Path])
		}
	}
	sum := GCUntagged(t.Context(), untaggedJob(t, s), reg.Host(), w)
	app.want(t, reg, true)
	web.want(t, reg, true)
	if len(sum.Repositories) != 2 || !sum.GC.Collected || sum.GC.Check.Images != 10 || len(sum.GC.Check.Missing) > 0 || s.runs != 2 {
		t.Errorf("%d repositories, collection %+v", len(sum.Repositories), sum.GC)
	}
	if n := reg.Count("GET", "*/blobs/*"); n != 0 {
		t.Errorf("%d configs were read, although the storage has the dates", n)
	}
	if n := reg.Count("", "/v2/team/whole/*"); n != 0 {
		t.Errorf("team/whole had %d requests", n)
	}
	if !slices.Contains(told.all, Event(Progress{reg.Host(), "repositories", 2, 2})) {
		t.Error("the progress was not told")
	}
	for _, r := range sum.Repositories {
		if r.Policy != "keep what has a tag; protect latest; delete untagged manifests from the age of 1 day on" {
			t.Errorf("policy %q", r.Policy)
		}
	}
}

// The repositories that are named are the only ones, and those without a manifest to delete are verified as well.
func TestGCUntaggedOfSome(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	app, web := overwrite(t, reg, "team/app"), overwrite(t, reg, "team/web")
	whole := pushTo(t, reg, "team/whole", 3)
	s := storageOf(t, reg, "team/app", "team/web", "team/whole")
	w, _ := worldOf(t, reg)
	sum := GCUntagged(t.Context(), untaggedJob(t, s, app.name, oci.Repository{Host: reg.Host(), Path: "team/wh*"}, whole, app.name), reg.Host(), w)
	app.want(t, reg, true)
	web.want(t, reg, false)
	if len(sum.Repositories) != 1 || sum.GC.Err != nil || sum.GC.Check.Images != 5+3 {
		t.Errorf("%d repositories, collection %+v", len(sum.Repositories), sum.GC)
	}
}

// A prune that collects knows what the storage names, and its keep rules do not count it.
func TestPruneWithStorage(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	app := overwrite(t, reg, "team/app")
	s := storageOf(t, reg, "team/app")
	w, _ := worldOf(t, reg)
	job := untaggedJob(t, s, app.name)
	rules, _ := job.Policy(app.name)
	rules.KeepTagged, rules.KeepLast = false, 1
	job.Policy = func(oci.Repository) (retain.Policy, error) { return rules, rules.Validate() }
	job.DryRun = true
	if sum := Prune(t.Context(), job, w); sum.Totals().Planned == 0 {
		t.Errorf("as a dry run: %+v", sum.Totals())
	}
	app.want(t, reg, false)
	job.DryRun = false
	if sum := Prune(t.Context(), job, w); sum.Totals().Failed > 0 || !sum.GC.Collected || s.runs != 2 {
		t.Errorf("%+v, %+v", sum.Totals(), sum.GC)
	}
	app.want(t, reg, true)
	job.Policy = func(oci.Repository) (retain.Policy, error) { return retain.Policy{KeepLast: 1}, nil }
	if Prune(t.Context(), job, w); s.runs != 2 {
		t.Error("the storage was asked without --untagged")
	}
}

// What was pushed later than the age allows stays, however old its build is, with all that it lists.
func TestGCUntaggedCountsFromThePush(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	app := overwrite(t, reg, "team/app")
	s := storageOf(t, reg, "team/app")
	s.link("team/app", app.gone[6], 23*time.Hour) // the outer index of the second push
	w, _ := worldOf(t, reg)
	w.Now = time.Now
	GCUntagged(t.Context(), untaggedJob(t, s), reg.Host(), w)
	app.kept, app.gone = append(app.kept, app.gone[4:]...), app.gone[:4]
	app.want(t, reg, true)
}

// A push in the middle saves what it needs: between the dry run and the plan, and between the plan and the deletion.
func TestGCUntaggedDuringAPush(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprint(late), func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			app := overwrite(t, reg, "team/app")
			s := storageOf(t, reg, "team/app")
			w, _ := worldOf(t, reg)
			push := func() { app.push.Tag(app.gone[6], "again") }
			job := untaggedJob(t, s)
			list := job.GC.ListUntagged
			job.GC.ListUntagged = func(ctx context.Context, o gc.Options, held []gc.Held) (gc.Listing, error) {
				out, err := list(ctx, o, held)
				if !late {
					push()
				}
				return out, err
			}
			if late {
				w.Confirm = func(context.Context, report.Summary) bool {
					push()
					return true
				}
			}
			GCUntagged(t.Context(), job, reg.Host(), w)
			app.kept, app.gone = append(app.kept, app.gone[4:]...), app.gone[:4]
			app.want(t, reg, true)
		})
	}
}

// What the storage says has to be whole, understood and of this registry, or nothing is deleted and nothing is stopped.
func TestGCUntaggedIsRefused(t *testing.T) {
	t.Parallel()
	other := func(log string) string { // the digests of another registry
		return regexp.MustCompile(`sha256:[0-9a-f]{8}`).ReplaceAllString(log, "sha256:00000000")
	}
	for name, c := range map[string]struct {
		change func(log string) string
		says   string
		kind   error
	}{
		"cut":            {func(log string) string { return log[:len(log)/2] }, "it is cut off", nil},
		"not understood": {func(string) string { return "<html>\n" }, "not the log of a garbage collection", nil},
		"GitLab's":       {func(string) string { return "time=x level=info msg=\"mark stage complete\"\n" }, "it is cut off", nil},
		"a number too few": {func(log string) string {
			return strings.Replace(log, "manifest eligible for deletion: ", "blob eligible for deletion: ", 1)
		}, "it names 16 manifests without a tag, and its summary says 17", nil},
		"another registry's": {other, "holds none of the 4 images with a tag that the registry serves", prune.ErrRefused},
		"candidates of another": {func(log string) string {
			out := ""
			for line := range strings.Lines(log) {
				if strings.Contains(line, "eligible for deletion: sha256") {
					line = other(line)
				}
				out += line
			}
			return out
		}, "the registry has none of the 17 manifests without a tag that the storage next to it names", prune.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			app := overwrite(t, reg, "team/app")
			push := reg.Pusher(t, "team/app")
			for i := range 8 {
				push.Image(fixture.Image{Seed: fmt.Sprint(i), Created: testNow})
			}
			s := storageOf(t, reg, "team/app")
			s.edit(c.change)
			w, _ := worldOf(t, reg)
			sum := GCUntagged(t.Context(), untaggedJob(t, s), reg.Host(), w)
			app.want(t, reg, false)
			err := sum.GC.Err
			if c.kind != nil {
				err = sum.Repositories[0].Err
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || report.Hint(err) == "" || c.kind != nil && !errors.Is(err, c.kind) || sum.GC.Collected {
				t.Errorf("got %v, hint %q, %+v", err, report.Hint(err), sum.GC)
			}
			pruned := Prune(t.Context(), untaggedJob(t, s, app.name), w).Repositories[0]
			if pruned.Err == nil || !strings.Contains(pruned.Err.Error(), c.says) {
				t.Errorf("a prune: %v", pruned.Err)
			}
			app.want(t, reg, false)
		})
	}
}

// A run that is cancelled does not collect, and the next one goes on.
func TestGCUntaggedIsCancelled(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	app := overwrite(t, reg, "team/app")
	s := storageOf(t, reg, "team/app")
	w, _ := worldOf(t, reg)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reg.AddFault(registrytest.Fault{Method: "DELETE", After: 1, Times: 1, Before: cancel})
	sum := GCUntagged(ctx, untaggedJob(t, s), reg.Host(), w)
	if sum.GC.Collected || sum.GC.Skipped == "" || !errors.Is(sum.Cause, context.Canceled) || sum.Totals().Deleted == len(app.gone) {
		t.Errorf("got %+v, %v, %+v", sum.GC, sum.Cause, sum.Totals())
	}
	sum = GCUntagged(t.Context(), untaggedJob(t, storageOf(t, reg, "team/app")), reg.Host(), w)
	app.want(t, reg, true)
	if !sum.GC.Collected {
		t.Errorf("the next run: %+v", sum.GC)
	}
}

// A digest of which the registry knows nothing is nothing: somebody has deleted it.
func TestGCUntaggedOfWhatIsGone(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	app := overwrite(t, reg, "team/app")
	s := storageOf(t, reg, "team/app")
	for _, d := range app.gone {
		reg.Remove("team/app", d)
	}
	w, _ := worldOf(t, reg)
	sum := GCUntagged(t.Context(), untaggedJob(t, s), reg.Host(), w)
	if r := sum.Repositories[0]; r.Err != nil || r.Totals().Manifests > 0 {
		t.Errorf("got %+v", r)
	}
	app.want(t, reg, true)
}

// A repository without a tag is left alone, and the run is none the worse for it.
func TestGCUntaggedLeavesWhatHasNoTag(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	app := overwrite(t, reg, "team/app")
	bare := reg.Pusher(t, "team/bare").Image(fixture.Image{Created: testNow.Add(-30 * day)})
	s := storageOf(t, reg, "team/app", "team/bare")
	reg.AddFault(registrytest.Fault{Path: "/v2/team/bare/tags/list", Times: -1, Status: 404, Body: `{"errors":[{"code":"NAME_UNKNOWN"}]}`})
	w, _ := worldOf(t, reg)
	sum := GCUntagged(t.Context(), untaggedJob(t, s), reg.Host(), w)
	app.want(t, reg, true)
	r := sum.Repositories[1]
	if r.Err != nil || r.Troubled() || len(r.Warnings) != 1 || r.Warnings[0] != "the repository has no tag, so 1 manifest without one stays" || !slices.Contains(reg.Manifests("team/bare"), bare) {
		t.Errorf("got %+v", r)
	}
}

// A ranking knows the manifests that the storage names, and what only they use.
func TestRankWithStorage(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	overwrite(t, reg, "team/app")
	s := storageOf(t, reg, "team/app")
	w, _ := worldOf(t, reg)
	everything := oci.Repository{Host: reg.Host(), Path: Everything}
	if got := Rank(t.Context(), reg.Host(), everything, nil, w); got.KnowsUntagged || got.Manifests() != 7 {
		t.Errorf("without it: %+v", got)
	}
	list := func(ctx context.Context) (gc.Listing, error) {
		job := s.job()
		return job.ListUntagged(ctx, job.Options, nil)
	}
	got := Rank(t.Context(), reg.Host(), everything, list, w)
	if !got.KnowsUntagged || got.Err != nil || got.Untagged() != 2 || got.Manifests() != 13 || got.UntaggedBytes == 0 || got.UntaggedBytes >= got.Bytes {
		t.Errorf("got %+v", got)
	}
	s.edit(func(log string) string { return log[:len(log)/2] })
	if got := Rank(t.Context(), reg.Host(), everything, list, w); got.Err == nil || !strings.Contains(got.Err.Error(), "it is cut off") {
		t.Errorf("cut: %v", got.Err)
	}
	s.edit(func(string) string {
		return regexp.MustCompile(`sha256:[0-9a-f]{8}`).ReplaceAllString("team/app\nteam/app: marking manifest sha256:"+strings.Repeat("ab", 32)+" \nmanifest eligible for deletion: sha256:"+strings.Repeat("cd", 32)+"\n\n1 blobs marked, 1 blobs and 1 manifests eligible for deletion\n", "sha256:00000000")
	})
	if got := Rank(t.Context(), reg.Host(), everything, list, w); len(got.Unread) != 1 || !errors.Is(got.Unread[0].Err, prune.ErrRefused) {
		t.Errorf("another registry's: %+v", got)
	}
}

package ecr_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

// 1000 images are deleted with 10 requests, and listed with one a look.
func TestThousand(t *testing.T) {
	t.Parallel()
	clock := &testClock{at: kindtest.Ago(1)}
	f := withActions(vendors.NewECR(t, vendors.ECROptions{Now: clock.now}))
	s := standOf(f.ECR, userKeys(f.ECR), dockerLogin(f.ECR))
	s.Fake, s.Options.Now = f, clock.now
	b := kindtest.NewBench(t, s)
	for n := range 1001 {
		clock.move(time.Second)
		b.Push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Seed: fmt.Sprint(n)})
	}
	p := retain.Policy{KeepLast: 1, Sort: retain.SortPushed}
	run := b.Sweep(p)
	b.Books(run)
	if run.Err != nil || run.Result.Err != nil || run.Statuses()[prune.Deleted] != 1000 || len(f.Deleted()) != 1000 || len(f.Refused()) > 0 {
		t.Errorf("got %v, %v, %v; by the books %d deleted, %d refused", run.Err, run.Result.Err, run.Statuses(), len(f.Deleted()), len(f.Refused()))
	}
	t.Logf("calls %v", f.calls)
	if f.calls["BatchDeleteImage"] != 10 || f.calls["DescribeImages"] > 8 || f.calls[""] > 10 {
		t.Errorf("calls %v", f.calls)
	}
}

// The list has push times and what no tag leads to.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, userKeys(f), dockerLogin(f)))
	before := time.Now().Add(-time.Second)
	untagged, tagged := b.Child("untagged", 9), b.Aged("b1", 1)
	index, parts := b.Multi("b2", 1)
	referrer := b.Push.Image(fixture.Image{MediaType: fixture.OCIManifest, Subject: tagged, ArtifactType: "application/spdx+json"})
	for _, skip := range []bool{true, false} {
		repo, traits := b.Repository()
		s, err := repo.Snapshot(t.Context(), registry.Query{SkipDates: skip})
		if err != nil || !traits.ListsUntagged || !traits.PushTime || traits.BatchSize != 100 {
			t.Fatalf("got %v, %+v", err, traits)
		}
		found := map[oci.Digest]oci.Image{}
		for _, i := range s.Images {
			found[i.Digest] = i
			if i.Pushed.Before(before) || i.Pushed.After(time.Now()) {
				t.Errorf("%s was pushed at %s", i.Digest, i.Pushed)
			}
		}
		if len(found) != 7 || len(s.Warnings)+len(s.Ghosts) > 0 {
			t.Errorf("%d images, warnings %q, ghosts %q", len(found), s.Warnings, s.Ghosts)
		}
		if found[untagged].Kind != oci.KindImage || found[referrer].Subject != tagged || !slices.Equal(found[index].Children, parts) {
			t.Errorf("untagged %+v, referrer %+v, index %+v", found[untagged], found[referrer], found[index])
		}
	}
	if _, ok := any(mustRepository(b)).(registry.TagDeleter); ok {
		t.Error("tags can be deleted one by one")
	}
}

func mustRepository(b *kindtest.Bench) registry.Repository {
	repo, _ := b.Repository()
	return repo
}

// An archived image stays, whatever its tag is.
func TestArchived(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, userKeys(f), dockerLogin(f)))
	archived, old, last := b.Aged("latest", 9), b.Aged("b1", 2), b.Aged("b2", 1)
	f.SetStatus(archived, "ARCHIVED")
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There([]oci.Digest{archived, last}, []oci.Digest{old})
}

// An archived index hides what it lists. That was pushed before it, so that what is older stays, and the rest is pruned.
func TestArchivedIndex(t *testing.T) {
	t.Parallel()
	var minutes atomic.Int64
	start := time.Now()
	clock := func() time.Time { return start.Add(time.Duration(minutes.Load()) * time.Minute) }
	f := vendors.NewECR(t, vendors.ECROptions{Now: clock})
	s := standOf(f, userKeys(f), dockerLogin(f))
	s.Options.Now = clock
	b := kindtest.NewBench(t, s)
	before := b.Aged("b0", 9)
	index, parts := b.Multi("b1", 9)
	minutes.Add(30) // the clocks of servers differ
	during := b.Aged("b2", 8)
	minutes.Add(60)
	later, _ := b.Multi("b3", 7)
	last := b.Aged("b4", 6)
	f.SetStatus(index, "ACTIVATING")
	run := b.Sweep(keepOne)
	b.Settled(run, keepOne)
	b.There(append(parts, before, index, during, last), []oci.Digest{later})
	why := map[oci.Digest]string{}
	for _, d := range run.Plan.Decisions {
		why[d.Image.Digest] = d.Image.Retained
	}
	if !strings.Contains(why[before], index.String()) || !strings.Contains(why[parts[0]], "archived") || why[last] != "" {
		t.Errorf("got the reasons %v", why)
	}
	f.SetStatus(index, "ACTIVE")
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There([]oci.Digest{last}, append(parts, before, index, during))
}

// Where everything is older than the archived index, nothing is deleted, and that is not an error.
func TestArchivedIndexOfAll(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, userKeys(f), dockerLogin(f)))
	b.Aged("b1", 2)
	index, _ := b.Multi("b2", 1)
	f.SetStatus(index, "ARCHIVED")
	b.Settled(b.Sweep(keepOne), keepOne)
	if n := len(f.Deleted()); n > 0 {
		t.Errorf("%d deletions", n)
	}
}

// An index that a run has read before it was archived hides nothing.
func TestArchivedIndexThatIsKnown(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, userKeys(f), dockerLogin(f)))
	old := b.Aged("b1", 9)
	index, parts := b.Multi("b2", 8)
	last := b.Aged("b3", 7)
	b.Settled(b.Sweep(retain.Policy{KeepLast: 3}), retain.Policy{KeepLast: 3})
	f.SetStatus(index, "ARCHIVED")
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There(append(parts, index, last), []oci.Digest{old})
}

// An index that is pushed and archived while a run goes on ends the run: nothing was planned with it.
func TestArchivedMeanwhile(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, userKeys(f), dockerLogin(f)))
	old, last := b.Aged("b1", 2), b.Aged("b2", 1)
	run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) {
		f.SetStatus(b.Push.Index(fixture.Index{Tags: []string{"b3"}, Children: []oci.Digest{old}}), "ARCHIVED")
	})
	if !errors.Is(run.Result.Err, registry.ErrIncomplete) {
		t.Errorf("got %v", run.Result.Err)
	}
	b.There([]oci.Digest{old, last}, nil)
}

// Without AWS credentials the docker login does what it can, and the run says what it cannot.
func TestDockerLogin(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, nil, dockerLogin(f)))
	old, last := b.Aged("b1", 2), b.Aged("b2", 1)
	repo, traits := b.Repository()
	if traits.BatchSize > 1 || traits.ListsUntagged || traits.PushTime || traits.Kind != "ecr" {
		t.Errorf("got %+v", traits)
	}
	if _, ok := repo.(registry.TagDeleter); ok {
		t.Error("tags can be deleted one by one")
	}
	s, err := repo.Snapshot(t.Context(), registry.Query{})
	if err != nil || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "no AWS credentials") {
		t.Errorf("got %q, %v", s.Warnings, err)
	}
	run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) { b.Push.Index(fixture.Index{Children: []oci.Digest{old}}) })
	if run.Statuses()[prune.Skipped] != 1 || run.Result.Err != nil { // the OCI API lists no untagged index
		t.Errorf("an image that an index needs: %+v, %v", run.Result.Outcomes, run.Result.Err)
	}
	b.There([]oci.Digest{old, last}, nil)
	f.ExpirePasswords()
	run = b.Sweep(keepOne)
	if !errors.Is(run.Err, registry.ErrUnauthorized) || !strings.Contains(hintOf(run.Err), "amazon-ecr-login") {
		t.Errorf("an expired login: %v with the hint %q", run.Err, hintOf(run.Err))
	}
	b.Options.Credentials = registry.Credentials{}
	run = b.Sweep(keepOne)
	if !errors.Is(run.Err, registry.ErrUnauthorized) || !strings.Contains(hintOf(run.Err), "configure-aws-credentials") {
		t.Errorf("no login: %v with the hint %q", run.Err, hintOf(run.Err))
	}
}

// A host whose challenge alone tells the kind is a proxy: it is used by digest, with no AWS credentials.
func TestProxy(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	s := standOf(f, userKeys(f), dockerLogin(f))
	s.Host, s.Options.PlainHTTP = f.Host(), true
	b := kindtest.NewBench(t, s)
	old, last := b.Aged("b1", 2), b.Aged("b2", 1)
	repo, _ := b.Repository()
	got, err := repo.Snapshot(t.Context(), registry.Query{})
	if err != nil || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "a proxy") {
		t.Errorf("got %q, %v", got.Warnings, err)
	}
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There([]oci.Digest{last}, []oci.Digest{old})
	for _, v := range slices.Concat(slices.Collect(maps.Values(f.Sent()))...) {
		if strings.HasPrefix(v, "AWS4") {
			t.Errorf("a proxy was sent %.40q", v)
		}
	}
}

// A manifest without a tag is read where the list names no subject: a list that leaves subjects out does not
// make an attachment look like an image.
func TestSubjectNotListed(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, userKeys(f), dockerLogin(f)))
	image := b.Aged("b1", 1)
	referrer := b.Push.Image(fixture.Image{MediaType: fixture.OCIManifest, Subject: image, ArtifactType: "application/spdx+json"})
	f.AddFault(registrytest.Fault{Method: "POST", Path: "/", Times: -1, Edit: func(r *registrytest.Response) {
		r.Body = []byte(strings.ReplaceAll(string(r.Body), "subjectManifestDigest", "subject"))
	}})
	s, err := mustRepository(b).Snapshot(t.Context(), registry.Query{SkipDates: true})
	if err != nil || !slices.ContainsFunc(s.Images, func(i oci.Image) bool { return i.Digest == referrer && i.Subject == image }) {
		t.Errorf("got %+v, %v", s.Images, err)
	}
}

// A registry without deletion over the OCI API deletes with AWS credentials.
func TestNoDeletionByDockerLogin(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{NoOCIDelete: true})
	b := kindtest.NewBench(t, standOf(f, nil, dockerLogin(f)))
	old, last := b.Aged("b1", 2), b.Aged("b2", 1)
	var err error
	run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) {
		repo, _ := b.Repository()
		err = repo.Delete(t.Context(), []oci.Image{{Digest: old}})[0].Err
	})
	if run.Statuses()[prune.Failed] != 1 || !strings.Contains(hintOf(err), "AWS_ACCESS_KEY_ID") {
		t.Errorf("got %+v; %v with the hint %q", run.Result.Outcomes, err, hintOf(err))
	}
	b.There([]oci.Digest{old, last}, nil)
	b.Options.Getenv = userKeys(f).get
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There([]oci.Digest{last}, []oci.Digest{old})
}

// Names have more than letters, and a repository that does not exist is told as such.
func TestNames(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	s := standOf(f, userKeys(f), registry.Credentials{})
	s.Path = "team/sub.team/my_app-1"
	b := kindtest.NewBench(t, s)
	old, last := b.Aged("b1", 2), b.Aged("b2", 1)
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There([]oci.Digest{last}, []oci.Digest{old})
	b.Path = "team/other"
	if run := b.Sweep(keepOne); !errors.Is(run.Err, registry.ErrUnknownRepository) || !strings.Contains(hintOf(run.Err), "the region") {
		t.Errorf("got %v with the hint %q", run.Err, hintOf(run.Err))
	}
}

// Images that fail by themselves say nothing of the others, however many there are.
func TestManyFail(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, userKeys(f), dockerLogin(f)))
	for n := range 9 {
		if d := b.Aged(fmt.Sprint("b", n), 20-n); n < 7 {
			f.Fail(d, "KmsError")
		}
	}
	run := b.Sweep(keepOne)
	if n := run.Statuses(); run.Result.Err != nil || n[prune.Failed] != 7 || n[prune.Deleted] != 1 {
		t.Errorf("got %v, %v", n, run.Result.Err)
	}
	for _, o := range run.Result.Outcomes {
		if o.Status == prune.Failed && !strings.Contains(o.Detail, "KmsError: Requested image cannot be deleted") {
			t.Errorf("got %q", o.Detail)
		}
	}
	b.Books(run)
}

// The kind does not fit every host, and a level can have more images than a request takes.
func TestLevelsAndHosts(t *testing.T) {
	t.Parallel()
	f := vendors.NewECR(t, vendors.ECROptions{})
	b := kindtest.NewBench(t, standOf(f, userKeys(f), dockerLogin(f)))
	var level []oci.Image
	for n := range 150 {
		level = append(level, oci.Image{Digest: b.Push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Seed: fmt.Sprint(n)})})
	}
	level = append(level, oci.Image{Digest: oci.Digest("sha256:" + strings.Repeat("1", 64))}, oci.Image{Digest: "b1"})
	for i, r := range mustRepository(b).Delete(t.Context(), level) {
		switch tag := i == 151; {
		case tag && r.Err == nil:
			t.Error("a tag was taken for a digest")
		case !tag && r.Err != nil, !tag && r.Existed != (i < 150):
			t.Errorf("%d: got %+v", i, r)
		}
	}
	if n := len(f.Deleted()); n != 150 {
		t.Errorf("deleted %d", n)
	}
	_, err := kinds.Open("registry.example.com", registry.Options{Kind: "ecr", Getenv: userKeys(f).get})
	if err == nil || !strings.Contains(hintOf(err), "--registry-kind") {
		t.Errorf("got %v with the hint %q", err, hintOf(err))
	}
}

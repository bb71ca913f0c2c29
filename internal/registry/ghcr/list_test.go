package ghcr_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/ghcr"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// list reads the list alone.
func (s stand) list(b *kindtest.Bench) ([]oci.Digest, error) {
	repo, _ := b.Repository()
	return ghcr.List(s.Context(b.T.Context()), repo)
}

// read reads a snapshot as a run does, by names alone.
func (s stand) read(b *kindtest.Bench) (oci.Snapshot, error) {
	repo, _ := b.Repository()
	return repo.Snapshot(s.Context(b.T.Context()), registry.Query{SkipDates: true})
}

const listPath = "/orgs/acme/packages/container/team/app/versions"

// Pages are offsets: what is pushed and deleted while they are read moves versions from page to page. Whatever happens
// before whichever page, no version is missed that was there all the time.
func TestListThatShifts(t *testing.T) {
	t.Parallel()
	testListThatShifts(t, 250, []int{0, 1, 2, 3, 4})
	testListThatShifts(t, 300, []int{1, 2}) // the last page is full, and needs no second look at the first one
}

// testListThatShifts lets something happen to n versions before the given requests for the list.
func testListThatShifts(t *testing.T, n int, before []int) {
	t.Helper()
	events := map[string]func(s stand, b *kindtest.Bench, ds []oci.Digest){
		"a push":                   func(_ stand, b *kindtest.Bench, _ []oci.Digest) { b.Push.Image(fixture.Image{Tags: []string{"fresh"}}) },
		"a deletion of the oldest": func(s stand, _ *kindtest.Bench, ds []oci.Digest) { s.fake.Remove(path, ds[0]) },
		"a deletion in the middle": func(s stand, _ *kindtest.Bench, ds []oci.Digest) { s.fake.Remove(path, ds[n/2]) },
		"a deletion of the newest": func(s stand, _ *kindtest.Bench, ds []oci.Digest) { s.fake.Remove(path, ds[n-1]) },
		"a push and a deletion of the newest": func(s stand, b *kindtest.Bench, ds []oci.Digest) {
			b.Push.Image(fixture.Image{Tags: []string{"fresh"}})
			s.fake.Remove(path, ds[n-1])
		},
		"a push and a deletion": func(s stand, b *kindtest.Bench, ds []oci.Digest) {
			b.Push.Image(fixture.Image{Tags: []string{"fresh"}})
			s.fake.Remove(path, ds[n/2])
		},
	}
	for name, happen := range events {
		for _, after := range before {
			t.Run(fmt.Sprint(n, " versions, ", name, " before request ", after), func(t *testing.T) {
				t.Parallel()
				s := newStand(t, vendors.GHCROptions{})
				b := kindtest.NewBench(t, s.Stand)
				s.builds(b, n)
				ds := make([]oci.Digest, 0, n)
				for _, v := range slices.Backward(s.fake.Versions(path)) {
					ds = append(ds, v.Digest)
				}
				s.fake.AddFault(registrytest.Fault{Method: "GET", Path: listPath, After: after, Before: func() { happen(s, b, ds) }})
				s.listsAll(b, ds)
			})
		}
	}
}

// listsAll reads a list that has to have those of the digests that the fake still has.
func (s stand) listsAll(b *kindtest.Bench, ds []oci.Digest) {
	b.T.Helper()
	got, err := s.list(b)
	if err != nil {
		b.T.Fatal(err)
	}
	for _, v := range s.fake.Versions(path) {
		if slices.Contains(ds, v.Digest) && !slices.Contains(got, v.Digest) {
			b.T.Errorf("the list misses %v, which was there all the time", v.Tags)
		}
	}
}

// A deletion before the last page is read and a push after it leave pages that fit together without a version that was
// there all the time.
func TestListThatShiftsForthAndBack(t *testing.T) {
	t.Parallel()
	for n, reads := range map[int]int{250: 4 + 4, 300: 4 + 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := newStand(t, vendors.GHCROptions{})
			b := kindtest.NewBench(t, s.Stand)
			s.builds(b, n)
			all := s.fake.Versions(path)
			ds := make([]oci.Digest, 0, n)
			for _, v := range all {
				ds = append(ds, v.Digest)
			}
			deleted := false
			s.fake.AddFault(registrytest.Fault{Method: "GET", Path: listPath, After: 1, Times: 2, Before: func() {
				if deleted {
					b.Push.Image(fixture.Image{Tags: []string{"fresh"}})
					return
				}
				s.fake.Remove(path, ds[50])
				deleted = true
			}})
			s.listsAll(b, ds)
			if got := s.fake.Count("GET", "*/versions"); got != reads {
				t.Errorf("the list took %d requests, want %d", got, reads)
			}
		})
	}
}

// A list that never comes to rest is not taken.
func TestListThatNeverRests(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 150)
	n := 0
	s.fake.AddFault(registrytest.Fault{Method: "GET", Path: listPath, Times: -1, Before: func() {
		n++
		s.clock.advance(1)
		b.Push.Image(fixture.Image{Tags: []string{fmt.Sprint("fresh", n)}})
	}})
	if _, err := s.list(b); !errors.Is(err, registry.ErrIncomplete) {
		t.Errorf("got error %v", err)
	}
}

// What a list may look like, and what it must not.
func TestListShapes(t *testing.T) {
	t.Parallel()
	edit := func(edit func(*registrytest.Response)) func(stand) {
		return func(s stand) {
			s.fake.AddFault(registrytest.Fault{Method: "GET", Path: listPath, Times: -1, Edit: edit})
		}
	}
	const d = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	one := func(body string) func(stand) { return edit(registrytest.SetBody(body)) }
	for name, tc := range map[string]struct {
		options vendors.GHCROptions
		harm    func(stand)
		want    error
		reads   int
	}{
		"links to the organization by its number": {vendors.GHCROptions{OrganizationLinks: true}, func(stand) {}, nil, 4},
		"links to a foreign host":                 {vendors.GHCROptions{ForeignLinks: "evil.example.com"}, func(stand) {}, registry.ErrIncomplete, 1},
		"no links at all":                         {vendors.GHCROptions{}, edit(registrytest.SetHeader("Link", "")), nil, 6},
		"a link that is not one":                  {vendors.GHCROptions{}, edit(registrytest.SetHeader("Link", "next page")), registry.ErrIncomplete, 1},
		"no id":                                   {vendors.GHCROptions{}, one(`[{"name":"` + d + `","metadata":{"container":{"tags":[]}}}]`), registry.ErrIncomplete, 1},
		"no list of tags":                         {vendors.GHCROptions{}, one(`[{"id":7,"name":"` + d + `","metadata":{"container":{}}}]`), registry.ErrIncomplete, 1},
		"no metadata":                             {vendors.GHCROptions{}, one(`[{"id":7,"name":"` + d + `"}]`), registry.ErrIncomplete, 1},
		"no digest":                               {vendors.GHCROptions{}, one(`[{"id":7,"name":"1.0.0","metadata":{"container":{"tags":[]}}}]`), registry.ErrIncomplete, 1},
		"a date that is not one":                  {vendors.GHCROptions{}, one(`[{"id":7,"name":"` + d + `","created_at":"now","metadata":{"container":{"tags":[]}}}]`), registry.ErrIncomplete, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, tc.options)
			b := kindtest.NewBench(t, s.Stand)
			s.builds(b, 201)
			tc.harm(s)
			got, err := s.list(b)
			if !errors.Is(err, tc.want) || err == nil && len(got) != 201 {
				t.Errorf("got %d versions, %v, want %v", len(got), err, tc.want)
			}
			if reads := s.fake.Count("GET", "*/versions"); reads != tc.reads {
				t.Errorf("the list took %d requests, want %d", reads, tc.reads)
			}
			if strays := s.fake.Strays(); len(strays) > 0 {
				t.Errorf("asked elsewhere: %v", strays)
			}
		})
	}
}

// What the list says of a version: its tags, when it was pushed, and that it is the last tagged one.
func TestListedVersions(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{})
	b := kindtest.NewBench(t, s.Stand)
	pushed := s.clock.Now()
	s.builds(b, 2)
	s.fake.Untag(path, "b1")
	got, err := s.read(b)
	if err != nil || len(got.Images) != 2 {
		t.Fatal(got, err)
	}
	for _, i := range got.Images {
		tagged := len(i.Tags) > 0
		if (i.Retained != "") != tagged || tagged && !i.Pushed.Equal(pushed) {
			t.Errorf("%+v", i)
		}
	}
}

// The owner of a package is an organization or a user, and a package's name may have slashes.
func TestOwners(t *testing.T) {
	t.Parallel()
	for at, wants := range map[string]string{
		"acme/app": "/orgs/acme/packages/container/app/versions", "octocat/app": "/users/octocat/packages/container/app/versions",
		"acme/a/b.c/d_e": "/orgs/acme/packages/container/a/b.c/d_e/versions",
	} {
		s := newStand(t, vendors.GHCROptions{})
		s.Path = at
		b := kindtest.NewBench(t, s.Stand)
		b.Push.Image(fixture.Image{Tags: []string{"b1"}})
		if _, err := s.read(b); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		if s.fake.Count("GET", wants) != 1 {
			t.Errorf("%s: asked %+v", at, s.fake.Requests())
		}
	}
}

// Lists lag behind deletions: a version that is listed and gone is no image.
func TestStaleList(t *testing.T) {
	t.Parallel()
	s := newStand(t, vendors.GHCROptions{StaleReads: 4})
	b := kindtest.NewBench(t, s.Stand)
	s.builds(b, 5)
	run := b.Sweep(keepOne)
	if run.Result.Err != nil || len(s.fake.Deleted()) != 4 {
		t.Errorf("got %v, %v", run.Result.Err, run.Statuses())
	}
	run = b.Sweep(keepOne) // which finds the versions listed all the same
	if n := run.Statuses()[prune.Gone]; run.Result.Err != nil || n != len(run.Result.Outcomes) {
		t.Errorf("got %v, %v", run.Result.Err, run.Statuses())
	}
	b.Again(keepOne)
}

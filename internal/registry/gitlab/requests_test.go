package gitlab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// asked returns how many requests of a fake have a method and a part of the path.
func asked(f *vendors.GitLab, method, part string) int {
	n := 0
	for _, r := range f.Requests() {
		if r.Method == method && strings.Contains(r.Path, part) && r.Status != 401 {
			n++
		}
	}
	return n
}

// 1000 tags are one request, whatever the host tells; the same number of requests finds out that it is GitLab.
func TestOneRequestForAThousandTags(t *testing.T) {
	t.Parallel()
	requests := map[string]int{}
	for name, stand := range map[string]func(*vendors.GitLab, vendors.Login) kindtest.Stand{"by name": standOf, "found out": ownHost} {
		f := vendors.NewGitLab(t, vendors.GitLabOptions{Logins: []vendors.Login{job}})
		b := kindtest.NewBench(t, stand(f, job))
		image := b.Aged("b0000", 9)
		for n := range 1000 {
			f.SetTag(path, fmt.Sprintf("b%04d", n), image)
		}
		f.ResetRequests()
		r, traits := b.Repository()
		s, err := r.Snapshot(t.Context(), registry.Query{})
		if err != nil || len(s.Images) != 1 || len(s.Images[0].Tags) != 1000 {
			t.Fatal(name, err, len(s.Images))
		}
		if told, is := r.(registry.Recognizer); is {
			r, traits = told.Recognized()
		}
		if traits.Kind != "gitlab" || !traits.PushTime {
			t.Errorf("%s: %+v", name, traits)
		}
		if n := asked(f, "GET", "/tags/list"); n != 1 {
			t.Errorf("%s: %d lists", name, n)
		}
		requests[name] = len(f.Requests())
		if _, err := r.Refresh(t.Context(), s, nil); err != nil {
			t.Error(name, err)
		}
		if n := asked(f, "GET", "/tags/list"); n != 2 || len(f.Requests()) != requests[name]+1 {
			t.Errorf("%s: a look takes %d lists, %d requests", name, n-1, len(f.Requests())-requests[name])
		}
		if sent := f.Sent(); len(f.Strays()) > 0 || len(sent) > 2 {
			t.Errorf("%s: sent to %v, strays %v", name, sent, f.Strays())
		}
	}
	if requests["by name"] != requests["found out"] {
		t.Errorf("requests: %v", requests)
	}
}

// The push time is that of the youngest tag, also where GitLab is too old to say published_at.
func TestPushTime(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		f := vendors.NewGitLab(t, vendors.GitLabOptions{Logins: []vendors.Login{job}, NoPublished: old, Now: func() time.Time { return clock }})
		b := kindtest.NewBench(t, standOf(f, job))
		first := b.Push.Image(fixture.Image{Tags: []string{"b1"}, Seed: "1"})
		clock = clock.Add(time.Minute)
		b.Push.Image(fixture.Image{Tags: []string{"b2"}, Seed: "2"})
		clock = clock.Add(time.Minute)
		b.Push.Tag(first, "latest")
		r, _ := b.Repository()
		s, err := r.Snapshot(t.Context(), registry.Query{SkipDates: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range s.Images {
			if want := map[bool]int{true: 2, false: 1}[i.Digest == first]; i.Pushed.Minute() != want {
				t.Errorf("%v was pushed at %s", i.Tags, i.Pushed)
			}
		}
		if n := asked(f, "GET", "/manifests/"); n != 0 {
			t.Errorf("names alone need %d manifests", n)
		}
	}
}

// Without the metadata database, tags can be removed and pushing times are unknown; that is told before anything is decided.
func TestWithoutDatabase(t *testing.T) {
	t.Parallel()
	for _, stand := range []func(*vendors.GitLab, vendors.Login) kindtest.Stand{standOf, ownHost} {
		f := vendors.NewGitLab(t, vendors.GitLabOptions{Logins: []vendors.Login{job}, NoDatabase: true})
		b := kindtest.NewBench(t, stand(f, job))
		b.Aged("b1", 2)
		r, _ := b.Repository()
		if _, err := r.Snapshot(t.Context(), registry.Query{}); err != nil {
			t.Fatal(err)
		}
		r, traits := r.(registry.Recognizer).Recognized()
		if _, can := r.(registry.TagDeleter); !can || traits.PushTime || traits.AttachmentsFirst || traits.Frees || traits.Kind != "gitlab" {
			t.Errorf("%T %+v", r, traits)
		}
	}
	f := vendors.NewGitLab(t, vendors.GitLabOptions{Logins: []vendors.Login{job}})
	b := kindtest.NewBench(t, standOf(f, job))
	r, _ := b.Repository()
	if _, can := r.(registry.TagDeleter); can {
		t.Error("with the database, tags go with their images alone")
	}
}

package kinds_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

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

var keepOne = retain.Policy{KeepLast: 1}

// count returns how many requests have a method, a part of the path and a status; "" and 0 are any.
func count(f kindtest.Fake, method, part string, status int) int {
	n := 0
	for _, r := range f.Requests() {
		if (method == "" || r.Method == method) && strings.Contains(r.Path, part) && (status == 0 || r.Status == status) {
			n++
		}
	}
	return n
}

// hintOf returns the hint of an error, "" without one.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// kindOf reads a repository with an image and returns the kind that it was recognized as.
func kindOf(t *testing.T, b *kindtest.Bench) registry.Traits {
	t.Helper()
	r, traits := b.Repository()
	if _, err := r.Snapshot(t.Context(), registry.Query{}); err != nil {
		t.Fatal(err)
	}
	if told, is := r.(registry.Recognizer); is {
		r, traits = told.Recognized()
	}
	if _, can := r.(registry.TagDeleter); can != (traits.Kind == "distribution") {
		t.Errorf("%s: tags can be removed: %v", traits.Kind, can)
	}
	return traits
}

// Each is recognized by what it answers anyway; zot alone is asked one question more.
func TestFoundOut(t *testing.T) {
	t.Parallel()
	logins := []vendors.Login{pruner, reader}
	plain := registrytest.New(t, registrytest.Options{})
	for _, tc := range []struct {
		want, host string
		fake       kindtest.Fake
		login      vendors.Login
		questions  int
	}{
		{"zot", "zot.example", vendors.NewZot(t, vendors.ZotOptions{Logins: logins, Search: true}), pruner, 1},
		{"distribution", "zot.example", vendors.NewZot(t, vendors.ZotOptions{Logins: logins}), pruner, 1}, // without extensions
		{"gitea", "gitea.example", vendors.NewGitea(t, vendors.GiteaOptions{Logins: logins}), pruner, 0},
		{"nexus", "registry.example", vendors.NewNexus(t, vendors.HeadersOptions{Logins: logins}), pruner, 0},
		{"artifactory", "registry.example", vendors.NewArtifactory(t, vendors.HeadersOptions{Logins: logins}), pruner, 0},
		{"quay", "quay.io", vendors.NewQuay(t, vendors.QuayOptions{Logins: []vendors.Login{quayPruner}}), quayPruner, 0},
	} {
		b := kindtest.NewBench(t, standOf(tc.fake, tc.host, tc.login))
		b.Aged("b1", 1)
		if got := kindOf(t, b).Kind; got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
		if n := count(tc.fake, "GET", "/_oci/ext/discover", 0); n != tc.questions {
			t.Errorf("%s: %d questions", tc.want, n)
		}
	}
	p := fixture.ForTest(t, fixture.New(plain.URL(), path))
	p.Image(fixture.Image{Tags: []string{"b1"}})
	r, err := openLocal(plain.Host())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Repository(path).Snapshot(t.Context(), registry.Query{}); err != nil || plain.Count("GET", "*discover") > 0 {
		t.Errorf("%v, %d questions to distribution", err, plain.Count("GET", "*discover"))
	}
}

// zot answers 405 DENIED for what an index lists, also many times in a row. Nothing of that is disabled deletion.
func TestZotRefusesSeveral(t *testing.T) {
	t.Parallel()
	f := vendors.NewZot(t, vendors.ZotOptions{Logins: []vendors.Login{pruner}})
	b := kindtest.NewBench(t, standOf(f, "zot.example", pruner))
	var listed []oci.Digest
	for n := range 9 {
		listed = append(listed, b.Aged(fmt.Sprint("b", n), 20-n))
	}
	free, last := b.Aged("c1", 3), b.Aged("c2", 1)
	b.Push.Index(fixture.Index{Children: listed})
	for range 2 {
		run := b.Sweep(keepOne)
		if got := run.Statuses(); run.Err != nil || run.Result.Err != nil || got[prune.Skipped] != 9 || len(run.Result.Unfinished) > 0 {
			t.Errorf("%v, %v, %+v", got, run.Err, run.Result.Err)
		}
		b.Books(run)
	}
	b.There(append(listed, last), []oci.Digest{free})
}

// Quay answers 404 to the deletion of a child. As long as it can be read it is there, and its index has taken it along
// only later.
func TestQuayChildrenThatAreStillThere(t *testing.T) {
	t.Parallel()
	f, s := quay(t, vendors.QuayOptions{})
	b := kindtest.NewBench(t, s)
	index, parts := b.Multi("b1", 3)
	last := b.Aged("b2", 1)
	run := b.Sweep(keepOne)
	if got := run.Statuses(); run.Err != nil || run.Result.Err != nil || got[prune.Deleted] != 1 || got[prune.Skipped] != len(parts) || len(run.Result.Unfinished) > 0 {
		t.Errorf("%v, %v, %+v", got, run.Err, run.Result)
	}
	for _, d := range parts {
		if o := run.Result.Outcomes[d]; !strings.Contains(o.Detail, "goes by itself") {
			t.Errorf("%+v", o)
		}
	}
	b.Books(run)
	b.There([]oci.Digest{last}, []oci.Digest{index})
	b.Again(keepOne)
	if n := count(f, "GET", "/v2/auth", 400); n > 2 { // once a run: Quay knows no scope with the action delete
		t.Errorf("%d token requests were refused", n)
	}
}

// Gitea's challenge names a scope of its own. Each request is sent once for all that.
func TestGiteaRequests(t *testing.T) {
	t.Parallel()
	const builds = 500
	f := vendors.NewGitea(t, vendors.GiteaOptions{Logins: []vendors.Login{pruner}, TwoChallenges: true})
	b := kindtest.NewBench(t, standOf(f, "gitea.example", pruner))
	images := make([]fixture.Image, builds)
	for n := range images {
		images[n] = fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: kindtest.Ago(n + 1)}
	}
	b.Push.Images(images)
	f.ResetRequests()
	run := b.Sweep(retain.Policy{KeepLast: 2})
	if run.Err != nil || run.Result.Err != nil || run.Statuses()[prune.Deleted] != builds-2 {
		t.Fatalf("%v, %v, %v", run.Err, run.Result.Err, run.Statuses())
	}
	if n := len(f.Requests()); n > 2010 {
		t.Errorf("%d requests", n)
	}
	if n := count(f, "", "/v2/", 401); n > 1 {
		t.Errorf("%d requests were sent without a token", n)
	}
	t.Logf("%d requests, %d of them refused", len(f.Requests()), count(f, "", "", 401))
	b.Books(run)
}

// A login that lacks a right is told which, and nothing is deleted.
func TestLoginsThatMayNotDelete(t *testing.T) {
	t.Parallel()
	logins := []vendors.Login{pruner, reader}
	_, quayStand := quay(t, vendors.QuayOptions{})
	quayStand.Options.Credentials = login(reader, "quay.io")
	zot := standOf(vendors.NewZot(t, vendors.ZotOptions{Logins: logins}), "zot.example", reader)
	zot.Options.Kind = "zot" // its answers to a login do not tell
	for name, tc := range map[string]struct {
		stand kindtest.Stand
		hint  string
	}{
		"gitea":       {standOf(vendors.NewGitea(t, vendors.GiteaOptions{Logins: logins}), "gitea.example", reader), "write:package"},
		"zot":         {zot, "the action delete"},
		"plain":       {standOf(vendors.NewZot(t, vendors.ZotOptions{Logins: logins}), "zot.example", reader), "the right to delete"},
		"quay":        {quayStand, "the Write permission"},
		"nexus":       {standOf(vendors.NewNexus(t, vendors.HeadersOptions{Logins: logins}), "registry.example", reader), "nx-repository-view-docker-REPOSITORY-delete"},
		"artifactory": {standOf(vendors.NewArtifactory(t, vendors.HeadersOptions{Logins: logins}), "registry.example", reader), "Delete/Overwrite"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := kindtest.NewBench(t, tc.stand)
			b.Aged("b1", 2)
			b.Aged("b2", 1)
			run := b.Sweep(keepOne)
			if !errors.Is(run.Result.Err, registry.ErrForbidden) || !strings.Contains(hintOf(run.Result.Err), tc.hint) {
				t.Errorf("%v, %v with the hint %q", run.Err, run.Result.Err, hintOf(run.Result.Err))
			}
			b.Books(run)
			if n := len(b.Fake.Deleted()); n > 0 {
				t.Errorf("%d were deleted", n)
			}
		})
	}
}

// Nexus from 3.89 on leaves the tags of what is deleted by digest. That is told by name, for a single image too.
func TestTagsThatStay(t *testing.T) {
	t.Parallel()
	for _, doomed := range []int{1, 3} {
		f := vendors.NewNexus(t, vendors.HeadersOptions{Logins: []vendors.Login{pruner}, LeavesTags: true})
		b := kindtest.NewBench(t, standOf(f, "registry.example", pruner))
		for n := range doomed {
			b.Aged(fmt.Sprint("b", n), 20-n)
		}
		b.Aged("c1", 1)
		run := b.Sweep(keepOne)
		if run.Err != nil || run.Result.Err != nil || run.Statuses()[prune.Deleted] != doomed {
			t.Fatalf("%v, %+v", run.Err, run.Result)
		}
		b.Books(run)
		for n := range doomed {
			if !slices.ContainsFunc(run.Result.Warnings, func(w string) bool { return strings.Contains(w, fmt.Sprintf("tag b%d is still listed", n)) }) {
				t.Errorf("of %d: tag b%d is not told: %q", doomed, n, run.Result.Warnings)
			}
		}
		b.Again(keepOne)
	}
}

// servedByTag is go-containerregistry's registry: what is deleted by digest is served by its tags for ever.
func servedByTag(t *testing.T) kindtest.Fake {
	t.Helper()
	f := vendors.NewZot(t, vendors.ZotOptions{Logins: []vendors.Login{pruner}})
	left := map[string]oci.Digest{}
	f.AddFault(registrytest.Fault{Method: http.MethodDelete, Times: -1, Edit: func(r *registrytest.Response) {
		for _, d := range f.Deleted() {
			for _, tag := range d.Tags {
				left[tag] = d.Digest
			}
		}
	}})
	f.AddFault(registrytest.Fault{Method: http.MethodGet, Path: "*/tags/list", Times: -1, Edit: func(r *registrytest.Response) {
		for tag := range left {
			r.Body = []byte(strings.Replace(string(r.Body), `"tags":[`, `"tags":["`+tag+`",`, 1))
		}
	}})
	f.AddFault(registrytest.Fault{Method: http.MethodHead, Path: "*/manifests/b*", Times: -1, Edit: func(r *registrytest.Response) {
		if d := left["b0"]; d != "" {
			*r = registrytest.Response{Status: 200, Header: http.Header{"Docker-Content-Digest": {d.String()}, "Content-Type": {fixture.OCIManifest}}}
		}
	}})
	return f
}

// A tag that is still served after the deletion of its manifest is told as well, where the first answer does not show
// that the registry is one of those that remove tags.
func TestTagsThatAreStillServed(t *testing.T) {
	t.Parallel()
	b := kindtest.NewBench(t, standOf(servedByTag(t), "zot.example", pruner))
	b.Aged("b0", 9)
	b.Aged("c1", 1)
	run := b.Sweep(keepOne)
	if run.Err != nil || run.Result.Err != nil || run.Statuses()[prune.Deleted] != 1 {
		t.Fatalf("%v, %+v", run.Err, run.Result)
	}
	if w := run.Result.Warnings; len(w) != 1 || !strings.Contains(w[0], "tag b0 is still listed") {
		t.Errorf("warnings %q", w)
	}
}

// A kind that does not fit the host costs nothing but what the kind would add: the OCI API is there.
func TestKindThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gitlab", "harbor", "quay", "gitea", "zot", "nexus", "artifactory"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := vendors.NewZot(t, vendors.ZotOptions{Logins: []vendors.Login{pruner}})
			s := standOf(f, "zot.example", pruner)
			s.Options.Kind = name
			b := kindtest.NewBench(t, s)
			old, last := b.Aged("b1", 2), b.Aged("b2", 1)
			run := b.Sweep(keepOne)
			if run.Err != nil || run.Result.Err != nil {
				t.Fatal(run.Err, run.Result.Err)
			}
			b.Books(run)
			b.There([]oci.Digest{last}, []oci.Digest{old})
			if r, _ := b.Repository(); name == "gitlab" || name == "harbor" {
				if _, err := r.Snapshot(t.Context(), registry.Query{}); err != nil {
					t.Fatal(err)
				}
				if _, traits := r.(registry.Recognizer).Recognized(); traits.PushTime || traits.Kind != name {
					t.Errorf("%+v", traits)
				}
			}
		})
	}
}

// Harbor's challenge to the catalog is another one than that to everything else, and tells the kind as well.
func TestHarborByItsCatalog(t *testing.T) {
	t.Parallel()
	f := vendors.NewHarbor(t, vendors.HarborOptions{Logins: []vendors.Login{{User: "admin", Password: "4dm1n-s3cret", Actions: []string{"pull", "delete", "list"}}}})
	s := standOf(f, "harbor.example", vendors.Login{User: "admin", Password: "4dm1n-s3cret"})
	b := kindtest.NewBench(t, s)
	b.Aged("b1", 1)
	o := s.Options
	o.Transport = f.Transport()
	r, err := kinds.Open(s.Host, o)
	if err != nil {
		t.Fatal(err)
	}
	if paths, err := r.Catalog(t.Context()); err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	if got := r.Traits().Kind; got != "harbor" {
		t.Errorf("it is %s", got)
	}
	if _, err := r.Repository(path).Snapshot(t.Context(), registry.Query{}); err != nil {
		t.Error(err)
	}
	if n := count(f, "GET", "/api/v2.0/", 200); n != 1 {
		t.Errorf("%d lists", n)
	}
}

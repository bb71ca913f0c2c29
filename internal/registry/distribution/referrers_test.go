package distribution_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// attached is a registry with the referrers API and what is in its repository: an image, which is tagged, and attachments of
// it.
type attached struct {
	*vendors.Zot
	push        fixture.Tester
	store       registry.Store
	now         time.Time
	image       oci.Digest
	sbom, index oci.Digest // without a tag
	child       oci.Digest // of the index
	tagged      oci.Digest
}

func newAttached(t *testing.T) *attached {
	t.Helper()
	f := vendors.NewZot(t, vendors.ZotOptions{})
	a := &attached{Zot: f, push: f.Pusher(t, "team/app"), store: &lockedStore{}, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	a.image = a.push.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest})
	a.sbom, a.tagged = a.refers("sbom", a.image), a.refers("tagged", a.image)
	a.push.Tag(a.tagged, "sbom")
	a.child = a.push.Image(fixture.Image{Seed: "child", MediaType: fixture.OCIManifest})
	a.index = a.push.Index(fixture.Index{Children: []oci.Digest{a.child}, Subject: a.image})
	return a
}

func (a *attached) refers(seed string, subject oci.Digest) oci.Digest {
	return a.push.Image(fixture.Image{Seed: seed, MediaType: fixture.OCIManifest, Subject: subject, ArtifactType: "application/spdx+json"})
}

// open opens the repository as a run does.
func (a *attached) open() repository {
	return openHost(a.Host(), registry.Options{RetryBase: time.Millisecond, Store: a.store, Now: func() time.Time { return a.now }}).Repository("team/app")
}

// asked counts the requests for referrers.
func (a *attached) asked() int { return a.Count("GET", "*/referrers/*") }

// lockedStore keeps what runs remember.
type lockedStore struct {
	mu   sync.Mutex
	kept []byte
}

func (s *lockedStore) Load(oci.Repository) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept
}

func (s *lockedStore) Save(_ oci.Repository, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = content
}

// What the API lists is added with what it lists itself, once, and as a snapshot would have it.
func TestWithReferrers(t *testing.T) {
	t.Parallel()
	a := newAttached(t)
	r := a.open()
	before, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := r.WithReferrers(t.Context(), before, []oci.Digest{a.image, a.tagged})
	if err != nil {
		t.Fatal(err)
	}
	if len(before.Images) != 2 || len(after.Images) != 5 || a.asked() != 2 {
		t.Errorf("%d images before, %d after %d requests", len(before.Images), len(after.Images), a.asked())
	}
	if !slices.IsSortedFunc(after.Images, func(a, b oci.Image) int { return strings.Compare(string(a.Digest), string(b.Digest)) }) {
		t.Error("the images are not sorted")
	}
	for _, i := range after.Images {
		switch i.Digest {
		case a.sbom:
			if i.Kind != oci.KindAttachment || i.Subject != a.image || len(i.Tags) > 0 || i.Size == 0 || len(i.Blobs) == 0 {
				t.Errorf("the SBOM: %+v", i)
			}
		case a.index:
			if i.Kind != oci.KindAttachment || i.Subject != a.image || !slices.Equal(i.Children, []oci.Digest{a.child}) {
				t.Errorf("the index: %+v", i)
			}
		case a.child:
			if i.Kind != oci.KindChild {
				t.Errorf("the child: %+v", i)
			}
		}
	}
	again, err := r.WithReferrers(t.Context(), after, []oci.Digest{a.image})
	if err != nil || len(again.Images) != len(after.Images) {
		t.Errorf("again: %d images, %v", len(again.Images), err)
	}
}

// A list in pages is read to its end.
func TestReferrersPages(t *testing.T) {
	t.Parallel()
	a := newAttached(t)
	page := func(after int, d oci.Digest, link string) {
		a.AddFault(registrytest.Fault{
			Path: "*/referrers/*", Status: 200, Body: fmt.Sprintf(`{"manifests":[{"digest":%q}]}`, d), Header: http.Header{"Link": {link}}, After: after,
		})
	}
	page(0, a.sbom, "<?page=2>; rel=next")
	page(0, a.index, "")
	r := a.open()
	s, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err = r.WithReferrers(t.Context(), s, []oci.Digest{a.image}); err != nil || len(s.Images) != 5 || a.asked() != 2 {
		t.Errorf("%d images after %d requests, %v", len(s.Images), a.asked(), err)
	}
}

// A list that ends in the middle is not known.
func TestReferrersPageThatIsNotThere(t *testing.T) {
	t.Parallel()
	a := newAttached(t)
	a.AddFault(registrytest.Fault{
		Path: "*/referrers/*", Status: 200, Body: fmt.Sprintf(`{"manifests":[{"digest":%q}]}`, a.sbom), Header: http.Header{"Link": {"<?page=2>; rel=next"}},
	})
	a.AddFault(registrytest.Fault{Path: "*/referrers/*", Status: 404, Body: `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`})
	r := a.open()
	s, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err = r.WithReferrers(t.Context(), s, []oci.Digest{a.image}); err == nil || len(s.Images) > 0 {
		t.Errorf("%d images, %v", len(s.Images), err)
	}
}

// A registry that has served the API answers for what it does not have any more in its own way. What something in between
// answers is an error.
func TestReferrersOfWhatIsGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		fails  bool
	}{
		"by Quay":  {400, `{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}`, false},
		"by a 404": {404, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`, false},
		"a proxy":  {404, "<html>not here", true},
		"no index": {200, "<html>", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAttached(t)
			a.AddFault(registrytest.Fault{Path: "*/referrers/*", After: 1, Status: c.status, Header: http.Header{"Content-Type": {"text/html"}}, Body: c.body})
			r := a.open()
			s, err := r.Snapshot(t.Context(), registry.Query{})
			if err != nil {
				t.Fatal(err)
			}
			if s, err = r.WithReferrers(t.Context(), s, []oci.Digest{a.image, a.tagged}); (err != nil) != c.fails || err == nil && len(s.Images) != 5 {
				t.Errorf("%d images, %v", len(s.Images), err)
			}
		})
	}
}

// A registry without the API is asked again after a week, and what is read meanwhile does not change that.
func TestReferrersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	a := newAttached(t)
	a.AddFault(registrytest.Fault{Path: "*/referrers/*", Times: 1, Status: 404, Body: "404 page not found"})
	run := func(want int) (images int) {
		t.Helper()
		a.push.Image(fixture.Image{Seed: fmt.Sprint(a.now), Tags: []string{"new"}})
		r := a.open()
		s, err := r.Snapshot(t.Context(), registry.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if s, err = r.WithReferrers(t.Context(), s, []oci.Digest{a.image}); err != nil || a.asked() != want {
			t.Errorf("%d requests, want %d; %v", a.asked(), want, err)
		}
		return len(s.Images)
	}
	first := run(1)
	a.now = a.now.Add(6 * 24 * time.Hour)
	run(1)
	a.now = a.now.Add(24 * time.Hour)
	if got := run(2); got != first+3 {
		t.Errorf("%d images, want 3 more than %d", got, first)
	}
}

// CNCF distribution is not asked: no release of it serves the API. What is in front may weaken its ETag.
func TestDistributionIsNotAskedForReferrers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*registrytest.Response)
		want int
	}{
		"distribution": {nil, 0},
		"after nginx": {func(r *registrytest.Response) {
			if tag := r.Header.Get("Etag"); tag != "" {
				r.Header.Set("Etag", "W/"+tag)
			}
		}, 0},
		"without an ETag":    {registrytest.SetHeader("Etag", ""), 1},
		"with an ETag alone": {registrytest.SetHeader("Docker-Distribution-Api-Version", ""), 1},
		"another ETag":       {registrytest.SetHeader("Etag", `"1"`), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"1"}})
			if c.edit != nil {
				reg.AddFault(registrytest.Fault{Path: "*/manifests/*", Times: -1, Edit: c.edit})
			}
			for _, q := range []registry.Query{{}, {SkipDates: true}} {
				r := openHost(reg.Host(), registry.Options{}).Repository("team/app")
				s, err := r.Snapshot(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				before := reg.Count("GET", "*/referrers/*")
				if _, err := r.WithReferrers(t.Context(), s, []oci.Digest{d}); err != nil || reg.Count("GET", "*/referrers/*")-before != c.want {
					t.Errorf("%d requests, %v", reg.Count("GET", "*/referrers/*")-before, err)
				}
			}
		})
	}
}

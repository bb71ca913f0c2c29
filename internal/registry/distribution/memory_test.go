package distribution

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// shelf is a store.
type shelf struct {
	mu      sync.Mutex
	content map[oci.Repository][]byte
	saves   int
}

func (s *shelf) Load(name oci.Repository) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content[name]
}

func (s *shelf) Save(name oci.Repository, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.content == nil {
		s.content = map[oci.Repository][]byte{}
	}
	s.content[name], s.saves = content, s.saves+1
}

// desk is a repository on the double that is read by one run after the other.
type desk struct {
	reg   *registrytest.Registry
	push  fixture.Tester
	store *shelf
}

func newDesk(t testing.TB) *desk { return newDeskAt(t, registrytest.Options{}) }

func newDeskAt(t testing.TB, o registrytest.Options) *desk {
	reg := registrytest.New(t, o)
	return &desk{reg, reg.Pusher(t, "team/app"), &shelf{}}
}

// repository is what a new run reads from.
func (d *desk) repository() *Repository {
	return openApp(d.reg.Host(), registry.Options{RetryBase: time.Millisecond, Store: d.store})
}

// snapshot is what a new run reads, and the requests that it took: "GET tags/list" and so on, counted.
func (d *desk) snapshot(t testing.TB, w registry.Query) (oci.Snapshot, map[string]int) {
	t.Helper()
	d.reg.ResetRequests()
	s, err := d.repository().Snapshot(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]int{}
	for _, r := range d.reg.Requests() {
		kind := "manifest"
		switch {
		case strings.HasSuffix(r.Path, "/tags/list"):
			kind = "list"
		case strings.Contains(r.Path, "/blobs/"):
			kind = "config"
		}
		sent[r.Method+" "+kind]++
	}
	return s, sent
}

func day(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }

// everything pushes one of each kind.
func (d *desk) everything() {
	plain := d.push.Image(fixture.Image{Tags: []string{"b1", "stable"}, Created: day(1), Size: 99})
	arm := d.push.Image(fixture.Image{Seed: "arm", Created: day(2), MediaType: fixture.OCIManifest})
	amd := d.push.Image(fixture.Image{Seed: "amd", Created: day(3), MediaType: fixture.OCIManifest})
	inner := d.push.Index(fixture.Index{Children: []oci.Digest{amd}})
	d.push.Index(fixture.Index{Tags: []string{"b2"}, Children: []oci.Digest{arm, amd, d.push.Provenance(amd), inner}})
	d.push.Signature(plain, ".sig")
	d.push.Referrer(plain, "application/spdx+json")
	d.push.Artifact("chart")
	d.push.Image(fixture.Image{Tags: []string{"undated"}})
}

// What is remembered is what was read, and costs a listing and a look at each tag.
func TestMemoryOfEverything(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.everything()
	first, _ := d.snapshot(t, registry.Query{})
	for range 2 {
		again, sent := d.snapshot(t, registry.Query{})
		if !reflect.DeepEqual(first, again) {
			t.Errorf("from memory:\n%+v\nread:\n%+v", again, first)
		}
		if want := map[string]int{"GET list": 1, "HEAD manifest": len(d.reg.Tags("team/app"))}; !reflect.DeepEqual(sent, want) {
			t.Errorf("requests %v, want %v", sent, want)
		}
	}
	if d.store.saves != 1 {
		t.Errorf("saved %d times, want once: there was nothing new", d.store.saves)
	}
}

func TestRequestsWithAMemory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(d *desk)
		wanted registry.Query
		want   map[string]int
	}{
		"a new image":                             {func(d *desk) { d.push.Image(fixture.Image{Tags: []string{"new"}, Created: day(9)}) }, registry.Query{}, map[string]int{"GET list": 1, "HEAD manifest": 3, "GET manifest": 1, "GET config": 1}},
		"a tag of a known image":                  {func(d *desk) { d.reg.SetTag("team/app", "again", d.reg.Tags("team/app")["b0"]) }, registry.Query{}, map[string]int{"GET list": 1, "HEAD manifest": 3, "GET manifest": 1}},
		"an image that somebody else has deleted": {func(d *desk) { d.reg.Remove("team/app", d.reg.Tags("team/app")["b0"]) }, registry.Query{}, map[string]int{"GET list": 1, "HEAD manifest": 3, "GET manifest": 1}},
		"an image that this program has deleted": {func(d *desk) {
			at := d.reg.Tags("team/app")["b0"]
			d.reg.Remove("team/app", at)
			d.repository().Forget(map[oci.Digest]bool{at: true}, map[string]bool{"b0": true})
		}, registry.Query{}, map[string]int{"GET list": 1, "HEAD manifest": 2}},
		"a tag that has moved":       {func(d *desk) { d.push.Image(fixture.Image{Tags: []string{"b0"}, Seed: "anew", Created: day(9)}) }, registry.Query{}, map[string]int{"GET list": 1, "HEAD manifest": 3, "GET manifest": 1, "GET config": 1}},
		"names only, a docker image": {func(d *desk) { d.push.Image(fixture.Image{Tags: []string{"new"}, Created: day(9)}) }, registry.Query{SkipDates: true}, map[string]int{"GET list": 1, "HEAD manifest": 4}},
		"names only, an OCI image":   {func(d *desk) { d.push.Image(fixture.Image{Tags: []string{"new"}, MediaType: fixture.OCIManifest}) }, registry.Query{SkipDates: true}, map[string]int{"GET list": 1, "HEAD manifest": 4, "GET manifest": 1}},
		"HEAD without a digest": {func(d *desk) {
			d.reg.AddFault(registrytest.Fault{Method: "HEAD", Times: -1, Edit: registrytest.SetHeader("Docker-Content-Digest", "")})
		}, registry.Query{}, map[string]int{"GET list": 1, "HEAD manifest": 3, "GET manifest": 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			for n := range 3 {
				d.push.Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", n)}, Created: day(n + 1)})
			}
			d.snapshot(t, registry.Query{})
			c.change(d)
			s, sent := d.snapshot(t, c.wanted)
			if !reflect.DeepEqual(sent, c.want) {
				t.Errorf("requests %v, want %v", sent, c.want)
			}
			for tag, at := range d.reg.Tags("team/app") {
				if !slices.ContainsFunc(s.Images, func(i oci.Image) bool { return i.Digest == at && slices.Contains(i.Tags, tag) }) {
					t.Errorf("%s is not in the snapshot", tag)
				}
			}
		})
	}
}

// Without a memory names alone cost a look at each tag, and what could refer to something else is read.
func TestSkipDates(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	plain := d.push.Image(fixture.Image{Tags: []string{"docker"}, Created: day(1)})
	child := d.push.Image(fixture.Image{Seed: "child", Created: day(1)})
	d.push.Image(fixture.Image{Tags: []string{"oci"}, MediaType: fixture.OCIManifest, Created: day(1)})
	d.push.Index(fixture.Index{Tags: []string{"index"}, Children: []oci.Digest{child}})
	s, sent := d.snapshot(t, registry.Query{SkipDates: true})
	if want := map[string]int{"GET list": 1, "HEAD manifest": 3, "GET manifest": 3}; !reflect.DeepEqual(sent, want) {
		t.Errorf("requests %v, want %v", sent, want)
	}
	for _, i := range s.Images {
		if i.Unread != (i.Digest == plain) || !i.Created.IsZero() {
			t.Errorf("%v: unread %v, created %s", i.Tags, i.Unread, i.Created)
		}
	}
	dated, _ := d.snapshot(t, registry.Query{}) // what was not read then is read now
	for _, i := range dated.Images {
		if i.Unread || i.Created.IsZero() {
			t.Errorf("with dates %v: unread %v, created %s", i.Tags, i.Unread, i.Created)
		}
	}
	d.push.Image(fixture.Image{Tags: []string{"more"}, MediaType: fixture.OCIManifest})
	d.snapshot(t, registry.Query{SkipDates: true})
	if _, sent := d.snapshot(t, registry.Query{}); sent["GET config"] != 1 {
		t.Errorf("a run for names alone has made the memory forget dates: %v", sent)
	}
}

// A digest that is just built or in a journal must be there: the memory does not vouch for it.
func TestMemoryDoesNotHideWhatIsGone(t *testing.T) {
	t.Parallel()
	for name, tags := range map[string][]string{"an image": nil, "a part": {"multi"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.push.Image(fixture.Image{Tags: []string{"b1"}, Created: day(1)})
			loose := d.push.Image(fixture.Image{Seed: "loose", Created: day(1)})
			if tags != nil {
				d.push.Index(fixture.Index{Tags: tags, Children: []oci.Digest{loose}})
			}
			is := func(i oci.Image) bool { return i.Digest == loose }
			if s, _ := d.snapshot(t, registry.Query{Digests: []oci.Digest{loose}}); !slices.ContainsFunc(s.Images, is) {
				t.Fatal("it is not read while it is there")
			}
			d.reg.Remove("team/app", loose)
			if s, _ := d.snapshot(t, registry.Query{Digests: []oci.Digest{loose}}); slices.ContainsFunc(s.Images, is) {
				t.Error("it is remembered and is not there")
			}
		})
	}
}

// A tag whose manifest goes between its HEAD and its GET is a ghost, and nothing is known of it.
func TestGhostBetweenTwoReads(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.push.Image(fixture.Image{Tags: []string{"b1"}, Created: day(1)})
	d.push.Image(fixture.Image{Tags: []string{"b2"}, Created: day(2)})
	d.snapshot(t, registry.Query{})
	fresh := d.push.Image(fixture.Image{Tags: []string{"b2"}, Created: day(3)})
	d.reg.AddFault(registrytest.Fault{Method: "GET", Path: "*" + fresh.String(), Before: func() { d.reg.Remove("team/app", fresh) }})
	if s, _ := d.snapshot(t, registry.Query{}); !slices.Equal(s.Ghosts, []string{"b2"}) || len(s.Images) != 1 {
		t.Errorf("ghosts %v and %d images, want b2 and 1", s.Ghosts, len(s.Images))
	}
}

// A memory that is no memory is read anew.
func TestStrangeMemory(t *testing.T) {
	t.Parallel()
	blob := oci.Blob{Digest: oci.Digest("sha256:" + strings.Repeat("1", 64)), Size: 1}
	good := rememberedManifest{Digest: blob.Digest, MediaType: typeImage, Blobs: []int{0}}
	for name, c := range map[string]struct {
		change func(*remembered)
		want   int
	}{
		"as it should be":       {func(*remembered) {}, 1},
		"another form":          {func(r *remembered) { r.Form++ }, 0},
		"a blob beyond":         {func(r *remembered) { r.Manifests[0].Blobs = []int{1} }, 0},
		"a blob below":          {func(r *remembered) { r.Manifests[0].Blobs = []int{-1} }, 0},
		"a config beyond":       {func(r *remembered) { r.Manifests[0].Config = 2 }, 0},
		"a config below":        {func(r *remembered) { r.Manifests[0].Config = -1 }, 0},
		"no digest":             {func(r *remembered) { r.Manifests[0].Digest = "b1" }, 0},
		"a tag that is a path":  {func(r *remembered) { r.Tags = map[string]bool{"../x": true} }, 0},
		"a child of no digest":  {func(r *remembered) { r.Manifests[0].Children = []rememberedChild{{Digest: "../x"}} }, 0},
		"an unknown media type": {func(r *remembered) { r.Manifests[0].MediaType = "text/html" }, 0},
		"a size below zero":     {func(r *remembered) { r.Blobs[0].Size = -1 }, 0},
	} {
		in := remembered{Form: rememberedForm, Blobs: []oci.Blob{blob}, Manifests: []rememberedManifest{good}}
		c.change(&in)
		if got := len(recall(in.encode()).manifests); got != c.want {
			t.Errorf("%s: %d manifests, want %d", name, got, c.want)
		}
	}
}

func FuzzRecall(f *testing.F) {
	d := newDesk(f)
	d.everything()
	d.snapshot(f, registry.Query{})
	for _, content := range d.store.content {
		f.Add(content)
		f.Add(content[:len(content)/2])
	}
	f.Add([]byte("no JSON"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for d, m := range recall(content).manifests {
			if d != m.digest || d.Validate() != nil || m.validate() != nil {
				t.Errorf("%q is remembered as %+v", d, m)
			}
		}
	})
}

func TestDeletesTags(t *testing.T) {
	t.Parallel()
	const tag, nothing = "*/manifests/regsweep-probe-*", "*/manifests/sha256:*"
	for name, c := range map[string]struct {
		options registrytest.Options
		fault   registrytest.Fault
		want    bool
		is      func(error) bool // nil: no error
	}{
		"3.1":                         {registrytest.Options{}, registrytest.Fault{Method: "PATCH"}, true, nil},
		"2.8":                         {registrytest.Options{Version: registrytest.V2}, registrytest.Fault{Method: "PATCH"}, false, nil},
		"disabled":                    {registrytest.Options{DisableDelete: true}, registrytest.Fault{Method: "PATCH"}, false, func(err error) bool { return errors.Is(err, registry.ErrDeletionDisabled) }},
		"read-only":                   {registrytest.Options{ReadOnly: true}, registrytest.Fault{Method: "PATCH"}, false, func(err error) bool { return errors.Is(err, registry.ErrReadOnly) }},
		"digests not, tags yes (3.0)": {registrytest.Options{}, registrytest.Fault{Method: "DELETE", Path: nothing, Status: 405, Body: `{"errors":[{"code":"UNSUPPORTED"}]}`}, false, func(err error) bool { return errors.Is(err, registry.ErrDeletionDisabled) }},
		"405 of a proxy":              {registrytest.Options{}, registrytest.Fault{Method: "DELETE", Path: nothing, Status: 405, Body: "<h1>"}, false, func(err error) bool { return errors.Is(err, registry.ErrIntercepted) }},
		"deletes any digest":          {registrytest.Options{}, registrytest.Fault{Method: "DELETE", Path: nothing, Status: 202}, false, isUnclear},
		"deletes any tag":             {registrytest.Options{}, registrytest.Fault{Method: "DELETE", Path: tag, Status: 202}, false, isUnclear},
		"405 for a tag":               {registrytest.Options{}, registrytest.Fault{Method: "DELETE", Path: tag, Status: 405}, false, isUnclear},
		"a proxy's 404 for a tag":     {registrytest.Options{}, registrytest.Fault{Method: "DELETE", Path: tag, Status: 404, Body: "<h1>"}, false, isUnclear},
		"a proxy's 400 for a tag":     {registrytest.Options{}, registrytest.Fault{Method: "DELETE", Path: tag, Status: 400, Body: "<h1>"}, false, isUnclear},
		"500 for a tag":               {registrytest.Options{}, registrytest.Fault{Method: "DELETE", Path: tag, Status: 500, Times: -1}, false, func(err error) bool { return !isUnclear(err) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, c.options)
			reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
			reg.AddFault(c.fault)
			can, err := openApp(reg.Host(), registry.Options{RetryBase: time.Millisecond}).CanDeleteTags(t.Context())
			if can != c.want || (err != nil) != (c.is != nil) || err != nil && !c.is(err) {
				t.Errorf("got %v, %v", can, err)
			}
			if len(reg.Tags("team/app")) != 1 || len(reg.Manifests("team/app")) != 1 {
				t.Error("the question has changed something")
			}
		})
	}
}

func isUnclear(err error) bool {
	return errors.Is(err, registry.ErrTagDeletionUnclear)
}

// Nothing but a tag is removed as one.
func TestOnlyTagsAreRemoved(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
	r := openApp(reg.Host(), registry.Options{RetryBase: time.Millisecond})
	for _, tag := range []string{"", d.String(), "../b1", "b1?x", "b1/../b2", "-b"} {
		for name, remove := range map[string]func(context.Context, string, oci.Digest) (bool, error){"deleteTag": r.DeleteTag, "retag": r.PointTag} {
			if removed, err := remove(t.Context(), tag, d); err == nil || removed {
				t.Errorf("%s %q: %v, %v", name, tag, removed, err)
			}
		}
	}
	if n := len(reg.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	if removed, err := r.DeleteTag(t.Context(), "b1", oci.Digest("sha256:"+strings.Repeat("0", 64))); removed || err != nil {
		t.Errorf("a tag that points elsewhere: %v, %v", removed, err)
	}
	if removed, err := r.DeleteTag(t.Context(), "b1", d); !removed || err != nil || !slices.Contains(reg.Manifests("team/app"), d) {
		t.Errorf("a tag: %v, %v", removed, err)
	}
}

// The upload of a placeholder's config does not carry the login to another host.
func TestUploadThatIsSentElsewhere(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"http://elsewhere.example/upload", "//elsewhere.example/upload", "", "://"} {
		reg := registrytest.New(t, registrytest.Options{Version: registrytest.V2})
		reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}})
		reg.AddFault(registrytest.Fault{Method: "POST", Edit: registrytest.SetHeader("Location", location)})
		_, err := openApp(reg.Host(), registry.Options{RetryBase: time.Millisecond}).PushPlaceholder(t.Context())
		if err == nil || reg.Count("PUT", "*") != 0 || len(reg.Manifests("team/app")) != 1 {
			t.Errorf("%q: %v after %d requests", location, err, len(reg.Requests()))
		}
	}
}

// Two placeholders differ, and a snapshot knows each for what it is, also when only names matter.
func TestPlaceholder(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	image := d.push.Image(fixture.Image{Tags: []string{"b1", "b2"}})
	var pushed []oci.Digest
	for _, tag := range []string{"b1", "b2"} {
		r := openApp(d.reg.Host(), registry.Options{})
		p, err := r.PushPlaceholder(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if moved, err := r.PointTag(t.Context(), tag, image); !moved || err != nil || d.reg.Tags("team/app")[tag] != p {
			t.Errorf("%v, %v: %s points at %s", moved, err, tag, d.reg.Tags("team/app")[tag])
		}
		pushed = append(pushed, p)
	}
	for _, w := range []registry.Query{{}, {SkipDates: true}, {}} {
		s, _ := d.snapshot(t, w)
		for _, i := range s.Images {
			if i.Kind != oci.KindPlaceholder || !slices.Contains(pushed, i.Digest) {
				t.Errorf("%v: %s is %s", i.Tags, i.Digest, i.Kind)
			}
		}
		if len(s.Images) != 2 {
			t.Errorf("%d images, want the two placeholders", len(s.Images))
		}
	}
}

// openApp opens the repository team/app.
func openApp(host string, o registry.Options) *Repository {
	r, err := Open(host, o)
	if err != nil {
		panic(err)
	}
	return r.Repository("team/app").(*Repository)
}

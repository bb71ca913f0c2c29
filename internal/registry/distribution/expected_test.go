package distribution

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Tags that are remembered are asked for while they are being listed, as long as there are few and nobody asks for a login.
func TestKnownTagsDuringTheListing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tags int
		auth registrytest.Auth
		want bool
	}{
		"few":                     {tags: wire.FirstReads - 1, want: true},
		"more than go in a round": {tags: wire.FirstReads},
		"with a login":            {tags: 3, auth: registrytest.TokenAuth},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeskAt(t, registrytest.Options{Auth: c.auth})
			for n := range c.tags {
				d.push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: day(1)})
			}
			d.snapshot(t, registry.Query{})
			var listed, early atomic.Bool
			asked := make(chan struct{})
			listing := registrytest.Fault{Method: "GET", Path: "*/tags/list", Edit: func(*registrytest.Response) { listed.Store(true) }}
			if c.want {
				listing.Until = asked
			}
			d.reg.AddFault(listing)
			d.reg.AddFault(registrytest.Fault{Method: "HEAD", Before: func() { early.Store(!listed.Load()); close(asked) }})
			_, sent := d.snapshot(t, registry.Query{})
			if got := sent["HEAD manifest"]; got != c.tags { // each is refused once when it comes without a token
				t.Errorf("tags asked for %d times, want %d", got, c.tags)
			}
			if got := early.Load(); got != c.want {
				t.Errorf("tags asked for before they were listed: %v, want %v", got, c.want)
			}
		})
	}
}

// A tag that is pushed again between the look at it and the listing is no ghost, in the first look and in the one before a
// deletion.
func TestTagComesBackBeforeTheListing(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(r *Repository, before oci.Snapshot) (oci.Snapshot, error){
		"snapshot": func(r *Repository, _ oci.Snapshot) (oci.Snapshot, error) {
			return r.Snapshot(t.Context(), registry.Query{})
		},
		"reread": func(r *Repository, before oci.Snapshot) (oci.Snapshot, error) {
			return r.Refresh(t.Context(), before, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.push.Image(fixture.Image{Tags: []string{"b1", "b2"}, Created: day(1)})
			before, _ := d.snapshot(t, registry.Query{})
			asked := make(chan struct{})
			absent := registrytest.Fault{Path: "*/manifests/b2", Status: http.StatusNotFound, Body: `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`}
			d.reg.AddFault(absent) // HEAD, and then GET to be sure
			absent.Before = func() { close(asked) }
			d.reg.AddFault(absent)
			d.reg.AddFault(registrytest.Fault{Method: "GET", Path: "*/tags/list", Until: asked})
			s, err := read(d.repository(), before)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Ghosts) > 0 || len(s.Images) != 1 || !slices.Contains(s.Images[0].Tags, "b2") {
				t.Errorf("ghosts %v, images %v", s.Ghosts, s.Images)
			}
		})
	}
}

// A tag that is remembered and not listed any more may be answered in any way: the run goes by the listing, and the memory
// forgets the tag.
func TestRememberedTagThatIsGone(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]registrytest.Fault{
		"a proxy's page":   {Status: http.StatusNotFound, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}},
		"forbidden":        {Status: http.StatusForbidden, Body: `{"errors":[{"code":"DENIED"}]}`},
		"a broken tag":     {Status: http.StatusInternalServerError, Body: `{"errors":[{"code":"UNKNOWN"}]}`},
		"a bad media type": {Edit: registrytest.SetHeader("Content-Type", "text/html")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.push.Image(fixture.Image{Tags: []string{"b1"}, Created: day(1)})
			gone := d.push.Image(fixture.Image{Tags: []string{"b2"}, Created: day(2)})
			d.snapshot(t, registry.Query{})
			d.reg.Remove("team/app", gone) // by somebody else
			answer.Path, answer.Times = "*/manifests/b2", -1
			d.reg.AddFault(answer)
			for n := range 2 {
				s, _ := d.snapshot(t, registry.Query{})
				if len(s.Ghosts) > 0 || len(s.Images) != 1 {
					t.Errorf("run %d: ghosts %v, images %v", n, s.Ghosts, s.Images)
				}
				for _, r := range d.reg.Requests() { // others that the first run has cut may arrive during the second
					if n > 0 && strings.HasSuffix(r.Path, "/manifests/b2") {
						t.Errorf("the tag is asked for again: %s %s", r.Method, r.Path)
					}
				}
			}
		})
	}
}

// What is listed has to be read, whether it was expected or not.
func TestExpectedTagThatCannotBeRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.push.Image(fixture.Image{Tags: []string{"b1"}, Created: day(1)})
	d.snapshot(t, registry.Query{})
	d.reg.AddFault(registrytest.Fault{Path: "*/manifests/b1", Times: -1, Status: http.StatusForbidden})
	if s, err := d.repository().Snapshot(t.Context(), registry.Query{}); err == nil {
		t.Errorf("a snapshot without %v", s)
	}
}

// A run that reads names alone leaves the tags to be read to the next one that needs dates, which does so at once, and a
// ghost is no news.
func TestTagsOfManifestsThatAreNotKnown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for n := range 3 {
		d.push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: day(n + 1)})
	}
	d.reg.Unlink("team/app", d.push.Image(fixture.Image{Tags: []string{"ghost"}, Created: day(9)}))
	for range 2 {
		d.snapshot(t, registry.Query{SkipDates: true})
	}
	if _, sent := d.snapshot(t, registry.Query{}); sent["HEAD manifest"] != 0 || sent["GET config"] != 3 {
		t.Errorf("requests %v", sent)
	}
	saves := d.store.saves
	if d.snapshot(t, registry.Query{}); saves != 2 || d.store.saves != saves {
		t.Errorf("saved %d times, and once more when there was nothing new: %v", saves, d.store.saves != saves)
	}
}

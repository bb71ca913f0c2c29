package run

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// A registry that fails to list the attachments of what goes loses nothing. One that does not let the login list them
// gets a warning, and keeps them.
func TestPruneWithoutReferrers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   registrytest.Fault
		kind    error
		warning string
		left    int
	}{
		"they are listed":  {registrytest.Fault{Path: "/none"}, nil, "", 2},
		"the API fails":    {registrytest.Fault{Status: 500}, errAny, "", 4},
		"no digest":        {registrytest.Fault{Status: 200, Body: `{"manifests":[{"digest":"x"}]}`}, registry.ErrIncomplete, "", 4},
		"it is forbidden":  {registrytest.Fault{Status: 403, Body: `{"errors":[{"code":"DENIED"}]}`}, nil, "does not let this login list them", 3},
		"it is not served": {registrytest.Fault{Status: 404, Body: "404 page not found"}, nil, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := vendors.NewZot(t, vendors.ZotOptions{})
			push := f.Pusher(t, "team/app")
			for n, tag := range []string{"b1", "b2"} {
				d := push.Image(fixture.Image{Tags: []string{tag}, MediaType: fixture.OCIManifest, Created: testNow.AddDate(0, 0, n-9)})
				push.Image(fixture.Image{Seed: tag, MediaType: fixture.OCIManifest, Subject: d, ArtifactType: "application/spdx+json"})
			}
			if c.fault.Path == "" {
				c.fault.Path, c.fault.Times = "*/referrers/*", -1
			}
			f.AddFault(c.fault)
			w, _ := worldOf(t, f.Registry)
			out := Prune(t.Context(), jobOf(t, oci.Repository{Host: f.Host(), Path: "team/app"}, 1), w).Repositories[0]
			if (out.Err != nil) != (c.kind != nil) || c.kind != nil && !errors.Is(c.kind, errAny) && !errors.Is(out.Err, c.kind) {
				t.Fatalf("got %v, want %v", out.Err, c.kind)
			}
			if got := len(f.Manifests("team/app")); got != c.left {
				t.Errorf("%d manifests left, want %d", got, c.left)
			}
			if c.kind != nil {
				if out.Plan != nil || !strings.Contains(out.Err.Error(), "referrers") {
					t.Errorf("%v, with a plan: %t", out.Err, out.Plan != nil)
				}
				return
			}
			told := slices.ContainsFunc(out.Warnings, func(w string) bool { return strings.Contains(w, c.warning) })
			if told != (c.warning != "") {
				t.Errorf("warnings %v, want %q", out.Warnings, c.warning)
			}
		})
	}
}

var errAny = errors.New("any")

package distribution_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// Something in between, or the registry, may read the first field line of several alone.
func TestAcceptIsOneLine(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{Version: registrytest.V2})
	reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"b1"}, Created: built})
	snapshot(t, reg)
	for _, r := range reg.Requests() {
		if lines := r.Accept; strings.Contains(r.Path, "/manifests/") && (len(lines) != 1 || !strings.Contains(lines[0], fixture.OCIIndex) || !strings.Contains(lines[0], fixture.DockerList)) {
			t.Errorf("%s %s: Accept %q", r.Method, r.Path, lines)
		}
	}
}

// A 404 proves that a manifest is not there only if nothing in it names another cause.
func TestAbsenceIsProved(t *testing.T) {
	t.Parallel()
	json := func(text string) registrytest.Fault {
		return registrytest.Fault{Path: "*/manifests/b1", Times: -1, Status: 404, Body: text, Header: http.Header{"Content-Type": {"application/json"}}}
	}
	for name, c := range map[string]struct {
		fault  registrytest.Fault
		absent bool
	}{
		"the registry's word":  {json(`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"b1"}}]}`), true},
		"the Accept header":    {json(`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"OCI index found, but accept header does not support OCI indexes"}]}`), false},
		"a detail":             {json(`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":"authentication required"}]}`), false},
		"another code":         {json(`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`), false},
		"another code, second": {json(`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"},{"code":"DENIED","message":"requested access to the resource is denied, log in"}]}`), false},
		"a page":               {json("<h1>not here</h1>"), false},
		"nothing":              {json(""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			push := reg.Pusher(t, "team/app")
			push.Image(fixture.Image{Tags: []string{"b1"}, Created: built})
			push.Image(fixture.Image{Tags: []string{"b2"}, Created: built})
			reg.AddFault(c.fault)
			s, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
			if absent := err == nil && len(s.Ghosts) == 1; absent != c.absent || !absent && (err == nil || !strings.Contains(err.Error(), "b1")) {
				t.Errorf("ghosts %q, error %v", s.Ghosts, err)
			}
		})
	}
}

// Something that hides all manifests leaves nothing but names.
func TestTagsWithoutAnyManifestAreAnError(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	for _, tag := range []string{"b1", "b2"} {
		reg.Unlink("team/app", push.Image(fixture.Image{Tags: []string{tag}}))
	}
	for _, q := range []registry.Query{{}, {SkipDates: true}} {
		_, err := client(reg).Repository("team/app").Snapshot(t.Context(), q)
		if !errors.Is(err, registry.ErrIncomplete) || !strings.Contains(err.Error(), "such as b1") {
			t.Errorf("got %v", err)
		}
	}
}

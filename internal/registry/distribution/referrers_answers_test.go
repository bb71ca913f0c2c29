package distribution_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// The answers of the API, of the first request alone, and what comes of them.
func TestReferrersAnswers(t *testing.T) {
	t.Parallel()
	a := newAttached(t)
	other := a.push.Image(fixture.Image{Tags: []string{"b2"}, MediaType: fixture.OCIManifest})
	foreign := a.refers("of another", other)
	page := func(digests ...string) string {
		var entries []string
		for _, d := range digests {
			entries = append(entries, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1}`, fixture.OCIManifest, d))
		}
		return `{"schemaVersion":2,"manifests":[` + strings.Join(entries, ",") + `]}`
	}
	for name, c := range map[string]struct {
		status   int
		body     string
		added    int
		kind     error  // of the error
		warning  string // a part of it
		requests int    // of two calls
		link     string
	}{
		"nothing is attached":             {200, page(), 0, nil, "", 2, ""},
		"null":                            {200, `{"schemaVersion":2,"manifests":null}`, 0, nil, "", 2, ""},
		"an attachment":                   {200, page(a.sbom.String()), 1, nil, "", 2, ""},
		"the subject is another":          {200, page(foreign.String()), 0, nil, "", 2, ""},
		"it has no subject":               {200, page(other.String(), a.child.String()), 0, nil, "", 2, ""},
		"it is not there":                 {200, page("sha256:" + zeros), 0, nil, "", 2, ""},
		"not served":                      {404, "404 page not found", 0, nil, "", 1, ""},
		"of the manifest alone":           {404, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, 0, nil, "", 2, ""},
		"of the manifest alone, by Quay":  {400, `{"errors":[{"code":"MANIFEST_INVALID"}]}`, 0, nil, "", 2, ""},
		"not a method":                    {405, "", 0, nil, "", 1, ""},
		"a page of a proxy":               {200, "<html>", 0, nil, "", 1, ""},
		"not an index":                    {200, `{"errors":[]}`, 0, nil, "", 1, ""},
		"the login may not":               {403, `{"errors":[{"code":"DENIED","message":"no"}]}`, 0, nil, "does not let this login list them", 2, ""},
		"a broken registry":               {500, "", 0, errAny, "", 0, ""},
		"not a digest":                    {200, page("sha256:../../x"), 0, registry.ErrIncomplete, "", 0, ""},
		"a name twice":                    {200, `{"manifests":[],"manifests":[]}`, 0, registry.ErrIncomplete, "", 0, ""},
		"a link to another list":          {200, page(), 0, registry.ErrIncomplete, "", 0, "</v2/team/other/referrers/x>; rel=next"},
		"a link to another host":          {200, page(), 0, registry.ErrIncomplete, "", 0, "<https://else.example/>; rel=next"},
		"a link that is not understood":   {200, page(), 0, registry.ErrIncomplete, "", 0, "next"},
		"JSON with an end that is cut":    {200, `{"manifests":[`, 0, registry.ErrIncomplete, "", 0, ""},
		"more than anything can refer to": {200, page(many()...), 0, registry.ErrIncomplete, "", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAttached(t)
			a.refers("of another", a.push.Image(fixture.Image{Tags: []string{"b2"}, MediaType: fixture.OCIManifest}))
			header := http.Header{"Content-Type": {fixture.OCIIndex}}
			if c.link != "" {
				header.Set("Link", c.link)
			}
			a.AddFault(registrytest.Fault{Path: "*/referrers/*", Times: -1, Status: c.status, Header: header, Body: c.body})
			r := a.open()
			before, err := r.Snapshot(t.Context(), registry.Query{})
			if err != nil {
				t.Fatal(err)
			}
			after, err := r.WithReferrers(t.Context(), before, []oci.Digest{a.image})
			if c.kind != nil {
				if err == nil || !errors.Is(err, c.kind) && !errors.Is(c.kind, errAny) || len(after.Images) > 0 {
					t.Errorf("got %v and %d images", err, len(after.Images))
				}
				return
			}
			if got := len(after.Images) - len(before.Images); err != nil || got != c.added {
				t.Errorf("%d added, %v", got, err)
			}
			if got := strings.Join(after.Warnings, "\n"); !strings.Contains(got, c.warning) || c.warning == "" && got != "" {
				t.Errorf("warnings: %s", got)
			}
			if _, err := a.open().WithReferrers(t.Context(), before, []oci.Digest{a.image}); err != nil || a.asked() != c.requests {
				t.Errorf("%d requests by two runs, %v", a.asked(), err)
			}
		})
	}
}

var errAny = errors.New("any")

// many are more digests than may refer to one manifest.
func many() (out []string) {
	for n := range 10_001 {
		out = append(out, fmt.Sprintf("sha256:%064x", n))
	}
	return out
}

package distribution

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// A part that is no manifest, whatever the index says of it, has no parts and no date.
func TestPartThatIsNoManifest(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]bool{
		"a layer": true, "": true, `[{"digest":"x"}]`: true, `{"name":"chart"}`: true, strings.Repeat("a large layer ", 400_000): true,
		`{"Manifests":[]}`: false, `{"subject":{}}`: false, `{"schemaVersion":2}`: false, `{"broken`: false, "\ufeff{}": false,
	} {
		desk := newDesk(t)
		reg := desk.reg
		desk.push.Image(fixture.Image{Tags: []string{"b1"}})
		d := digest.FromString(content)
		blob := desk.push.Image(fixture.Image{Tags: []string{"b0"}, MediaType: fixture.OCIManifest, ConfigType: "text/plain", Config: []byte(content)})
		reg.AddFault(registrytest.Fault{Path: "*/manifests/" + d.String(), Times: -1, Status: 500, Body: `{"errors":[{"code":"UNKNOWN","message":"unknown error"}]}`})
		index := fmt.Sprintf(`{"manifests":[{"digest":%q,"mediaType":%q},{"digest":%q}]}`, blob, fixture.OCIManifest, d)
		reg.SetTag("team/app", "multi", digest.FromString(index))
		header := http.Header{"Content-Type": {fixture.OCIIndex}, "Docker-Content-Digest": {digest.FromString(index).String()}}
		for _, reference := range []string{"multi", digest.FromString(index).String()} {
			reg.AddFault(registrytest.Fault{Path: "*/manifests/" + reference, Times: -1, Status: 200, Header: header, Body: index})
		}
		for run := range 2 {
			reg.ResetRequests()
			s, err := desk.repository().Snapshot(t.Context(), registry.Query{})
			if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "multi: its part "+d.String()) {
				t.Fatalf("%.20q: got %v", content, err)
			}
			asked := reg.Count("", "*/manifests/"+d.String())
			if want && (len(s.Images) != 3 || asked != 1-run) {
				t.Errorf("%.20q, run %d: %d images, asked %d times", content, run, len(s.Images), asked)
			}
			for _, i := range s.Images {
				if len(i.Children) > 0 && (!slices.Equal(i.Children, []oci.Digest{blob, d}) || len(i.Missing) > 0) {
					t.Errorf("%.20q: got %+v", content, i)
				}
			}
		}
	}
}

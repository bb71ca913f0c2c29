package distribution_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

const (
	signed1   = "application/vnd.docker.distribution.manifest.v1+prettyjws"
	unsigned1 = "application/vnd.docker.distribution.manifest.v1+json"
)

// sign returns a signed manifest; its digest is that of the payload.
func sign(payload string) string {
	head, tail := payload[:len(payload)-2], payload[len(payload)-2:]
	protected := fmt.Sprintf(`{"formatLength":%d,"formatTail":%q,"time":"2015-01-01T00:00:00Z"}`, len(head), base64.RawURLEncoding.EncodeToString([]byte(tail)))
	return head + `,"signatures":[{"signature":"x","protected":"` + base64.RawURLEncoding.EncodeToString([]byte(protected)) + `"}]` + tail
}

// Docker's first form of a manifest refers to layers alone: it stands in nobody's way.
func TestSchema1(t *testing.T) {
	t.Parallel()
	payload := `{"schemaVersion":1,"name":"team/app","tag":"odd","fsLayers":[{"blobSum":"sha256:` + strings.Repeat("a", 64) + `"}],"history":[{"v1Compatibility":"{}"}]` + "\n}"
	for mediaType, body := range map[string]string{signed1: sign(payload), unsigned1: payload} {
		reg := registrytest.New(t, registrytest.Options{Version: registrytest.V2})
		builds(t, reg, 2)
		d := digest.FromString(payload)
		reg.SetTag("team/app", "odd", d)
		for _, reference := range []string{"odd", d.String()} {
			reg.AddFault(registrytest.Fault{Path: "*/manifests/" + reference, Times: -1, Status: 200, Body: body, Header: http.Header{"Content-Type": {mediaType}, "Docker-Content-Digest": {d.String()}}})
		}
		r := client(reg).Repository("team/app")
		for _, q := range []registry.Query{{}, {SkipDates: true}} {
			s, err := r.Snapshot(t.Context(), q)
			if err != nil {
				t.Fatalf("%s: %v", mediaType, err)
			}
			if i := find(t, s, d); !slices.Equal(i.Tags, []string{"odd"}) || !i.Created.IsZero() || len(i.Children) != 0 || len(i.Blobs) != 1 {
				t.Errorf("%s: got %+v", mediaType, i)
			}
			if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "odd") || !strings.Contains(s.Warnings[0], "schema 1") {
				t.Errorf("%s: warnings %q", mediaType, s.Warnings)
			}
			later, err := r.Refresh(t.Context(), s, nil)
			if err != nil || !slices.Equal(find(t, later, d).Tags, []string{"odd"}) {
				t.Errorf("%s: later %v", mediaType, err)
			}
		}
	}
}

// Distribution 2.8 makes such a manifest up where the Accept header is lost on the way: behind it is an image, or an index
// with its parts. Its digest is nowhere. One whose body does not have its digest is not believed either.
func TestSchema1ThatIsMadeUp(t *testing.T) {
	t.Parallel()
	body := sign(`{"schemaVersion":1,"fsLayers":[]` + "\n}")
	for name, claimed := range map[string]oci.Digest{
		"nowhere": digest.FromString("nowhere"), "none": "", "no digest": "sha256:abc", "another image": "b2", "another body": "other",
	} {
		reg := registrytest.New(t, registrytest.Options{Version: registrytest.V2})
		builds(t, reg, 2)
		switch claimed {
		case "b2":
			claimed = reg.Tags("team/app")["b2"]
		case "other":
			claimed = digest.FromString("other")
			reg.AddFault(registrytest.Fault{Path: "*/manifests/" + claimed.String(), Times: -1, Status: 200, Body: body, Header: http.Header{"Content-Type": {signed1}}})
		}
		reg.AddFault(registrytest.Fault{Path: "*/manifests/b1", Times: -1, Status: 200, Body: body, Header: http.Header{"Content-Type": {signed1}, "Docker-Content-Digest": {claimed.String()}}})
		for _, q := range []registry.Query{{}, {SkipDates: true}} {
			if s, err := client(reg).Repository("team/app").Snapshot(t.Context(), q); !errors.Is(err, registry.ErrIncomplete) || !strings.Contains(err.Error(), "b1") {
				t.Errorf("%s: got %v, ghosts %q", name, err, s.Ghosts)
			}
		}
	}
}

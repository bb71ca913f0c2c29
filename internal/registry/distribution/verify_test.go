package distribution_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestAbsent(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	p := reg.Pusher(t, "team/app")
	one := p.Image(fixture.Image{Tags: []string{"b1"}, Size: 100})
	child := p.Image(fixture.Image{Seed: "arm", Platform: "linux/arm64", MediaType: fixture.OCIManifest, Size: 100})
	p.Index(fixture.Index{Tags: []string{"multi"}, Children: []oci.Digest{child}})
	r := client(reg).Repository("team/app")
	snapshot, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, want ...oci.Digest) {
		t.Helper()
		got, err := r.Missing(t.Context(), snapshot.Images)
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v", what, got, err, want)
		}
	}
	check("nothing is gone")
	layer := snapshot.Images[slices.IndexFunc(snapshot.Images, func(i oci.Image) bool { return i.Digest == one })].Blobs[2].Digest
	reg.AddFault(registrytest.Fault{Path: "*/blobs/" + layer.String(), Status: 404, Times: -1, Body: `{"errors": [{"code": "BLOB_UNKNOWN"}]}`})
	check("a layer is gone", layer)
	reg.Remove("team/app", child)
	check("a child and a layer are gone", child, layer)
	reg.AddFault(registrytest.Fault{Path: "*/blobs/*", Status: 404, Times: -1}) // a proxy's
	if got, err := r.Missing(t.Context(), snapshot.Images); err == nil {
		t.Errorf("a 404 that is not the registry's own is taken for its word: %v", got)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	open := registrytest.New(t, registrytest.Options{})
	closed := registrytest.New(t, registrytest.Options{Auth: registrytest.BasicAuth, Username: "ci", Password: "s3cret"})
	broken := registrytest.New(t, registrytest.Options{})
	broken.AddFault(registrytest.Fault{Path: "/v2/", Status: 502, Times: -1})
	answers := func(status int, header http.Header, body string) string {
		front := registrytest.New(t, registrytest.Options{})
		front.AddFault(registrytest.Fault{Path: "/v2/", Status: status, Header: header, Body: body, Times: -1})
		return front.Host()
	}
	api := http.Header{"Docker-Distribution-Api-Version": {"registry/2.0"}, "Server": {"nginx"}}
	const page, login = "<html>we are back soon</html>", `{"errors":[{"code":"UNAUTHORIZED"}]}`
	for name, c := range map[string]struct {
		host string
		ok   bool
	}{
		"an empty object":                     {answers(200, nil, " {}\n"), true},
		"the API's header":                    {answers(200, api, ""), true},
		"a page":                              {answers(200, nil, page), false},
		"a page with the API's header":        {answers(200, api, page), false},
		"nothing":                             {answers(200, nil, ""), false},
		"a status of another kind":            {answers(200, nil, `{"status":"maintenance"}`), false},
		"a login of its own":                  {answers(401, nil, page), false},
		"a text of its own":                   {answers(401, http.Header{"Content-Type": {"text/plain"}}, "Unauthorized"), false},
		"a login of its own, with the header": {answers(401, api, page), false},
		"the registry's login":                {answers(401, api, login), true},
		"open":                                {open.Host(), true}, "wants a login": {closed.Host(), true}, "a proxy without a registry": {broken.Host(), false}, "nobody": {"127.0.0.1:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := openHost(c.host, registry.Options{PlainHTTP: true}).Ping(t.Context())
			if (err == nil) != c.ok {
				t.Errorf("got %v", err)
			}
		})
	}
	if n := broken.Count("GET", "/v2/"); n > 1 {
		t.Errorf("asked %d times", n)
	}
}

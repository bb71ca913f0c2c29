package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// wire speaks plain HTTP with one repository of a registry.
type wire struct {
	t    *testing.T
	reg  server
	path string // the repository
	push fixture.Tester
}

// answer is what came back.
type answer struct {
	status int
	code   string // the first error's code, such as "MANIFEST_UNKNOWN"; "" when the body is no error
	header http.Header
	body   string
}

// the four media types that a client has to accept, and the one that old recipes name.
var (
	acceptAll     = strings.Join([]string{fixture.DockerManifest, fixture.DockerList, fixture.OCIManifest, fixture.OCIIndex}, ", ")
	acceptSchema2 = fixture.DockerManifest
)

// own is the connections of the tests. httptest closes those of the default transport whenever any server is closed, and a
// request that has just been sent is lost with its connection.
var (
	own       = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second}
	ownClient = &http.Client{Transport: own}
)

// do sends a request to a path below the repository, or below the host when it begins with a slash. The repository's
// manifests are asked for with all media types unless accept is given; "none" sends no Accept header.
func (w wire) do(method, path string, accept ...string) answer {
	w.t.Helper()
	return w.send(method, path, "", "", func(h http.Header) {
		switch {
		case len(accept) == 0:
			h.Set("Accept", acceptAll)
		case accept[0] != "none":
			h.Set("Accept", accept[0])
		}
	})
}

// send sends a request with a body.
func (w wire) send(method, path, mediaType, body string, edit func(http.Header)) answer {
	w.t.Helper()
	target := w.reg.url + "/v2/" + w.path + "/" + path
	switch {
	case strings.HasPrefix(path, "http://"):
		target = path
	case strings.HasPrefix(path, "/"):
		target = w.reg.url + path
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	if w.reg.username != "" {
		req.SetBasicAuth(w.reg.username, w.reg.password)
	}
	if edit != nil {
		edit(req.Header)
	}
	resp, err := ownClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(got)}
	var failed struct{ Errors []struct{ Code string } }
	if json.Unmarshal(got, &failed) == nil && len(failed.Errors) > 0 {
		a.code = failed.Errors[0].Code
	}
	return a
}

// by picks the expectation of the registry's family.
func by[T any](w wire, v2, v3 T) T {
	if w.reg.version == registrytest.V2 {
		return v2
	}
	return v3
}

// status checks an answer's status and, for errors, the code.
func (w wire) status(what string, a answer, status int, code string) {
	w.t.Helper()
	if a.status != status || a.code != code {
		w.t.Errorf("%s: got %d %s, want %d %s\n%s", what, a.status, a.code, status, code, a.body)
	}
}

func equal[T comparable](w wire, what string, got, want T) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// tags lists the repository in one request.
func (w wire) tags(query string) (tags []string, link string) {
	w.t.Helper()
	a := w.do("GET", "tags/list"+query)
	w.status("tags/list"+query, a, 200, "")
	var list struct {
		Name string
		Tags []string
	}
	if err := json.Unmarshal([]byte(a.body), &list); err != nil {
		w.t.Fatal(err)
	}
	equal(w, "name", list.Name, w.path)
	return list.Tags, a.header.Get("Link")
}

// listed checks the tags of the repository; their order matters only where the registry promises one.
func (w wire) listed(query string, want ...string) (link string) {
	w.t.Helper()
	got, link := w.tags(query)
	if w.reg.version == registrytest.V2 {
		slices.Sort(got)
		want = slices.Sorted(slices.Values(want))
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("tags/list%s: got %v, want %v", query, got, want)
	}
	return link
}

var linkForm = regexp.MustCompile(`^</v2/[^?>]+(\?[^>]+)>; rel="next"$`)

// linked checks a Link header and returns the query of the page that it leads to.
func (w wire) linked(link string) (query string) {
	w.t.Helper()
	m := linkForm.FindStringSubmatch(link)
	if m == nil {
		w.t.Fatalf("link: got %q, want one relative to the host", link)
	}
	return m[1]
}

// image pushes an image of its own for each tag.
func (w wire) image(tag string) oci.Digest {
	w.t.Helper()
	return w.push.Image(fixture.Image{Tags: []string{tag}})
}

// resolves checks what a tag or digest resolves to; "" means that it is not there.
func (w wire) resolves(ref string, want oci.Digest) {
	w.t.Helper()
	a := w.do("HEAD", "manifests/"+ref)
	if want == "" {
		equal(w, "HEAD "+ref, a.status, 404)
		return
	}
	equal(w, "HEAD "+ref, a.status, 200)
	equal(w, "digest of "+ref, oci.Digest(a.header.Get("Docker-Content-Digest")), want)
}

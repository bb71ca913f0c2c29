package registrytest

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
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// Wire speaks plain HTTP with one repository of a registry.
type Wire struct {
	T      *testing.T
	Server Server
	Path   string // the repository
	Push   fixture.Tester
}

// Answer is what came back.
type Answer struct {
	Status int
	Code   string // the first error's code, such as "MANIFEST_UNKNOWN"; "" when the body is no error
	Header http.Header
	Body   string
}

var (
	// AcceptAll has the four media types that a client has to accept.
	AcceptAll = strings.Join([]string{fixture.DockerManifest, fixture.DockerList, fixture.OCIManifest, fixture.OCIIndex}, ", ")
	// acceptSchema2 is the one that old recipes name.
	acceptSchema2 = fixture.DockerManifest
)

var (
	// Connections are those of the tests. httptest closes those of the default transport whenever any server is closed, and
	// a request that has just been sent is lost with its connection.
	Connections = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second}
	// Client sends by them.
	Client = &http.Client{Transport: Connections, Timeout: fixture.Timeout}
)

// Do sends a request to a path below the repository, or below the host when it begins with a slash. The repository's
// manifests are asked for with all media types unless accept is given; "none" sends no Accept header.
func (w Wire) Do(method, path string, accept ...string) Answer {
	w.T.Helper()
	return w.Send(method, path, "", "", func(h http.Header) {
		switch {
		case len(accept) == 0:
			h.Set("Accept", AcceptAll)
		case accept[0] != "none":
			h.Set("Accept", accept[0])
		}
	})
}

// Send sends a request with a body.
func (w Wire) Send(method, path, mediaType, body string, edit func(http.Header)) Answer {
	w.T.Helper()
	target := w.Server.URL + "/v2/" + w.Path + "/" + path
	switch {
	case strings.HasPrefix(path, "http://"):
		target = path
	case strings.HasPrefix(path, "/"):
		target = w.Server.URL + path
	}
	req, err := http.NewRequestWithContext(w.T.Context(), method, target, strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	if w.Server.Username != "" {
		req.SetBasicAuth(w.Server.Username, w.Server.Password)
	}
	if edit != nil {
		edit(req.Header)
	}
	resp, err := Client.Do(req)
	if err != nil {
		w.T.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(got)}
	var failed struct{ Errors []struct{ Code string } }
	if json.Unmarshal(got, &failed) == nil && len(failed.Errors) > 0 {
		a.Code = failed.Errors[0].Code
	}
	return a
}

// By picks the expectation of the registry's family.
func By[T any](w Wire, v2, v3 T) T {
	if w.Server.Version == V2 {
		return v2
	}
	return v3
}

// Check checks an answer's status and, for errors, the code.
func (w Wire) Check(what string, a Answer, status int, code string) {
	w.T.Helper()
	if a.Status != status || a.Code != code {
		w.T.Errorf("%s: got %d %s, want %d %s\n%s", what, a.Status, a.Code, status, code, a.Body)
	}
}

// Equal checks a value.
func Equal[T comparable](w Wire, what string, got, want T) {
	w.T.Helper()
	if got != want {
		w.T.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// ListTags lists the repository in one request.
func (w Wire) ListTags(query string) (tags []string, link string) {
	w.T.Helper()
	a := w.Do("GET", "tags/list"+query)
	w.Check("tags/list"+query, a, 200, "")
	var list struct {
		Name string
		Tags []string
	}
	if err := json.Unmarshal([]byte(a.Body), &list); err != nil {
		w.T.Fatal(err)
	}
	Equal(w, "name", list.Name, w.Path)
	return list.Tags, a.Header.Get("Link")
}

// listed checks the tags of the repository; their order matters only where the registry promises one.
func (w Wire) listed(query string, want ...string) (link string) {
	w.T.Helper()
	got, link := w.ListTags(query)
	if w.Server.Version == V2 {
		slices.Sort(got)
		want = slices.Sorted(slices.Values(want))
	}
	if !slices.Equal(got, want) {
		w.T.Errorf("tags/list%s: got %v, want %v", query, got, want)
	}
	return link
}

var linkForm = regexp.MustCompile(`^</v2/[^?>]+(\?[^>]+)>; rel="next"$`)

// linked checks a Link header and returns the query of the page that it leads to.
func (w Wire) linked(link string) (query string) {
	w.T.Helper()
	m := linkForm.FindStringSubmatch(link)
	if m == nil {
		w.T.Fatalf("link: got %q, want one relative to the host", link)
	}
	return m[1]
}

// image pushes an image of its own for each tag.
func (w Wire) image(tag string) oci.Digest {
	w.T.Helper()
	return w.Push.Image(fixture.Image{Tags: []string{tag}})
}

// Resolves checks what a tag or digest resolves to; "" means that it is not there.
func (w Wire) Resolves(ref string, want oci.Digest) {
	w.T.Helper()
	a := w.Do("HEAD", "manifests/"+ref)
	if want == "" {
		Equal(w, "HEAD "+ref, a.Status, 404)
		return
	}
	Equal(w, "HEAD "+ref, a.Status, 200)
	Equal(w, "digest of "+ref, oci.Digest(a.Header.Get("Docker-Content-Digest")), want)
}

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// absent is a digest that no registry has.
var absent = digest.FromString("nothing")

// row is a fact about what a registry answers, stated for both families.
type row struct {
	name string
	run  func(w wire)
}

// TestConformanceWire holds the double to the real registries: what it answers, they answer.
func TestConformanceWire(t *testing.T) {
	t.Parallel()
	table := []struct {
		options registries.Options
		rows    []row
	}{
		{registries.Options{}, slices.Concat(listing, reading, deleting, writing, placeholders)},
		{registries.Options{}, catalog},
		{registries.Options{MaxTags: 2}, small},
		{registries.Options{DisableDelete: true}, undeletable},
		{registries.Options{ReadOnly: true}, readOnly},
		{registries.Options{Username: "u", Password: "p"}, closed},
	}
	each(t, func(t *testing.T, r registry) {
		for _, part := range table {
			s := r.start(t, part.options)
			for n, row := range part.rows {
				if !s.takes(row.name) {
					continue
				}
				t.Run(row.name, func(t *testing.T) {
					t.Parallel()
					path := fmt.Sprintf("team/row%d", n)
					push, _ := s.pusher(t, path)
					row.run(wire{t, s, path, push})
				})
			}
		}
	})
}

var listing = []row{
	{"the API announces itself", func(w wire) {
		a := w.do("GET", "/v2/")
		w.status("/v2/", a, 200, "")
		equal(w, "version", a.header.Get("Docker-Distribution-Api-Version"), "registry/2.0")
	}},
	{"tags of an unknown repository", func(w wire) {
		w.status("list", w.do("GET", "tags/list"), 404, "NAME_UNKNOWN")
	}},
	{"tags of a repository that never had any", func(w wire) {
		w.push.Image(fixture.Image{Seed: "untagged"})
		w.status("list", w.do("GET", "tags/list"), 404, "NAME_UNKNOWN")
	}},
	{"tags of an emptied repository", func(w wire) {
		w.do("DELETE", "manifests/"+w.image("1").String())
		a := w.do("GET", "tags/list")
		w.status("list", a, 200, "")
		want := fmt.Sprintf(`{"name":%q,"tags":%s}`, w.path, by(w, "null", "[]"))
		equal(w, "body", strings.TrimSpace(a.body), want)
		equal(w, "type", a.header.Get("Content-Type"), by(w, "application/json; charset=utf-8", "application/json"))
	}},
	{"tags are sorted by byte on 3.x only", func(w wire) {
		for _, tag := range []string{"b9", "b10", "A", "latest", "a.b", "a-b"} {
			w.image(tag)
		}
		equal(w, "link", w.listed("", "A", "a-b", "a.b", "b10", "b9", "latest"), "")
	}},
	{"pages by n and last on 3.x only", func(w wire) {
		for _, tag := range []string{"a", "b", "c"} {
			w.image(tag)
		}
		link := w.listed("?n=2", by(w, []string{"a", "b", "c"}, []string{"a", "b"})...)
		if by(w, false, true) {
			link = w.listed(w.linked(link), "c")
		}
		equal(w, "last link", link, "")
	}},
	{"an exact page links to an empty one", func(w wire) {
		w.image("a")
		link := w.listed("?n=1", "a")
		if by(w, false, true) {
			link = w.listed(w.linked(link))
		}
		equal(w, "last link", link, "")
	}},
	{"a last that is no tag skips nothing", func(w wire) {
		for _, tag := range []string{"a", "c", "d"} {
			w.image(tag)
		}
		w.listed("?n=5&last=b", by(w, []string{"a", "c", "d"}, []string{"c", "d"})...)
	}},
	{"a page of nothing", func(w wire) {
		w.image("a")
		equal(w, "link", w.listed("?n=0", by(w, []string{"a"}, []string{})...), "")
	}},
	{"an n that is no number", func(w wire) {
		w.image("a")
		for _, query := range []string{"?n=-1", "?n=x"} {
			w.status(query, w.do("GET", "tags/list"+query), by(w, 200, 400), by(w, "", "PAGINATION_NUMBER_INVALID"))
		}
	}},
	{"a ghost is listed and not there", func(w wire) {
		w.image("kept")
		w.reg.ghost(w.t, w.path, "ghost")
		w.listed("", "ghost", "kept")
		w.status("GET", w.do("GET", "manifests/ghost"), 404, "MANIFEST_UNKNOWN")
		w.resolves("ghost", "")
		w.status("DELETE digest", w.do("DELETE", "manifests/"+absent.String()), 404, "MANIFEST_UNKNOWN")
		w.status("DELETE tag", w.do("DELETE", "manifests/ghost"), by(w, 400, 202), by(w, "DIGEST_INVALID", ""))
		w.listed("", by(w, []string{"ghost", "kept"}, []string{"kept"})...)
	}},
	{"no referrers API", func(w wire) {
		d := w.image("a")
		a := w.do("GET", "referrers/"+d.String())
		w.status("referrers", a, 404, "")
		equal(w, "type", a.header.Get("Content-Type"), "text/plain; charset=utf-8")
	}},
}

// small has rows for a server that sends at most two tags a page.
var small = []row{
	{"an n above the server's limit is clamped", func(w wire) {
		for _, tag := range []string{"a", "b", "c"} {
			w.image(tag)
		}
		link := w.listed("?n=1000", by(w, []string{"a", "b", "c"}, []string{"a", "b"})...)
		if by(w, false, true) {
			equal(w, "query", w.linked(link), "?last=b&n=2")
		}
	}},
	{"without n everything comes at once", func(w wire) {
		for _, tag := range []string{"a", "b", "c"} {
			w.image(tag)
		}
		equal(w, "link", w.listed("", "a", "b", "c"), "")
	}},
}

var reading = []row{
	{"manifest by tag and by digest", func(w wire) {
		d := w.image("a")
		for _, ref := range []string{"a", d.String()} {
			a := w.do("GET", "manifests/"+ref)
			w.status(ref, a, 200, "")
			equal(w, "body", digest.FromString(a.body), d)
			for _, a := range []answer{a, w.do("HEAD", "manifests/"+ref)} {
				w.status(ref, a, 200, "")
				equal(w, "digest", a.header.Get("Docker-Content-Digest"), d.String())
				equal(w, "type", a.header.Get("Content-Type"), fixture.DockerManifest)
				equal(w, "etag", a.header.Get("Etag"), `"`+d.String()+`"`)
				equal(w, "last modified", a.header.Get("Last-Modified"), "")
			}
			equal(w, "length", w.do("HEAD", "manifests/"+ref).header.Get("Content-Length"), fmt.Sprint(len(a.body)))
		}
	}},
	{"manifest that is not there", func(w wire) {
		w.status("unknown repository", w.do("GET", "manifests/a"), 404, "MANIFEST_UNKNOWN")
		w.status("unknown repository", w.do("GET", "manifests/"+absent.String()), 404, "MANIFEST_UNKNOWN")
		w.image("a")
		w.status("tag", w.do("GET", "manifests/b"), 404, "MANIFEST_UNKNOWN")
		w.status("digest", w.do("GET", "manifests/"+absent.String()), 404, "MANIFEST_UNKNOWN")
		w.status("HEAD", w.do("HEAD", "manifests/b"), 404, "")
	}},
	{"not modified has no digest", func(w wire) {
		d := w.image("a")
		a := w.send("GET", "manifests/a", "", "", func(h http.Header) { h.Set("If-None-Match", `"`+d.String()+`"`) })
		w.status("GET", a, 304, "")
		equal(w, "digest", a.header.Get("Docker-Content-Digest"), "")
	}},
	{"schema 2 manifest by Accept", func(w wire) {
		d := w.image("a")
		a := w.do("GET", "manifests/a", "none")
		w.status("none", a, 200, "")
		// 2.8 rewrites it to schema 1 and names a digest that it cannot find again.
		equal(w, "none: real digest", a.header.Get("Docker-Content-Digest") == d.String(), by(w, false, true))
		equal(w, "none: type", a.header.Get("Content-Type"),
			by(w, "application/vnd.docker.distribution.manifest.v1+prettyjws", fixture.DockerManifest))
		if made := a.header.Get("Docker-Content-Digest"); by(w, true, false) {
			w.status("digest of the rewritten", w.do("GET", "manifests/"+made), 404, "MANIFEST_UNKNOWN")
		}
		w.accepted("a", d, acceptSchema2, acceptAll, "text/plain, "+acceptSchema2+"; q=0.5")
		w.accepted(d.String(), d, "none", acceptSchema2, acceptAll)
	}},
	{"docker manifest list by Accept", func(w wire) {
		arm := w.push.Image(fixture.Image{Seed: "arm", Platform: "linux/arm64"})
		amd := w.push.Image(fixture.Image{Seed: "amd"})
		d := w.push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{arm, amd}, MediaType: fixture.DockerList})
		w.status("none", w.do("GET", "manifests/a", "none"), by(w, 200, 400), by(w, "", "MANIFEST_INVALID"))
		w.accepted("a", amd, acceptSchema2) // the trap: the digest of a child, under the tag of the list
		w.accepted("a", d, acceptAll, fixture.DockerList)
		w.accepted(d.String(), d, "none", acceptSchema2, acceptAll)
	}},
	{"docker manifest list without a default child by Accept", func(w wire) {
		arm := w.push.Image(fixture.Image{Seed: "arm", Platform: "linux/arm64"})
		w.push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{arm}, MediaType: fixture.DockerList})
		w.status("schema 2", w.do("GET", "manifests/a", acceptSchema2), 404, "MANIFEST_UNKNOWN")
	}},
	{"OCI index by Accept", func(w wire) {
		amd := w.push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest})
		d := w.push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{amd}})
		for _, accept := range []string{"none", acceptSchema2} {
			for _, ref := range []string{"a", d.String()} {
				w.status(accept, w.do("GET", "manifests/"+ref, accept), by(w, 404, 200), by(w, "MANIFEST_UNKNOWN", ""))
			}
		}
		w.accepted("a", d, acceptAll, fixture.OCIIndex)
	}},
	{"OCI manifest by Accept", func(w wire) {
		d := w.push.Image(fixture.Image{Tags: []string{"a"}, MediaType: fixture.OCIManifest})
		for _, accept := range []string{"none", acceptSchema2} {
			for _, ref := range []string{"a", d.String()} {
				w.status(accept, w.do("GET", "manifests/"+ref, accept), 404, "MANIFEST_UNKNOWN")
			}
		}
		w.accepted("a", d, acceptAll, fixture.OCIManifest)
	}},
	{"blob", func(w wire) {
		w.image("a")
		base := w.blobs("a")[0]
		for _, method := range []string{"GET", "HEAD"} {
			a := w.do(method, "blobs/"+base.String())
			w.status(method, a, 200, "")
			equal(w, "digest", a.header.Get("Docker-Content-Digest"), base.String())
			equal(w, "type", a.header.Get("Content-Type"), "application/octet-stream")
			equal(w, "last modified", a.header.Get("Last-Modified"), "")
			equal(w, "length", a.header.Get("Content-Length"), "1024")
			if method == "GET" {
				equal(w, "body", digest.FromString(a.body), base)
			}
		}
		w.status("absent", w.do("GET", "blobs/"+absent.String()), 404, "BLOB_UNKNOWN")
	}},
}

// accepted checks that a reference resolves to the same digest for each of the Accept headers.
func (w wire) accepted(ref string, want oci.Digest, accepts ...string) {
	w.t.Helper()
	for _, accept := range accepts {
		a := w.do("GET", "manifests/"+ref, accept)
		w.status(accept, a, 200, "")
		equal(w, "digest for "+accept, a.header.Get("Docker-Content-Digest"), want.String())
		equal(w, "body for "+accept, digest.FromString(a.body), want)
	}
}

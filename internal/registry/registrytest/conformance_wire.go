package registrytest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

var listing = []row{
	{"the API announces itself", func(w Wire) {
		a := w.Do("GET", "/v2/")
		w.Check("/v2/", a, 200, "")
		Equal(w, "version", a.Header.Get("Docker-Distribution-Api-Version"), "registry/2.0")
	}},
	{"tags of an unknown repository", func(w Wire) {
		w.Check("list", w.Do("GET", "tags/list"), 404, "NAME_UNKNOWN")
	}},
	{"tags of a repository that never had any", func(w Wire) {
		w.Push.Image(fixture.Image{Seed: "untagged"})
		w.Check("list", w.Do("GET", "tags/list"), 404, "NAME_UNKNOWN")
	}},
	{"tags of an emptied repository", func(w Wire) {
		w.Do("DELETE", "manifests/"+w.image("1").String())
		a := w.Do("GET", "tags/list")
		w.Check("list", a, 200, "")
		want := fmt.Sprintf(`{"name":%q,"tags":%s}`, w.Path, By(w, "null", "[]"))
		Equal(w, "body", strings.TrimSpace(a.Body), want)
		Equal(w, "type", a.Header.Get("Content-Type"), By(w, "application/json; charset=utf-8", "application/json"))
	}},
	{"tags are sorted by byte on 3.x only", func(w Wire) {
		for _, tag := range []string{"b9", "b10", "A", "latest", "a.b", "a-b"} {
			w.image(tag)
		}
		Equal(w, "link", w.listed("", "A", "a-b", "a.b", "b10", "b9", "latest"), "")
	}},
	{"pages by n and last on 3.x only", func(w Wire) {
		for _, tag := range []string{"a", "b", "c"} {
			w.image(tag)
		}
		link := w.listed("?n=2", By(w, []string{"a", "b", "c"}, []string{"a", "b"})...)
		if By(w, false, true) {
			link = w.listed(w.linked(link), "c")
		}
		Equal(w, "last link", link, "")
	}},
	{"an exact page links to an empty one", func(w Wire) {
		w.image("a")
		link := w.listed("?n=1", "a")
		if By(w, false, true) {
			link = w.listed(w.linked(link))
		}
		Equal(w, "last link", link, "")
	}},
	{"a last that is not a tag skips nothing", func(w Wire) {
		for _, tag := range []string{"a", "c", "d"} {
			w.image(tag)
		}
		w.listed("?n=5&last=b", By(w, []string{"a", "c", "d"}, []string{"c", "d"})...)
	}},
	{"a page of nothing", func(w Wire) {
		w.image("a")
		Equal(w, "link", w.listed("?n=0", By(w, []string{"a"}, []string{})...), "")
	}},
	{"an n that is not a number", func(w Wire) {
		w.image("a")
		for _, query := range []string{"?n=-1", "?n=x"} {
			w.Check(query, w.Do("GET", "tags/list"+query), By(w, 200, 400), By(w, "", "PAGINATION_NUMBER_INVALID"))
		}
	}},
	{"a ghost is listed and not there", func(w Wire) {
		w.image("kept")
		w.Server.Ghost(w.T, w.Path, "ghost")
		w.listed("", "ghost", "kept")
		w.Check("GET", w.Do("GET", "manifests/ghost"), 404, "MANIFEST_UNKNOWN")
		w.Resolves("ghost", "")
		w.Check("DELETE digest", w.Do("DELETE", "manifests/"+Absent.String()), 404, "MANIFEST_UNKNOWN")
		w.Check("DELETE tag", w.Do("DELETE", "manifests/ghost"), By(w, 400, 202), By(w, "DIGEST_INVALID", ""))
		w.listed("", By(w, []string{"ghost", "kept"}, []string{"kept"})...)
	}},
	{"no referrers API", func(w Wire) {
		d := w.image("a")
		a := w.Do("GET", "referrers/"+d.String())
		w.Check("referrers", a, 404, "")
		Equal(w, "type", a.Header.Get("Content-Type"), "text/plain; charset=utf-8")
	}},
}

// small has rows for a server that sends at most two tags a page.
var small = []row{
	{"an n above the server's limit is clamped", func(w Wire) {
		for _, tag := range []string{"a", "b", "c"} {
			w.image(tag)
		}
		link := w.listed("?n=1000", By(w, []string{"a", "b", "c"}, []string{"a", "b"})...)
		if By(w, false, true) {
			Equal(w, "query", w.linked(link), "?last=b&n=2")
		}
	}},
	{"without n everything comes at once", func(w Wire) {
		for _, tag := range []string{"a", "b", "c"} {
			w.image(tag)
		}
		Equal(w, "link", w.listed("", "a", "b", "c"), "")
	}},
}

var reading = []row{
	{"manifest by tag and by digest", func(w Wire) {
		d := w.image("a")
		for _, ref := range []string{"a", d.String()} {
			a := w.Do("GET", "manifests/"+ref)
			w.Check(ref, a, 200, "")
			Equal(w, "body", digest.FromString(a.Body), d)
			for _, a := range []Answer{a, w.Do("HEAD", "manifests/"+ref)} {
				w.Check(ref, a, 200, "")
				Equal(w, "digest", a.Header.Get("Docker-Content-Digest"), d.String())
				Equal(w, "type", a.Header.Get("Content-Type"), fixture.DockerManifest)
				Equal(w, "etag", a.Header.Get("Etag"), `"`+d.String()+`"`)
				Equal(w, "last modified", a.Header.Get("Last-Modified"), "")
			}
			Equal(w, "length", w.Do("HEAD", "manifests/"+ref).Header.Get("Content-Length"), fmt.Sprint(len(a.Body)))
		}
	}},
	{"manifest that is not there", func(w Wire) {
		w.Check("unknown repository", w.Do("GET", "manifests/a"), 404, "MANIFEST_UNKNOWN")
		w.Check("unknown repository", w.Do("GET", "manifests/"+Absent.String()), 404, "MANIFEST_UNKNOWN")
		w.image("a")
		w.Check("tag", w.Do("GET", "manifests/b"), 404, "MANIFEST_UNKNOWN")
		w.Check("digest", w.Do("GET", "manifests/"+Absent.String()), 404, "MANIFEST_UNKNOWN")
		w.Check("HEAD", w.Do("HEAD", "manifests/b"), 404, "")
	}},
	{"not modified has no digest", func(w Wire) {
		d := w.image("a")
		a := w.Send("GET", "manifests/a", "", "", func(h http.Header) { h.Set("If-None-Match", `"`+d.String()+`"`) })
		w.Check("GET", a, 304, "")
		Equal(w, "digest", a.Header.Get("Docker-Content-Digest"), "")
	}},
	{"schema 2 manifest by Accept", func(w Wire) {
		d := w.image("a")
		a := w.Do("GET", "manifests/a", "none")
		w.Check("none", a, 200, "")
		// 2.8 rewrites it to schema 1 and names a digest that it cannot find again.
		Equal(w, "none: real digest", a.Header.Get("Docker-Content-Digest") == d.String(), By(w, false, true))
		Equal(w, "none: type", a.Header.Get("Content-Type"),
			By(w, "application/vnd.docker.distribution.manifest.v1+prettyjws", fixture.DockerManifest))
		if made := a.Header.Get("Docker-Content-Digest"); By(w, true, false) {
			w.Check("digest of the rewritten", w.Do("GET", "manifests/"+made), 404, "MANIFEST_UNKNOWN")
		}
		w.accepted("a", d, acceptSchema2, AcceptAll, "text/plain, "+acceptSchema2+"; q=0.5")
		w.accepted(d.String(), d, "none", acceptSchema2, AcceptAll)
	}},
	{"docker manifest list by Accept", func(w Wire) {
		arm := w.Push.Image(fixture.Image{Seed: "arm", Platform: "linux/arm64"})
		amd := w.Push.Image(fixture.Image{Seed: "amd"})
		d := w.Push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{arm, amd}, MediaType: fixture.DockerList})
		w.Check("none", w.Do("GET", "manifests/a", "none"), By(w, 200, 400), By(w, "", "MANIFEST_INVALID"))
		w.accepted("a", amd, acceptSchema2) // the trap: the digest of a child, under the tag of the list
		w.accepted("a", d, AcceptAll, fixture.DockerList)
		w.accepted(d.String(), d, "none", acceptSchema2, AcceptAll)
	}},
	{"docker manifest list without a default child by Accept", func(w Wire) {
		arm := w.Push.Image(fixture.Image{Seed: "arm", Platform: "linux/arm64"})
		w.Push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{arm}, MediaType: fixture.DockerList})
		w.Check("schema 2", w.Do("GET", "manifests/a", acceptSchema2), 404, "MANIFEST_UNKNOWN")
	}},
	{"OCI index by Accept", func(w Wire) {
		amd := w.Push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest})
		d := w.Push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{amd}})
		for _, accept := range []string{"none", acceptSchema2} {
			for _, ref := range []string{"a", d.String()} {
				w.Check(accept, w.Do("GET", "manifests/"+ref, accept), By(w, 404, 200), By(w, "MANIFEST_UNKNOWN", ""))
			}
		}
		w.accepted("a", d, AcceptAll, fixture.OCIIndex)
	}},
	{"OCI manifest by Accept", func(w Wire) {
		d := w.Push.Image(fixture.Image{Tags: []string{"a"}, MediaType: fixture.OCIManifest})
		for _, accept := range []string{"none", acceptSchema2} {
			for _, ref := range []string{"a", d.String()} {
				w.Check(accept, w.Do("GET", "manifests/"+ref, accept), 404, "MANIFEST_UNKNOWN")
			}
		}
		w.accepted("a", d, AcceptAll, fixture.OCIManifest)
	}},
	{"blob", func(w Wire) {
		w.image("a")
		base := w.Blobs("a")[0]
		for _, method := range []string{"GET", "HEAD"} {
			a := w.Do(method, "blobs/"+base.String())
			w.Check(method, a, 200, "")
			Equal(w, "digest", a.Header.Get("Docker-Content-Digest"), base.String())
			Equal(w, "type", a.Header.Get("Content-Type"), "application/octet-stream")
			Equal(w, "last modified", a.Header.Get("Last-Modified"), "")
			Equal(w, "length", a.Header.Get("Content-Length"), "1024")
			if method == "GET" {
				Equal(w, "body", digest.FromString(a.Body), base)
			}
		}
		w.Check("absent", w.Do("GET", "blobs/"+Absent.String()), 404, "BLOB_UNKNOWN")
	}},
}

// accepted checks that a reference resolves to the same digest for each of the Accept headers.
func (w Wire) accepted(ref string, want oci.Digest, accepts ...string) {
	w.T.Helper()
	for _, accept := range accepts {
		a := w.Do("GET", "manifests/"+ref, accept)
		w.Check(accept, a, 200, "")
		Equal(w, "digest for "+accept, a.Header.Get("Docker-Content-Digest"), want.String())
		Equal(w, "body for "+accept, digest.FromString(a.Body), want)
	}
}

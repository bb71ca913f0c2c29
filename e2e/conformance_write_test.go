package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

var deleting = []row{
	{"deleting a digest deletes all its tags", func(w wire) {
		d := w.image("a")
		w.push.Tag(d, "alias")
		w.image("b")
		a := w.do("DELETE", "manifests/"+d.String())
		w.status("first", a, 202, "")
		equal(w, "body", a.body, "")
		w.listed("", "b")
		w.resolves("alias", "")
		w.resolves(d.String(), "")
		w.status("second", w.do("DELETE", "manifests/"+d.String()), 404, "MANIFEST_UNKNOWN")
	}},
	{"deleting a tag alone works on 3.x only", func(w wire) {
		d := w.image("a")
		w.push.Tag(d, "alias")
		w.status("tag", w.do("DELETE", "manifests/a"), by(w, 400, 202), by(w, "DIGEST_INVALID", ""))
		w.listed("", by(w, []string{"a", "alias"}, []string{"alias"})...)
		w.resolves(d.String(), d)
		w.status("again", w.do("DELETE", "manifests/a"), by(w, 400, 404), by(w, "DIGEST_INVALID", "MANIFEST_UNKNOWN"))
	}},
	{"deleting what is not there tells the version", func(w wire) {
		for _, repository := range []string{"unknown", "known"} {
			w.status(repository, w.do("DELETE", "manifests/"+absent.String()), 404, "MANIFEST_UNKNOWN")
			a := w.do("DELETE", "manifests/none")
			w.status(repository, a, by(w, 400, 404), by(w, "DIGEST_INVALID", "MANIFEST_UNKNOWN"))
			w.image("a")
		}
	}},
	{"deleting a malformed digest", func(w wire) {
		w.image("a")
		w.status("short", w.do("DELETE", "manifests/sha256:abc"), 400, "DIGEST_INVALID")
	}},
	{"deleting the last tag leaves the manifest", func(w wire) {
		d := w.image("a")
		w.do("DELETE", "manifests/a")
		w.resolves(d.String(), d)
		w.status("digest", w.do("DELETE", "manifests/"+d.String()), 202, "")
		w.resolves(d.String(), "")
	}},
	{"nothing protects the child of an index", func(w wire) {
		child := w.push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest})
		d := w.push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{child}})
		w.status("child", w.do("DELETE", "manifests/"+child.String()), 202, "")
		w.resolves("a", d)
		w.resolves(child.String(), "")
	}},
	{"deleting an index leaves its children", func(w wire) {
		child := w.push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest})
		d := w.push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{child}})
		w.status("index", w.do("DELETE", "manifests/"+d.String()), 202, "")
		w.listed("")
		w.resolves(child.String(), child)
	}},
	{"deleting a layer's digest as a manifest is accepted by 2.x", func(w wire) {
		w.image("a")
		layer := w.blobs("a")[0]
		// 2.8 unlinks the layer, which shows when the descriptor cache has forgotten it.
		w.status("DELETE", w.do("DELETE", "manifests/"+layer.String()), by(w, 202, 500), by(w, "", "UNKNOWN"))
	}},
	{"a tag that is pushed again leaves its old manifest", func(w wire) {
		old := w.push.Image(fixture.Image{Tags: []string{"latest"}, Seed: "1"})
		fresh := w.push.Image(fixture.Image{Tags: []string{"latest"}, Seed: "2"})
		w.resolves("latest", fresh)
		w.resolves(old.String(), old)
		w.status("old", w.do("DELETE", "manifests/"+old.String()), 202, "")
		w.resolves("latest", fresh)
	}},
	{"blobs stay", func(w wire) {
		d := w.image("a")
		blobs := w.blobs("a")
		w.status("DELETE", w.do("DELETE", "manifests/"+d.String()), 202, "")
		for _, b := range blobs {
			w.status("blob", w.do("HEAD", "blobs/"+b.String()), 200, "")
		}
	}},
}

// blobs returns the layers of an image, then its config.
func (w wire) blobs(ref string) (out []oci.Digest) {
	w.t.Helper()
	var m struct {
		Layers []struct{ Digest oci.Digest }
		Config struct{ Digest oci.Digest }
	}
	if err := json.Unmarshal([]byte(w.do("GET", "manifests/"+ref).body), &m); err != nil {
		w.t.Fatal(err)
	}
	for _, l := range m.Layers {
		out = append(out, l.Digest)
	}
	return append(out, m.Config.Digest)
}

// undeletable has rows for a server without storage.delete.enabled.
var undeletable = []row{
	{"every deletion is unsupported", func(w wire) {
		const bogus = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
		w.status("unknown repository", w.do("DELETE", "manifests/"+bogus), 405, "UNSUPPORTED")
		d := w.image("a")
		for _, ref := range []string{d.String(), bogus, "a", "none"} {
			a := w.do("DELETE", "manifests/"+ref)
			w.status(ref, a, 405, "UNSUPPORTED")
			equal(w, "type", a.header.Get("Content-Type"), by(w, "application/json; charset=utf-8", "application/json"))
		}
		w.resolves("a", d)
	}},
}

// readOnly has rows for a server in maintenance.
var readOnly = []row{
	{"every write is refused in plain text", func(w wire) {
		for _, call := range []string{
			"DELETE manifests/" + absent.String(), "DELETE manifests/a", "PUT manifests/a", "POST blobs/uploads/",
		} {
			method, path, _ := strings.Cut(call, " ")
			a := w.do(method, path)
			w.status(call, a, 405, "")
			equal(w, "type", a.header.Get("Content-Type"), "text/plain; charset=utf-8")
			equal(w, "body", strings.TrimSpace(a.body), "Method not allowed")
			equal(w, "allow", a.header.Get("Allow"), "GET, HEAD")
		}
	}},
	{"reading goes on", func(w wire) {
		w.status("/v2/", w.do("GET", "/v2/"), 200, "")
		w.status("tags", w.do("GET", "tags/list"), 404, "NAME_UNKNOWN")
	}},
}

// closed has rows for a server with accounts.
var closed = []row{
	{"everything wants the password", func(w wire) {
		d := w.image("a")
		w.resolves("a", d)
		for _, password := range []string{"", "wrong"} {
			stranger := w
			stranger.reg.username = ""
			if password != "" {
				stranger.reg.username, stranger.reg.password = "u", password
			}
			for _, call := range []string{"GET /v2/", "GET tags/list", "HEAD manifests/a", "DELETE manifests/" + d.String(), "GET /v2/_catalog"} {
				method, path, _ := strings.Cut(call, " ")
				a := stranger.do(method, path)
				equal(w, call, a.status, 401)
				equal(w, "challenge", strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic realm="), true)
				if method != http.MethodHead {
					equal(w, "code", a.code, "UNAUTHORIZED")
				}
			}
		}
		w.resolves("a", d)
	}},
}

// catalog has one row, because it looks at all repositories of a server.
var catalog = []row{
	{"catalog pages by n", func(w wire) {
		for _, path := range []string{"b", "a/c", "a", "a-b", "emptied"} {
			push, _ := w.reg.pusher(w.t, path)
			d := push.Image(fixture.Image{Tags: []string{"1"}})
			if path == "emptied" {
				w.do("DELETE", "/v2/emptied/manifests/"+d.String())
			}
		}
		get := func(query string) (names, link string) {
			w.t.Helper()
			a := w.do("GET", "/v2/_catalog"+query)
			w.status("catalog"+query, a, 200, "")
			var list struct{ Repositories []string }
			if err := json.Unmarshal([]byte(a.body), &list); err != nil {
				w.t.Fatal(err)
			}
			return strings.Join(list.Repositories, " "), a.header.Get("Link")
		}
		names, link := get("")
		equal(w, "all", names, "a a/c a-b b emptied")
		equal(w, "link", link, "")
		names, link = get("?n=3")
		equal(w, "first page", names, "a a/c a-b")
		names, link = get(w.linked(link))
		equal(w, "second page", names, "b emptied")
		equal(w, "last link", link, "")
		_, link = get("?n=5")
		equal(w, "link of an exact page", link, "")
		w.status("too many", w.do("GET", "/v2/_catalog?n=1001"), 400, "PAGINATION_NUMBER_INVALID")
		w.status("negative", w.do("GET", "/v2/_catalog?n=-1"), by(w, 200, 400), by(w, "", "PAGINATION_NUMBER_INVALID"))
	}},
}

var writing = []row{
	{"every kind of fixture is taken", func(w wire) {
		amd := w.push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Size: 10})
		arm := w.push.Image(fixture.Image{Seed: "arm", MediaType: fixture.OCIManifest, Platform: "linux/arm64"})
		inner := w.push.Index(fixture.Index{Children: []oci.Digest{amd, arm, w.push.Provenance(amd)}})
		outer := w.push.Index(fixture.Index{Tags: []string{"nested"}, Children: []oci.Digest{inner, amd}})
		signature := w.push.Signature(outer, ".sig")
		referrer, fallback := w.push.Referrer(outer, "application/spdx+json")
		again, wider := w.push.Referrer(outer, "application/vnd.example")
		chart := w.push.Artifact("chart")
		under := "sha256-" + outer.Encoded()
		w.listed("", "chart", "nested", under, under+".sig")
		for ref, want := range map[string]oci.Digest{
			"nested": outer, inner.String(): inner, under: wider, fallback.String(): fallback, under + ".sig": signature,
			referrer.String(): referrer, again.String(): again, "chart": chart,
		} {
			w.resolves(ref, want)
		}
	}},
	{"a subject is not noticed", func(w wire) {
		d := w.push.Image(fixture.Image{Tags: []string{"a"}, MediaType: fixture.OCIManifest})
		referrer, _ := w.push.Referrer(d, "application/spdx+json")
		body := w.do("GET", "manifests/"+referrer.String()).body
		a := w.send("PUT", "manifests/"+referrer.String(), fixture.OCIManifest, body, nil)
		w.status("PUT", a, 201, "")
		equal(w, "OCI-Subject", a.header.Get("OCI-Subject"), "")
		equal(w, "digest", a.header.Get("Docker-Content-Digest"), referrer.String())
	}},
	{"a manifest needs its blobs, its children and its digest", func(w wire) {
		w.image("a")
		image := w.do("GET", "manifests/a").body
		layer := w.blobs("a")[0].String()
		broken := strings.Replace(image, layer, absent.String(), 1)
		w.status("blob", w.send("PUT", "manifests/b", fixture.DockerManifest, broken, nil), 400, "MANIFEST_BLOB_UNKNOWN")
		list := `{"schemaVersion":2,"mediaType":"` + fixture.OCIIndex + `","manifests":[{"mediaType":"` +
			fixture.OCIManifest + `","size":2,"digest":"` + absent.String() + `"}]}`
		w.status("child", w.send("PUT", "manifests/b", fixture.OCIIndex, list, nil), 400, "MANIFEST_BLOB_UNKNOWN")
		w.status("digest", w.send("PUT", "manifests/"+absent.String(), fixture.DockerManifest, image, nil), 400, "DIGEST_INVALID")
		w.status("type", w.send("PUT", "manifests/b", "application/json", image, nil), 400, "MANIFEST_INVALID")
		w.status("body", w.send("PUT", "manifests/b", fixture.DockerManifest, "<html>", nil), 400, "MANIFEST_INVALID")
		w.listed("", "a")
	}},
	{"a blob comes by POST and PUT", func(w wire) {
		d := digest.FromString("content")
		a := w.send("POST", "blobs/uploads/?digest="+d.String(), "application/octet-stream", "content", nil)
		w.status("POST with the content", a, 202, "") // a session all the same
		session, err := url.Parse(a.header.Get("Location"))
		if err != nil || !session.IsAbs() {
			w.t.Fatalf("location: got %q, %v, want an absolute address", a.header.Get("Location"), err)
		}
		q := session.Query()
		q.Set("digest", d.String())
		session.RawQuery = q.Encode()
		w.status("PUT of other content", w.send("PUT", w.session(absent), "", "content", nil), 400, "DIGEST_INVALID")
		a = w.send("PUT", session.String(), "application/octet-stream", "content", nil)
		w.status("PUT", a, 201, "")
		equal(w, "digest", a.header.Get("Docker-Content-Digest"), d.String())
		w.status("HEAD", w.do("HEAD", "blobs/"+d.String()), 200, "")

		other := w
		other.path += "/other"
		w.status("elsewhere", other.do("HEAD", "blobs/"+d.String()), 404, "")
		from := url.Values{"mount": {d.String()}, "from": {w.path}}.Encode()
		w.status("mount", other.do("POST", "blobs/uploads/?"+from), 201, "")
		w.status("mounted", other.do("HEAD", "blobs/"+d.String()), 200, "")
		from = url.Values{"mount": {absent.String()}, "from": {w.path}}.Encode()
		w.status("mount of nothing", other.do("POST", "blobs/uploads/?"+from), 202, "")
	}},
}

// session starts an upload and returns the address that takes the blob of that digest.
func (w wire) session(d oci.Digest) string {
	w.t.Helper()
	u, err := url.Parse(w.do("POST", "blobs/uploads/").header.Get("Location"))
	if err != nil {
		w.t.Fatal(err)
	}
	q := u.Query()
	q.Set("digest", d.String())
	u.RawQuery = q.Encode()
	return u.String()
}

package registrytest

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
	{"deleting a digest deletes all its tags", func(w Wire) {
		d := w.image("a")
		w.Push.Tag(d, "alias")
		w.image("b")
		a := w.Do("DELETE", "manifests/"+d.String())
		w.Check("first", a, 202, "")
		Equal(w, "body", a.Body, "")
		w.listed("", "b")
		w.Resolves("alias", "")
		w.Resolves(d.String(), "")
		w.Check("second", w.Do("DELETE", "manifests/"+d.String()), 404, "MANIFEST_UNKNOWN")
	}},
	{"deleting a tag alone works on 3.x only", func(w Wire) {
		d := w.image("a")
		w.Push.Tag(d, "alias")
		w.Check("tag", w.Do("DELETE", "manifests/a"), By(w, 400, 202), By(w, "DIGEST_INVALID", ""))
		w.listed("", By(w, []string{"a", "alias"}, []string{"alias"})...)
		w.Resolves(d.String(), d)
		w.Check("again", w.Do("DELETE", "manifests/a"), By(w, 400, 404), By(w, "DIGEST_INVALID", "MANIFEST_UNKNOWN"))
	}},
	{"deleting what is not there tells the version", func(w Wire) {
		for _, repository := range []string{"unknown", "known"} {
			w.Check(repository, w.Do("DELETE", "manifests/"+Absent.String()), 404, "MANIFEST_UNKNOWN")
			a := w.Do("DELETE", "manifests/none")
			w.Check(repository, a, By(w, 400, 404), By(w, "DIGEST_INVALID", "MANIFEST_UNKNOWN"))
			w.image("a")
		}
	}},
	{"deleting a malformed digest", func(w Wire) {
		w.image("a")
		w.Check("short", w.Do("DELETE", "manifests/sha256:abc"), 400, "DIGEST_INVALID")
	}},
	{"deleting the last tag leaves the manifest", func(w Wire) {
		d := w.image("a")
		w.Do("DELETE", "manifests/a")
		w.Resolves(d.String(), d)
		w.Check("digest", w.Do("DELETE", "manifests/"+d.String()), 202, "")
		w.Resolves(d.String(), "")
	}},
	{"nothing protects the child of an index", func(w Wire) {
		child := w.Push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest})
		d := w.Push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{child}})
		w.Check("child", w.Do("DELETE", "manifests/"+child.String()), 202, "")
		w.Resolves("a", d)
		w.Resolves(child.String(), "")
	}},
	{"deleting an index leaves its children", func(w Wire) {
		child := w.Push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest})
		d := w.Push.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{child}})
		w.Check("index", w.Do("DELETE", "manifests/"+d.String()), 202, "")
		w.listed("")
		w.Resolves(child.String(), child)
	}},
	{"deleting a layer's digest as a manifest is accepted by 2.x", func(w Wire) {
		w.image("a")
		layer := w.Blobs("a")[0]
		// 2.8 unlinks the layer, which shows when the descriptor cache has forgotten it.
		w.Check("DELETE", w.Do("DELETE", "manifests/"+layer.String()), By(w, 202, 500), By(w, "", "UNKNOWN"))
	}},
	{"a tag that is pushed again leaves its old manifest", func(w Wire) {
		old := w.Push.Image(fixture.Image{Tags: []string{"latest"}, Seed: "1"})
		fresh := w.Push.Image(fixture.Image{Tags: []string{"latest"}, Seed: "2"})
		w.Resolves("latest", fresh)
		w.Resolves(old.String(), old)
		w.Check("old", w.Do("DELETE", "manifests/"+old.String()), 202, "")
		w.Resolves("latest", fresh)
	}},
	{"blobs stay", func(w Wire) {
		d := w.image("a")
		blobs := w.Blobs("a")
		w.Check("DELETE", w.Do("DELETE", "manifests/"+d.String()), 202, "")
		for _, b := range blobs {
			w.Check("blob", w.Do("HEAD", "blobs/"+b.String()), 200, "")
		}
	}},
}

// Blobs returns the layers of an image, then its config.
func (w Wire) Blobs(ref string) (out []oci.Digest) {
	w.T.Helper()
	var m struct {
		Layers []struct{ Digest oci.Digest }
		Config struct{ Digest oci.Digest }
	}
	if err := json.Unmarshal([]byte(w.Do("GET", "manifests/"+ref).Body), &m); err != nil {
		w.T.Fatal(err)
	}
	for _, l := range m.Layers {
		out = append(out, l.Digest)
	}
	return append(out, m.Config.Digest)
}

// undeletable has rows for a server without storage.delete.enabled.
var undeletable = []row{
	{"every deletion is unsupported", func(w Wire) {
		const bogus = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
		w.Check("unknown repository", w.Do("DELETE", "manifests/"+bogus), 405, "UNSUPPORTED")
		d := w.image("a")
		for _, ref := range []string{d.String(), bogus, "a", "none"} {
			a := w.Do("DELETE", "manifests/"+ref)
			w.Check(ref, a, 405, "UNSUPPORTED")
			Equal(w, "type", a.Header.Get("Content-Type"), By(w, "application/json; charset=utf-8", "application/json"))
		}
		w.Resolves("a", d)
	}},
}

// readOnly has rows for a server in maintenance.
var readOnly = []row{
	{"every write is refused in plain text", func(w Wire) {
		for _, call := range []string{
			"DELETE manifests/" + Absent.String(), "DELETE manifests/a", "PUT manifests/a", "POST blobs/uploads/",
		} {
			method, path, _ := strings.Cut(call, " ")
			a := w.Do(method, path)
			w.Check(call, a, 405, "")
			Equal(w, "type", a.Header.Get("Content-Type"), "text/plain; charset=utf-8")
			Equal(w, "body", strings.TrimSpace(a.Body), "Method not allowed")
			Equal(w, "allow", a.Header.Get("Allow"), "GET, HEAD")
		}
	}},
	{"reading goes on", func(w Wire) {
		w.Check("/v2/", w.Do("GET", "/v2/"), 200, "")
		w.Check("tags", w.Do("GET", "tags/list"), 404, "NAME_UNKNOWN")
	}},
}

// closed has rows for a server with accounts.
var closed = []row{
	{"everything wants the password", func(w Wire) {
		d := w.image("a")
		w.Resolves("a", d)
		for _, password := range []string{"", "wrong"} {
			stranger := w
			stranger.Server.Username = ""
			if password != "" {
				stranger.Server.Username, stranger.Server.Password = "u", password
			}
			for _, call := range []string{"GET /v2/", "GET tags/list", "HEAD manifests/a", "DELETE manifests/" + d.String(), "GET /v2/_catalog"} {
				method, path, _ := strings.Cut(call, " ")
				a := stranger.Do(method, path)
				Equal(w, call, a.Status, 401)
				Equal(w, "challenge", strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Basic realm="), true)
				if method != http.MethodHead {
					Equal(w, "code", a.Code, "UNAUTHORIZED")
				}
			}
		}
		w.Resolves("a", d)
	}},
}

// catalog has one row, because it looks at all repositories of a server.
var catalog = []row{
	{"catalog pages by n", func(w Wire) {
		for _, path := range []string{"b", "a/c", "a", "a-b", "emptied"} {
			push, _ := w.Server.Pusher(w.T, path)
			d := push.Image(fixture.Image{Tags: []string{"1"}})
			if path == "emptied" {
				w.Do("DELETE", "/v2/emptied/manifests/"+d.String())
			}
		}
		get := func(query string) (names, link string) {
			w.T.Helper()
			a := w.Do("GET", "/v2/_catalog"+query)
			w.Check("catalog"+query, a, 200, "")
			var list struct{ Repositories []string }
			if err := json.Unmarshal([]byte(a.Body), &list); err != nil {
				w.T.Fatal(err)
			}
			return strings.Join(list.Repositories, " "), a.Header.Get("Link")
		}
		names, link := get("")
		Equal(w, "all", names, "a a/c a-b b emptied")
		Equal(w, "link", link, "")
		names, link = get("?n=3")
		Equal(w, "first page", names, "a a/c a-b")
		names, link = get(w.linked(link))
		Equal(w, "second page", names, "b emptied")
		Equal(w, "last link", link, "")
		_, link = get("?n=5")
		Equal(w, "link of an exact page", link, "")
		w.Check("too many", w.Do("GET", "/v2/_catalog?n=1001"), 400, "PAGINATION_NUMBER_INVALID")
		w.Check("negative", w.Do("GET", "/v2/_catalog?n=-1"), By(w, 200, 400), By(w, "", "PAGINATION_NUMBER_INVALID"))
	}},
}

var writing = []row{
	{"every kind of fixture is taken", func(w Wire) {
		amd := w.Push.Image(fixture.Image{Seed: "amd", MediaType: fixture.OCIManifest, Size: 10})
		arm := w.Push.Image(fixture.Image{Seed: "arm", MediaType: fixture.OCIManifest, Platform: "linux/arm64"})
		inner := w.Push.Index(fixture.Index{Children: []oci.Digest{amd, arm, w.Push.Provenance(amd)}})
		outer := w.Push.Index(fixture.Index{Tags: []string{"nested"}, Children: []oci.Digest{inner, amd}})
		signature := w.Push.Signature(outer, ".sig")
		referrer, fallback := w.Push.Referrer(outer, "application/spdx+json")
		again, wider := w.Push.Referrer(outer, "application/vnd.example")
		chart := w.Push.Artifact("chart")
		under := "sha256-" + outer.Encoded()
		w.listed("", "chart", "nested", under, under+".sig")
		for ref, want := range map[string]oci.Digest{
			"nested": outer, inner.String(): inner, under: wider, fallback.String(): fallback, under + ".sig": signature,
			referrer.String(): referrer, again.String(): again, "chart": chart,
		} {
			w.Resolves(ref, want)
		}
	}},
	{"a subject is not noticed", func(w Wire) {
		d := w.Push.Image(fixture.Image{Tags: []string{"a"}, MediaType: fixture.OCIManifest})
		referrer, _ := w.Push.Referrer(d, "application/spdx+json")
		body := w.Do("GET", "manifests/"+referrer.String()).Body
		a := w.Send("PUT", "manifests/"+referrer.String(), fixture.OCIManifest, body, nil)
		w.Check("PUT", a, 201, "")
		Equal(w, "OCI-Subject", a.Header.Get("OCI-Subject"), "")
		Equal(w, "digest", a.Header.Get("Docker-Content-Digest"), referrer.String())
	}},
	{"a manifest needs its blobs, its children and its digest", func(w Wire) {
		w.image("a")
		image := w.Do("GET", "manifests/a").Body
		layer := w.Blobs("a")[0].String()
		broken := strings.Replace(image, layer, Absent.String(), 1)
		w.Check("blob", w.Send("PUT", "manifests/b", fixture.DockerManifest, broken, nil), 400, "MANIFEST_BLOB_UNKNOWN")
		list := `{"schemaVersion":2,"mediaType":"` + fixture.OCIIndex + `","manifests":[{"mediaType":"` +
			fixture.OCIManifest + `","size":2,"digest":"` + Absent.String() + `"}]}`
		w.Check("child", w.Send("PUT", "manifests/b", fixture.OCIIndex, list, nil), 400, "MANIFEST_BLOB_UNKNOWN")
		w.Check("digest", w.Send("PUT", "manifests/"+Absent.String(), fixture.DockerManifest, image, nil), 400, "DIGEST_INVALID")
		w.Check("type", w.Send("PUT", "manifests/b", "application/json", image, nil), 400, "MANIFEST_INVALID")
		w.Check("body", w.Send("PUT", "manifests/b", fixture.DockerManifest, "<html>", nil), 400, "MANIFEST_INVALID")
		w.listed("", "a")
	}},
	{"a blob comes by POST and PUT", func(w Wire) {
		d := digest.FromString("content")
		a := w.Send("POST", "blobs/uploads/?digest="+d.String(), "application/octet-stream", "content", nil)
		w.Check("POST with the content", a, 202, "") // a session all the same
		session, err := url.Parse(a.Header.Get("Location"))
		if err != nil || !session.IsAbs() {
			w.T.Fatalf("location: got %q, %v, want an absolute address", a.Header.Get("Location"), err)
		}
		q := session.Query()
		q.Set("digest", d.String())
		session.RawQuery = q.Encode()
		w.Check("PUT of other content", w.Send("PUT", w.session(Absent), "", "content", nil), 400, "DIGEST_INVALID")
		a = w.Send("PUT", session.String(), "application/octet-stream", "content", nil)
		w.Check("PUT", a, 201, "")
		Equal(w, "digest", a.Header.Get("Docker-Content-Digest"), d.String())
		w.Check("HEAD", w.Do("HEAD", "blobs/"+d.String()), 200, "")

		other := w
		other.Path += "/other"
		w.Check("elsewhere", other.Do("HEAD", "blobs/"+d.String()), 404, "")
		from := url.Values{"mount": {d.String()}, "from": {w.Path}}.Encode()
		w.Check("mount", other.Do("POST", "blobs/uploads/?"+from), 201, "")
		w.Check("mounted", other.Do("HEAD", "blobs/"+d.String()), 200, "")
		from = url.Values{"mount": {Absent.String()}, "from": {w.Path}}.Encode()
		w.Check("mount of nothing", other.Do("POST", "blobs/uploads/?"+from), 202, "")
	}},
}

// session starts an upload and returns the address that takes the blob of that digest.
func (w Wire) session(d oci.Digest) string {
	w.T.Helper()
	u, err := url.Parse(w.Do("POST", "blobs/uploads/").Header.Get("Location"))
	if err != nil {
		w.T.Fatal(err)
	}
	q := u.Query()
	q.Set("digest", d.String())
	u.RawQuery = q.Encode()
	return u.String()
}

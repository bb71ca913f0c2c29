package e2e

import (
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// placeholders has rows for what --delete-by retag and the probe before it rest on.
var placeholders = []row{
	{"a placeholder is taken by digest and without layers", func(w wire) {
		d, body := w.placeholder("1")
		w.status("by digest", w.send("PUT", "manifests/"+d.String(), fixture.OCIManifest, body, nil), 201, "")
		w.resolves(d.String(), d)
		w.status("tags", w.do("GET", "tags/list"), 404, "NAME_UNKNOWN") // it brings no tag
		a := w.do("GET", "manifests/"+d.String())
		equal(w, "type", a.header.Get("Content-Type"), fixture.OCIManifest)
		equal(w, "body", a.body, body)
	}},
	{"a placeholder needs its config", func(w wire) {
		w.image("a")
		_, body := emptyImage("never pushed")
		w.status("PUT", w.send("PUT", "manifests/b", fixture.OCIManifest, body, nil), 400, "MANIFEST_BLOB_UNKNOWN")
		w.listed("", "a")
	}},
	{"a tag that is pointed at a placeholder leaves its manifest", func(w wire) {
		old := w.image("a")
		d, body := w.placeholder("1")
		w.status("by digest", w.send("PUT", "manifests/"+d.String(), fixture.OCIManifest, body, nil), 201, "")
		a := w.send("PUT", "manifests/a", fixture.OCIManifest, body, nil)
		w.status("by tag", a, 201, "")
		equal(w, "digest", a.header.Get("Docker-Content-Digest"), d.String())
		w.resolves("a", d)
		w.resolves(old.String(), old)
		w.status("again", w.send("PUT", "manifests/a", fixture.OCIManifest, body, nil), 201, "")
		w.listed("", "a")
	}},
	{"deleting a placeholder deletes all tags that point there, and no other's", func(w wire) {
		mine, body := w.placeholder("1")
		theirs, other := w.placeholder("2")
		kept, alias := w.image("kept"), w.image("b0")
		for n := range 5 {
			w.image(fmt.Sprint("b", n))
			w.status("PUT", w.send("PUT", fmt.Sprint("manifests/b", n), fixture.OCIManifest, body, nil), 201, "")
		}
		w.status("PUT", w.send("PUT", "manifests/c", fixture.OCIManifest, other, nil), 201, "")
		w.status("DELETE", w.do("DELETE", "manifests/"+mine.String()), 202, "")
		w.listed("", "c", "kept")
		w.resolves("c", theirs)
		w.resolves("kept", kept)
		w.resolves(alias.String(), alias) // without a tag, until it is deleted
		w.resolves(mine.String(), "")
		w.status("again", w.do("DELETE", "manifests/"+mine.String()), 404, "MANIFEST_UNKNOWN")
	}},
	{"a placeholder that was deleted can be pushed again", func(w wire) {
		w.image("a")
		d, body := w.placeholder("1")
		for range 2 {
			w.status("PUT", w.send("PUT", "manifests/a", fixture.OCIManifest, body, nil), 201, "")
			w.resolves("a", d)
			w.status("DELETE", w.do("DELETE", "manifests/"+d.String()), 202, "")
			w.listed("")
		}
	}},
	{"the probe changes nothing", func(w wire) {
		d := w.image("a")
		w.status("digest", w.do("DELETE", "manifests/"+absent.String()), 404, "MANIFEST_UNKNOWN")
		a := w.do("DELETE", "manifests/regsweep-probe-a")
		w.status("tag", a, by(w, 400, 404), by(w, "DIGEST_INVALID", "MANIFEST_UNKNOWN"))
		w.resolves("a", d)
		w.listed("", "a")
	}},
}

// emptyImage returns a manifest as a placeholder has it.
func emptyImage(run string) (config, manifest string) {
	config = fmt.Sprintf(`{"run":%q}`, run)
	return config, fmt.Sprintf(`{"config":{"digest":%q,"mediaType":"application/vnd.regsweep.placeholder.v1+json","size":%d},`+
		`"layers":[],"mediaType":%q,"schemaVersion":2}`, digest.FromString(config), len(config), fixture.OCIManifest)
}

// placeholder pushes a config and returns the manifest that needs it.
func (w wire) placeholder(run string) (oci.Digest, string) {
	w.t.Helper()
	config, manifest := emptyImage(run)
	session := w.session(digest.FromString(config))
	w.status("config", w.send("PUT", session, "application/octet-stream", config, nil), 201, "")
	return digest.FromString(manifest), manifest
}

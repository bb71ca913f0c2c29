package registrytest

import (
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// placeholders has rows for what --delete-by retag and the probe before it rest on.
var placeholders = []row{
	{"a placeholder is taken by digest and without layers", func(w Wire) {
		d, body := w.placeholder("1")
		w.Check("by digest", w.Send("PUT", "manifests/"+d.String(), fixture.OCIManifest, body, nil), 201, "")
		w.Resolves(d.String(), d)
		w.Check("tags", w.Do("GET", "tags/list"), 404, "NAME_UNKNOWN") // it brings no tag
		a := w.Do("GET", "manifests/"+d.String())
		Equal(w, "type", a.Header.Get("Content-Type"), fixture.OCIManifest)
		Equal(w, "body", a.Body, body)
	}},
	{"a placeholder needs its config", func(w Wire) {
		w.image("a")
		_, body := emptyImage("never pushed")
		w.Check("PUT", w.Send("PUT", "manifests/b", fixture.OCIManifest, body, nil), 400, "MANIFEST_BLOB_UNKNOWN")
		w.listed("", "a")
	}},
	{"a tag that is pointed at a placeholder leaves its manifest", func(w Wire) {
		old := w.image("a")
		d, body := w.placeholder("1")
		w.Check("by digest", w.Send("PUT", "manifests/"+d.String(), fixture.OCIManifest, body, nil), 201, "")
		a := w.Send("PUT", "manifests/a", fixture.OCIManifest, body, nil)
		w.Check("by tag", a, 201, "")
		Equal(w, "digest", a.Header.Get("Docker-Content-Digest"), d.String())
		w.Resolves("a", d)
		w.Resolves(old.String(), old)
		w.Check("again", w.Send("PUT", "manifests/a", fixture.OCIManifest, body, nil), 201, "")
		w.listed("", "a")
	}},
	{"deleting a placeholder deletes all tags that point there, and no other's", func(w Wire) {
		mine, body := w.placeholder("1")
		theirs, other := w.placeholder("2")
		kept, alias := w.image("kept"), w.image("b0")
		for n := range 5 {
			w.image(fmt.Sprint("b", n))
			w.Check("PUT", w.Send("PUT", fmt.Sprint("manifests/b", n), fixture.OCIManifest, body, nil), 201, "")
		}
		w.Check("PUT", w.Send("PUT", "manifests/c", fixture.OCIManifest, other, nil), 201, "")
		w.Check("DELETE", w.Do("DELETE", "manifests/"+mine.String()), 202, "")
		w.listed("", "c", "kept")
		w.Resolves("c", theirs)
		w.Resolves("kept", kept)
		w.Resolves(alias.String(), alias) // without a tag, until it is deleted
		w.Resolves(mine.String(), "")
		w.Check("again", w.Do("DELETE", "manifests/"+mine.String()), 404, "MANIFEST_UNKNOWN")
	}},
	{"a placeholder that was deleted can be pushed again", func(w Wire) {
		w.image("a")
		d, body := w.placeholder("1")
		for range 2 {
			w.Check("PUT", w.Send("PUT", "manifests/a", fixture.OCIManifest, body, nil), 201, "")
			w.Resolves("a", d)
			w.Check("DELETE", w.Do("DELETE", "manifests/"+d.String()), 202, "")
			w.listed("")
		}
	}},
	{"the probe changes nothing", func(w Wire) {
		d := w.image("a")
		w.Check("digest", w.Do("DELETE", "manifests/"+Absent.String()), 404, "MANIFEST_UNKNOWN")
		a := w.Do("DELETE", "manifests/regsweep-probe-a")
		w.Check("tag", a, By(w, 400, 404), By(w, "DIGEST_INVALID", "MANIFEST_UNKNOWN"))
		w.Resolves("a", d)
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
func (w Wire) placeholder(run string) (oci.Digest, string) {
	w.T.Helper()
	config, manifest := emptyImage(run)
	session := w.session(digest.FromString(config))
	w.Check("config", w.Send("PUT", session, "application/octet-stream", config, nil), 201, "")
	return digest.FromString(manifest), manifest
}

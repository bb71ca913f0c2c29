package registrytest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// schema1 is the media type that 2.8 rewrites a manifest to for a client that does not accept schema 2.
const schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

func (reg *Registry) manifest(w http.ResponseWriter, r *http.Request, name, ref string) {
	tag, d := ref, oci.Digest("")
	if strings.Contains(ref, ":") {
		var err error
		if d, err = digest.Parse(ref); err != nil {
			reg.failDigest(w)
			return
		}
		tag = ""
	}
	var body []byte
	if r.Method == http.MethodPut { // read before the lock: the client may be slow
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			reg.fail(w, http.StatusBadRequest, "MANIFEST_INVALID", "manifest invalid")
			return
		}
	}
	reg.mu.Lock()
	defer reg.mu.Unlock()
	switch r.Method {
	case http.MethodPut:
		reg.putManifest(w, r, name, tag, d, body)
	case http.MethodDelete:
		reg.deleteManifest(w, r, name, tag, d)
	default:
		reg.readManifest(w, r, name, tag, d)
	}
}

func (reg *Registry) failDigest(w http.ResponseWriter) {
	reg.fail(w, http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content")
}

func (reg *Registry) failManifest(w http.ResponseWriter) {
	reg.fail(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
}

// readManifest answers GET and HEAD. By tag, what it answers with depends on the Accept header: a manifest list turns
// into its linux/amd64 child for a client that does not accept lists, and 2.8 turns a schema 2 manifest into a schema 1
// one with a digest that exists nowhere (handlers.GetManifest in 2.8.2 and 3.1.2).
func (reg *Registry) readManifest(w http.ResponseWriter, r *http.Request, name, tag string, d oci.Digest) {
	repo, ok := reg.repos[name]
	if !ok {
		reg.failManifest(w)
		return
	}
	if tag != "" {
		d = repo.tags[tag]
	}
	mediaType, ok := repo.manifests[d]
	if !ok {
		reg.failManifest(w)
		return
	}
	if etag := fmt.Sprintf("%q", d); r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified) // without any of the headers below
		return
	}
	accepts, old := acceptedTypes(r), reg.opts.Version == V2
	switch {
	case mediaType == fixture.OCIManifest && !accepts[mediaType], mediaType == fixture.OCIIndex && !accepts[mediaType] && old:
		reg.fail(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "OCI manifest found, but accept header does not support OCI manifests")
		return
	case tag != "" && mediaType == fixture.DockerList && !accepts[mediaType]:
		if d = reg.defaultChild(d); repo.manifests[d] == "" {
			reg.failManifest(w)
			return
		}
		if mediaType = repo.manifests[d]; mediaType == fixture.DockerManifest && !accepts[mediaType] && !old {
			reg.fail(w, http.StatusBadRequest, "MANIFEST_INVALID", "Schema 2 manifest not supported by client")
			return
		}
	}
	body := reg.blobs[d]
	if tag != "" && old && mediaType == fixture.DockerManifest && !accepts[mediaType] {
		mediaType = schema1
		body = fmt.Appendf(nil, `{"schemaVersion":1,"name":%q,"tag":%q}`, name, tag)
		d = digest.FromBytes(body)
		body = append(body[:len(body)-1], `,"signatures":[]}`...) // the digest is that of the unsigned form
	}
	w.Header().Set("Docker-Content-Digest", d.String())
	w.Header().Set("Etag", fmt.Sprintf("%q", d))
	reply(w, r, mediaType, body)
}

func acceptedTypes(r *http.Request) map[string]bool {
	accepts := map[string]bool{}
	for _, header := range r.Header["Accept"] {
		for part := range strings.SplitSeq(header, ",") {
			if t, _, err := mime.ParseMediaType(part); err == nil {
				accepts[t] = true
			}
		}
	}
	return accepts
}

// defaultChild is the child of a list that a client gets that does not know lists.
func (reg *Registry) defaultChild(list oci.Digest) oci.Digest {
	for _, m := range parse(reg.blobs[list]).Manifests {
		if m.Platform.OS == "linux" && m.Platform.Architecture == "amd64" {
			return m.Digest
		}
	}
	return ""
}

// content is what the registry needs to know of a manifest.
type content struct {
	Config    *struct{ Digest oci.Digest }
	Layers    []struct{ Digest oci.Digest }
	Manifests []struct {
		Digest   oci.Digest
		Platform struct{ OS, Architecture string }
	}
}

func parse(body []byte) (c content) {
	_ = json.Unmarshal(body, &c) // what does not parse refers to nothing
	return c
}

// putManifest stores a manifest whose blobs or children are all there.
func (reg *Registry) putManifest(w http.ResponseWriter, r *http.Request, name, tag string, d oci.Digest, body []byte) {
	mediaType, actual := r.Header.Get("Content-Type"), digest.FromBytes(body)
	known := map[string]bool{
		fixture.DockerManifest: true, fixture.DockerList: true, fixture.OCIManifest: true, fixture.OCIIndex: true,
	}
	switch {
	case !known[mediaType] || !json.Valid(body):
		reg.fail(w, http.StatusBadRequest, "MANIFEST_INVALID", "manifest invalid")
		return
	case d != "" && d != actual:
		reg.failDigest(w)
		return
	}
	repo := reg.repository(name)
	c := parse(body)
	missing := c.Config != nil && !repo.layers[c.Config.Digest]
	for _, l := range c.Layers {
		missing = missing || !repo.layers[l.Digest]
	}
	for _, m := range c.Manifests {
		missing = missing || repo.manifests[m.Digest] == ""
	}
	if missing {
		reg.fail(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
		return
	}
	reg.blobs[actual] = body
	if repo.manifests[actual] == "" {
		repo.pushed[actual] = reg.opts.Now()
	}
	repo.manifests[actual] = mediaType
	if tag != "" {
		repo.tag(tag, actual)
	}
	created(w, r, name, "manifests", actual)
}

// deleteManifest deletes a digest with all its tags, or, on 3.1 only, a tag alone. Nothing protects the child of an
// index. 2.8 takes the digest of a layer for a manifest's and unlinks the layer; 3.1 finds it in its cache of descriptors and
// stumbles.
func (reg *Registry) deleteManifest(w http.ResponseWriter, r *http.Request, name, tag string, d oci.Digest) {
	repo, old := reg.repos[name], reg.opts.Version == V2
	if repo == nil {
		repo = &repository{}
	}
	_, tagged := repo.tags[tag]
	_, exists := repo.manifests[d]
	switch {
	case reg.opts.DisableDelete:
		reg.fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		return
	case tag != "" && old:
		reg.failDigest(w)
		return
	case tag != "" && tagged:
		delete(repo.tags, tag)
	case exists:
		delete(repo.manifests, d)
		if old || r.Context().Err() == nil { // 3.1 stops looking for tags when the client hangs up: they become ghosts
			repo.untag(d)
		}
	case old && repo.layers[d]:
		delete(repo.layers, d)
	case repo.layers[d]:
		reg.fail(w, http.StatusInternalServerError, "UNKNOWN", "unknown error")
		return
	default:
		reg.failManifest(w)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

package registrytest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
)

// blob answers GET and HEAD of a config or layer. Blobs have no time: the API tells nobody when something was pushed.
func (reg *Registry) blob(w http.ResponseWriter, r *http.Request, name, ref string) {
	d, err := digest.Parse(ref)
	if err != nil {
		reg.fail(w, http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content")
		return
	}
	body, ok := reg.findBlob(name, d)
	if !ok {
		reg.fail(w, http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", d.String())
	w.Header().Set("Etag", fmt.Sprintf("%q", d))
	w.Header().Set("Cache-Control", "max-age=31536000")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func (reg *Registry) findBlob(name string, d oci.Digest) ([]byte, bool) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	repo, ok := reg.repos[name]
	if !ok || !repo.layers[d] {
		return nil, false
	}
	return reg.blobs[d], true
}

// upload takes a blob in two requests, POST for a session and PUT with the bytes and their digest. A POST that already
// names the digest gets a session too, as in every version of distribution, unless it mounts a blob that is there.
func (reg *Registry) upload(w http.ResponseWriter, r *http.Request, name string) {
	q := r.URL.Query()
	if r.Method == http.MethodPost {
		mount := oci.Digest(q.Get("mount"))
		if body, ok := reg.findBlob(q.Get("from"), mount); ok {
			reg.store(name, mount, body)
			created(w, r, name, "blobs", mount)
			return
		}
		reg.mu.Lock()
		reg.uploads++
		id := fmt.Sprintf("upload-%d", reg.uploads)
		reg.mu.Unlock()
		w.Header().Set("Location", fmt.Sprintf("http://%s/v2/%s/blobs/uploads/%s?_state=x", r.Host, name, id))
		w.Header().Set("Docker-Upload-UUID", id)
		w.Header().Set("Range", "0-0")
		w.WriteHeader(http.StatusAccepted)
		return
	}
	body, err := io.ReadAll(r.Body)
	if d, bad := digest.Parse(q.Get("digest")); err != nil || bad != nil || digest.FromBytes(body) != d {
		reg.fail(w, http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content")
		return
	}
	d := digest.FromBytes(body)
	reg.store(name, d, body)
	created(w, r, name, "blobs", d)
}

func (reg *Registry) store(name string, d oci.Digest, body []byte) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	reg.blobs[d] = body
	reg.repository(name).layers[d] = true
}

func created(w http.ResponseWriter, r *http.Request, name, kind string, d oci.Digest) {
	w.Header().Set("Location", fmt.Sprintf("http://%s/v2/%s/%s/%s", r.Host, name, kind, d))
	w.Header().Set("Docker-Content-Digest", d.String())
	w.WriteHeader(http.StatusCreated)
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// hostile is a registry of one repository, team/app, that answers as distribution does until a case has it answer
// otherwise.
type hostile struct {
	server *httptest.Server

	// front is asked first, with every request; it returns whether it has answered.
	front func(w http.ResponseWriter, r *http.Request) bool

	files map[string]string // what stands in the folder of the run

	mu        sync.Mutex
	manifests map[string]content
	blobs     map[string][]byte
	tags      []string          // in the order of the listing
	points    map[string]string // tag to digest
	names     map[string]string // what a case calls a manifest, tags included, to its digest
	deleted   []string          // digests and tags, as they were asked for
	requests  []string          // "METHOD path"
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{manifests: map[string]content{}, blobs: map[string][]byte{}, points: map[string]string{}, names: map[string]string{}}
	h.server = httptest.NewServer(h)
	t.Cleanup(func() {
		h.server.CloseClientConnections()
		h.server.Close()
	})
	return h
}

// ready makes what a case has set visible to the requests of another process, which order nothing in this one.
func (h *hostile) ready() {
	h.mu.Lock()
	defer h.mu.Unlock()
}

func (h *hostile) host() string { return strings.TrimPrefix(h.server.URL, "http://") }

// push stores a manifest under a name; tags are names as well.
func (h *hostile) push(c content, name string, tags ...string) content {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.manifests[c.digest] = c
	for d, b := range c.blobs {
		h.blobs[d] = b
	}
	h.names[name] = c.digest
	for _, t := range tags {
		if !slices.Contains(h.tags, t) {
			h.tags = append(h.tags, t)
		}
		h.points[t], h.names[t] = c.digest, c.digest
	}
	return c
}

// age is an image that was built so many days after the epoch.
func age(name string, days int) content {
	return image(spec{name: name, platform: "amd64", created: epoch.AddDate(0, 0, days), kind: "image"})
}

// builds pushes b1, the oldest, to bn.
func (h *hostile) builds(n int) {
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("b%d", i)
		h.push(age(name, i), name, name)
	}
}

// multi pushes an index of two platforms, which are called TAG/amd64 and TAG/arm64.
func (h *hostile) multi(tag string, days int) (top content, parts []content) {
	for _, p := range []string{"amd64", "arm64"} {
		part := image(spec{name: tag + p, platform: p, created: epoch.AddDate(0, 0, days), kind: "child"})
		parts = append(parts, h.push(part, tag+"/"+p))
	}
	return h.push(index(false, parts, []string{"amd64", "arm64"}), tag, tag), parts
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r.Method+" "+r.URL.Path)
	front := h.front
	h.mu.Unlock()
	if front != nil && front(w, r) {
		return
	}
	h.serve(w, r)
}

// serve is the registry as it should be.
func (h *hostile) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	rest, ours := strings.CutPrefix(r.URL.Path, "/v2/team/app/")
	kind, ref, _ := strings.Cut(rest, "/")
	switch {
	case r.URL.Path == "/v2/":
		reply(w, 200, "{}")
	case !ours:
		refuse(w, 404, "NAME_UNKNOWN", "repository name not known to registry")
	case rest == "tags/list":
		h.list(w)
	case kind == "blobs":
		h.blob(w, ref)
	case kind == "manifests" && r.Method == http.MethodDelete:
		h.remove(w, ref)
	case kind == "manifests":
		h.manifest(w, r, ref)
	default:
		http.NotFound(w, r)
	}
}

func (h *hostile) list(w http.ResponseWriter) {
	h.mu.Lock()
	text, err := json.Marshal(map[string]any{"name": "team/app", "tags": h.tags})
	h.mu.Unlock()
	if err != nil {
		panic(err)
	}
	reply(w, 200, string(text))
}

func (h *hostile) blob(w http.ResponseWriter, digest string) {
	h.mu.Lock()
	body, ok := h.blobs[digest]
	h.mu.Unlock()
	if !ok {
		refuse(w, 404, "BLOB_UNKNOWN", "blob unknown to registry")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(body)
}

// find returns the manifest that a reference leads to.
func (h *hostile) find(ref string) (content, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d, ok := h.points[ref]; ok {
		ref = d
	}
	c, ok := h.manifests[ref]
	return c, ok
}

func (h *hostile) manifest(w http.ResponseWriter, r *http.Request, ref string) {
	c, ok := h.find(ref)
	if !ok {
		refuse(w, 404, "MANIFEST_UNKNOWN", "manifest unknown")
		return
	}
	w.Header().Set("Content-Type", c.mediaType)
	w.Header().Set("Docker-Content-Digest", c.digest)
	w.Header().Set("Content-Length", fmt.Sprint(len(c.body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(c.body)
	}
}

func (h *hostile) remove(w http.ResponseWriter, ref string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.manifests[ref]; !ok && !strings.HasPrefix(ref, "sha256:") {
		refuse(w, 400, "DIGEST_INVALID", "provided digest did not match uploaded content")
		return
	} else if !ok {
		refuse(w, 404, "MANIFEST_UNKNOWN", "manifest unknown")
		return
	}
	h.deleted = append(h.deleted, ref)
	delete(h.manifests, ref)
	h.tags = slices.DeleteFunc(h.tags, func(t string) bool { return h.points[t] == ref })
	for t, d := range h.points {
		if d == ref {
			delete(h.points, t)
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// count counts the requests whose text contains a piece.
func (h *hostile) count(piece string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, r := range h.requests {
		if strings.Contains(r, piece) {
			n++
		}
	}
	return n
}

// gone returns what was deleted, by the names that a case has for it.
func (h *hostile) gone() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, d := range h.deleted {
		name := d
		for n, of := range h.names {
			if of == d && (name == d || n < name) {
				name = n
			}
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, fmt.Sprintf(`{"errors":[{"code":%q,"message":%q}]}`, code, message))
}

func page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html><html><body><h1>%s</h1></body></html>", text)
}

// on returns a front that answers the requests with a method, any for "", whose path ends so.
func on(method, suffix string, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if method != "" && r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		answer(w, r)
		return true
	}
}

// reads is on for GET and HEAD of a manifest.
func reads(ref string, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path != "/v2/team/app/manifests/"+ref {
			return false
		}
		answer(w, r)
		return true
	}
}

// deletions is on for every DELETE.
func deletions(answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return on(http.MethodDelete, "", answer)
}

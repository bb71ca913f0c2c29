package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// serve is the front door: log, faults and authentication around the registry proper.
func (reg *Registry) serve(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w}
	defer reg.record(r, rec)
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			reg.serveToken(w, r)
		} else if reg.authorize(w, r) {
			reg.handle(w, r, false)
		}
	})
	if front := reg.opts.Front; front != nil {
		inner = front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { reg.handle(w, r, false) })).ServeHTTP
	}
	if f := reg.takeFault(r); f != nil {
		f.serve(rec, r, inner)
		return
	}
	inner(rec, r)
}

// handle answers a request that has passed the door. A trusted one also passes the maintenance mode.
func (reg *Registry) handle(w http.ResponseWriter, r *http.Request, trusted bool) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	if !ok {
		notFound(w)
		return
	}
	read := []string{http.MethodGet, http.MethodHead}
	allow := func(methods ...string) bool {
		if reg.opts.ReadOnly && !trusted {
			methods = slices.DeleteFunc(methods, func(m string) bool { return !slices.Contains(read, m) })
		}
		if slices.Contains(methods, r.Method) {
			return true
		}
		w.Header().Set("Allow", strings.Join(read, ", "))
		http.Error(w, "Method not allowed", http.StatusMethodNotAllowed)
		return false
	}
	// Longest suffixes first: a repository's own name may end in a word that is also part of the API.
	switch name, rest := split(path); {
	case path == "":
		reply(w, r, reg.jsonType(), []byte("{}"))
	case path == "_catalog":
		if allow(http.MethodGet) {
			reg.catalog(w, r)
		}
	case rest == "tags/list":
		if allow(http.MethodGet) {
			reg.listTags(w, r, name)
		}
	case strings.HasPrefix(rest, "manifests/"):
		if allow(http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete) {
			reg.manifest(w, r, name, strings.TrimPrefix(rest, "manifests/"))
		}
	case strings.HasPrefix(rest, "blobs/uploads/"):
		if allow(http.MethodPost, http.MethodPut) {
			reg.upload(w, r, name)
		}
	case strings.HasPrefix(rest, "blobs/"):
		if allow(http.MethodGet, http.MethodHead) {
			reg.blob(w, r, name, strings.TrimPrefix(rest, "blobs/"))
		}
	default:
		notFound(w) // referrers among them: no version of distribution up to 3.1.2 has that API
	}
}

// split parts a path below /v2/ into a repository's name and what is asked of it.
func split(path string) (name, rest string) {
	for _, word := range []string{"/blobs/uploads/", "/blobs/", "/manifests/", "/tags/list"} {
		if i := strings.LastIndex(path, word); i > 0 {
			return path[:i], path[i+1:]
		}
	}
	return "", ""
}

// notFound is the router's own answer to a path that it does not know.
func notFound(w http.ResponseWriter) {
	http.Error(w, "404 page not found", http.StatusNotFound)
}

// jsonType is the Content-Type of everything that is JSON.
func (reg *Registry) jsonType() string {
	if reg.opts.Version == V2 {
		return "application/json; charset=utf-8"
	}
	return "application/json"
}

// fail answers with the error body of the distribution API (OCI distribution-spec, "Error Codes").
func (reg *Registry) fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", reg.jsonType())
	w.WriteHeader(status)
	type item struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.NewEncoder(w).Encode(map[string][]item{"errors": {{code, message}}})
}

// reply answers 200 with a body, or with its headers only when asked by HEAD.
func reply(w http.ResponseWriter, r *http.Request, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

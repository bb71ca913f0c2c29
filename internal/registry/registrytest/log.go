package registrytest

import (
	"net/http"
	"slices"
	"strings"
)

// Request is one request that came through the registry's door.
type Request struct {
	Method string
	Path   string // such as "/v2/team/app/tags/list"
	Query  string
	Accept []string
	Status int // 0: the connection was closed without an answer
	// HungUp is set when the client went away before the answer was there.
	HungUp bool
}

// Requests returns the requests so far, in the order in which they were answered.
func (reg *Registry) Requests() []Request {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	return slices.Clone(reg.log)
}

// Count returns how many requests had the method ("" is any) and a path that matches the pattern, in which "*" stands
// for any text, slashes included: Count("DELETE", "*/manifests/*").
func (reg *Registry) Count(method, pattern string) int {
	n := 0
	for _, r := range reg.Requests() {
		if (method == "" || method == r.Method) && match(pattern, r.Path) {
			n++
		}
	}
	return n
}

// ResetRequests empties the log.
func (reg *Registry) ResetRequests() {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	reg.log = nil
}

// record logs a request whose handling is over.
func (reg *Registry) record(r *http.Request, rec *recorder) {
	entry := Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Accept: r.Header["Accept"],
		Status: rec.status, HungUp: r.Context().Err() != nil,
	}
	if rec.status == 0 && !rec.broken {
		entry.Status = http.StatusOK
	}
	reg.mu.Lock()
	defer reg.mu.Unlock()
	reg.log = append(reg.log, entry)
}

// recorder remembers the status of an answer on its way.
type recorder struct {
	http.ResponseWriter
	status int
	broken bool // the connection was closed instead
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// match reports whether the text fits the pattern, in which "*" stands for any text. An empty pattern fits all.
func match(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	text, ok := strings.CutPrefix(text, parts[0])
	for i, part := range parts[1:] {
		if !ok {
			return false
		}
		if i == len(parts)-2 {
			return strings.HasSuffix(text, part)
		}
		_, text, ok = strings.Cut(text, part)
	}
	return ok && text == ""
}

package registrytest

import (
	"maps"
	"net/http"
	"net/http/httptest"
)

// Fault makes the registry misbehave for the requests that it matches. What it does happens in the order of its fields;
// without any of them the request is only counted off.
type Fault struct {
	Method string // "" is any
	Path   string // "*" stands for any text, slashes included; "" is any
	After  int    // how many matching requests go by untouched first
	Times  int    // how many it then takes: 0 is one, negative is all

	// Before is called before the request is handled, with no lock held: it may push, move a tag or signal an arrival.
	Before func()
	// Until holds the request until the channel is closed or the client has hung up.
	Until <-chan struct{}
	// Edit changes the registry's own answer.
	Edit func(*Response)
	// Apply handles the request although its answer is replaced by Status or lost to Break.
	Apply bool
	// Status, Header and Body answer in place of the registry.
	Status int
	Header http.Header
	Body   string
	// Break closes the connection without an answer.
	Break bool

	seen int
}

// Response is an answer that a [Fault] may edit.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// SetHeader returns an edit that sets a header; an empty value removes it.
func SetHeader(key, value string) func(*Response) {
	return func(r *Response) {
		r.Header.Del(key)
		if value != "" {
			r.Header.Set(key, value)
		}
	}
}

// SetBody returns an edit that replaces the body and leaves the headers, a digest among them, as they were.
func SetBody(body string) func(*Response) {
	return func(r *Response) { r.Body = []byte(body) }
}

// AddFault adds a fault. The first one that matches takes a request, in the order in which they were added.
func (reg *Registry) AddFault(f Fault) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	reg.faults = append(reg.faults, &f)
}

// takeFault returns the fault that takes the request, nil when none does.
func (reg *Registry) takeFault(r *http.Request) *Fault {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	for _, f := range reg.faults {
		if (f.Method != "" && f.Method != r.Method) || !match(f.Path, r.URL.Path) {
			continue
		}
		if f.Times > 0 && f.seen >= f.After+f.Times {
			continue
		}
		if f.seen++; f.seen > f.After {
			return f
		}
	}
	return nil
}

// serve answers a request that the fault has taken.
func (f *Fault) serve(w *recorder, r *http.Request, next http.Handler) {
	if f.Before != nil {
		f.Before()
	}
	if f.Until != nil {
		select {
		case <-f.Until:
		case <-r.Context().Done():
		}
	}
	replaced := f.Status != 0 || f.Break
	if !replaced && f.Edit == nil {
		next.ServeHTTP(w, r)
		return
	}
	answer := Response{Status: f.Status, Header: f.Header, Body: []byte(f.Body)}
	if !replaced || f.Apply {
		own := httptest.NewRecorder()
		next.ServeHTTP(own, r)
		if !replaced {
			answer = Response{own.Code, own.Header(), own.Body.Bytes()}
			f.Edit(&answer)
			if r.Method != http.MethodHead {
				answer.Header.Del("Content-Length") // the server counts again
			}
		}
	}
	if f.Break {
		w.hangUp()
		return
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(answer.Body)
	}
}

// hangUp closes the connection under the client's feet.
func (r *recorder) hangUp() {
	r.broken = true
	conn, _, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err != nil {
		panic(err) // HTTP/1.1 over TCP can always be hijacked
	}
	_ = conn.Close()
}

// ClearFaults makes the registry behave again.
func (reg *Registry) ClearFaults() {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	reg.faults = nil
}

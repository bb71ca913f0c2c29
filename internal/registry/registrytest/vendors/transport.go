package vendors

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Routes sends the requests for a service's real hosts to its fake, and remembers who was sent which secret. A fake
// embeds it. Its methods may be called from several goroutines.
type Routes struct {
	hosts   []string // the service's real hosts, such as "ghcr.io"
	forward *http.Transport

	mu     sync.Mutex
	host   string // the fake's own, on loopback
	strays []string
	sent   map[string][]string
}

// newRoutes returns routes for a service's real hosts. They lead nowhere until [Routes.to] is called.
func newRoutes(t testing.TB, hosts ...string) *Routes {
	t.Helper()
	r := &Routes{hosts: hosts, forward: &http.Transport{}, sent: map[string][]string{}}
	t.Cleanup(r.forward.CloseIdleConnections)
	return r
}

// to names the fake's own host on loopback. The fake exists only after its routes do.
func (r *Routes) to(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.host = host
}

// Transport returns a transport that sends requests for https on the service's real hosts to the fake, which sees the
// real host in [http.Request.Host]. The fake's own loopback host is reached too, by every
// name that it has. Any other request fails, also one that
// would send plain http to a real host, and [Routes.Strays] lists it.
func (r *Routes) Transport() http.RoundTripper { return transport{r} }

// Strays returns the requests that were for none of the service's hosts, as "METHOD URL" without user and query, in
// order.
func (r *Routes) Strays() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.strays)
}

// Sent returns what each host was sent in Authorization ("Bearer t0k3n"): every value once, in the order of the first
// time. A host that was asked without it has no entry. Hosts of strays are among them.
func (r *Routes) Sent() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := maps.Clone(r.sent)
	for host, values := range out {
		out[host] = slices.Clone(values)
	}
	return out
}

// remembering returns a handler that remembers what the fake's loopback host is sent. Requests for a real host were
// remembered by the transport, before a fault could take them.
func (r *Routes) remembering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if isLoopback(req.Host) {
			r.remember(req.Host, req.Header)
		}
		next.ServeHTTP(w, req)
	})
}

func (r *Routes) remember(host string, header http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, value := range header.Values("Authorization") {
		if !slices.Contains(r.sent[host], value) {
			r.sent[host] = append(r.sent[host], value)
		}
	}
}

// transport is the client's side of Routes.
type transport struct{ routes *Routes }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	r, host := t.routes, strings.ToLower(req.URL.Host)
	r.mu.Lock()
	fake := r.host
	own := req.URL.Scheme == "http" && isLoopback(host) && port(host) == port(fake)
	known := fake != "" && (own || req.URL.Scheme == "https" && slices.Contains(r.hosts, host))
	if !known {
		r.strays = append(r.strays, req.Method+" "+req.URL.Scheme+"://"+req.URL.Host+req.URL.EscapedPath())
	}
	r.mu.Unlock()
	if !own { // the fake itself remembers what its loopback host is sent
		r.remember(host, req.Header)
	}
	if !known {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, fmt.Errorf("dial %s://%s: not a host of the fake", req.URL.Scheme, req.URL.Host)
	}
	inner := req.Clone(req.Context())
	inner.Host = host
	inner.URL.Scheme, inner.URL.Host = "http", fake
	resp, err := r.forward.RoundTrip(inner)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// origin returns the scheme and host that the client asked, for the absolute URLs of an answer: https for a real host,
// http on loopback.
func origin(req *http.Request) string {
	u := url.URL{Scheme: "https", Host: req.Host}
	if isLoopback(req.Host) {
		u.Scheme = "http"
	}
	return u.String()
}

// port returns the port of a host, "" without one.
func port(host string) string {
	_, p, err := net.SplitHostPort(host)
	if err != nil {
		return ""
	}
	return p
}

// isLoopback reports whether a host is an address of this machine, with or without a port.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

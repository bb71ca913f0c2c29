package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// proxy stands in front of a registry and lets requests fail as a schedule has it.
type proxy struct {
	s      schedule
	w      *world
	at     func() string // the registry's address now
	server *httptest.Server
	over   chan struct{} // closed when the schedule ends, so that no request waits any longer

	mu     sync.Mutex
	rules  []rule
	hooks  []*hook
	after  string // the fault of every request from now on
	counts map[string]int
	log    []*entry
	busy   int             // requests that are being answered
	idle   *sync.Cond      // signalled when no request is being answered
	pushed map[string]bool // the digests of manifests that the program has pushed
}

// hook is an event that waits for its request.
type hook struct {
	event
	do func()
}

// entry is a request as the proxy saw it.
type entry struct {
	kind, method, ref string
	begin, end        time.Time
	fault             string
	asked             bool // the request was passed on to the registry
	status            int  // of the registry; 0 when it was not asked or did not answer
}

// unheard reports whether the registry was asked and nobody heard its answer, so that it may be at work on it still.
func (e *entry) unheard() bool { return e.asked && e.status == 0 }

// executed reports whether the registry has done what it was asked for.
func (e *entry) executed() bool { return e.status >= 200 && e.status < 300 }

// perhaps reports whether the registry has done it, or may have.
func (e *entry) perhaps() bool { return e.executed() || e.unheard() }

const (
	username = "ci-robot"
	password = "pa55-w0rd-that-no-one-may-see"
)

// token is what the token server gives. It is secret like the password.
const token = "t0ken-that-no-one-may-see"

func newProxy(s schedule, w *world, at func() string) *proxy {
	p := &proxy{s: s, w: w, at: at, over: make(chan struct{}), counts: map[string]int{}, pushed: map[string]bool{}}
	p.idle = sync.NewCond(&p.mu)
	p.server = httptest.NewServer(p)
	return p
}

func (p *proxy) close() {
	close(p.over)
	p.server.CloseClientConnections()
	p.server.Close()
}

// host is where the program finds the registry.
func (p *proxy) host() string { return strings.TrimPrefix(p.server.URL, "http://") }

// arm sets what happens from now on, counted from nothing, and forgets what was.
func (p *proxy) arm(rules []rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules, p.after, p.log = rules, "", nil
	clear(p.counts)
}

// hook sets what happens in the middle of a run.
func (p *proxy) hook(hooks []*hook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = hooks
}

// settle waits until the registry is done with what came in since the last arm, and returns that.
func (p *proxy) settle() []entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy > 0 {
		p.idle.Wait()
	}
	var out []entry
	for _, e := range p.log {
		out = append(out, *e)
	}
	return out
}

// begin notes that a request came in. It may come while somebody waits for those before it, which a WaitGroup does not
// allow.
func (p *proxy) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy++
}

// end notes that a request is answered.
func (p *proxy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy--; p.busy == 0 {
		p.idle.Broadcast()
	}
}

// exchange is one request on its way.
type exchange struct {
	proxy *proxy
	w     http.ResponseWriter
	r     *http.Request
	body  []byte
	entry *entry
	// denied: it came without the login.
	denied bool
	n      map[string]int // which request this is of each kind that fits it
}

// answer is what the registry said; status 0: nothing.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the program is gone
	}
	x := &exchange{proxy: p, w: w, r: r, body: body}
	p.begin()
	defer p.end()
	fault := p.enter(x)
	defer p.leave(x)
	x.fire(before)
	switch {
	case x.denied:
		x.challenge()
	case r.URL.Path == "/token" && fault == "":
		x.token()
	case fault != "":
		faults[fault](x)
	default:
		x.answer(x.pass())
	}
}

// enter counts a request and says how it fails.
func (p *proxy) enter(x *exchange) (fault string) {
	kind, ref := p.kind(x.r)
	if x.denied = kind != "token" && !x.allowed(); x.denied {
		kind = "challenge" // how a client learns of the login: no fault and no event is counted by it
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	x.entry = &entry{kind: kind, method: x.r.Method, ref: ref, begin: time.Now()}
	p.log = append(p.log, x.entry)
	x.n = map[string]int{}
	for k := kind; k != ""; k = parent(k) {
		p.counts[k]++
		x.n[k] = p.counts[k]
	}
	fault = p.after
	for _, u := range p.rules {
		if n := x.n[u.kind]; fault == "" && n >= u.from && n < u.from+u.count {
			fault = u.fault
			if u.then != "" {
				p.after = u.then
			}
		}
	}
	x.entry.fault = fault
	return fault
}

func (p *proxy) leave(x *exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.entry.end = time.Now()
}

// parent is the kind that includes another one, or "".
func parent(kind string) string {
	if i := strings.LastIndexByte(kind, '/'); i >= 0 {
		return kind[:i]
	}
	return ""
}

// kind says what a request is for.
func (p *proxy) kind(r *http.Request) (kind, ref string) {
	rest, ours := strings.CutPrefix(r.URL.Path, "/v2/"+p.w.name+"/")
	ref = rest[strings.LastIndexByte(rest, '/')+1:]
	switch {
	case r.URL.Path == "/token":
		return "token", ""
	case !ours:
		return "ping", ""
	case rest == "tags/list":
		return "list", ""
	case strings.HasPrefix(rest, "blobs/uploads/"):
		return "upload", ref
	case strings.HasPrefix(rest, "blobs/"):
		return "blob", ref
	}
	digest := strings.Contains(ref, ":")
	switch {
	case r.Method == http.MethodPut:
		return "retag", ref
	case r.Method == http.MethodDelete && digest:
		return p.deletion(ref), ref
	case r.Method == http.MethodDelete && strings.Contains(ref, "probe"):
		return "probe", ref
	case r.Method == http.MethodDelete:
		return "untag", ref
	case digest:
		return "manifest", ref
	}
	return "tag", ref
}

func (p *proxy) deletion(digest string) string {
	if c, known := p.w.known(digest); known {
		return "delete/" + c.kind
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pushed[digest] {
		return "delete/placeholder"
	}
	return "probe"
}

// fire lets the events happen that wait for this request.
func (x *exchange) fire(m moment) {
	p := x.proxy
	p.mu.Lock()
	var due []*hook
	for i := 0; i < len(p.hooks); i++ {
		if h := p.hooks[i]; h.when == m && x.n[h.kind] == h.n {
			due = append(due, h)
			p.hooks = append(p.hooks[:i:i], p.hooks[i+1:]...)
			i--
		}
	}
	p.mu.Unlock()
	for _, h := range due {
		if m == during {
			time.Sleep(h.delay)
		}
		h.do()
	}
}

// pass sends the request to the registry, which learns of it when the program hangs up, as from most proxies.
func (x *exchange) pass() answer { return x.send(x.r.Context()) }

// execute sends the request to the registry and lets it finish.
func (x *exchange) execute() answer { return x.send(context.WithoutCancel(x.r.Context())) }

func (x *exchange) send(ctx context.Context) answer {
	var meanwhile sync.WaitGroup
	meanwhile.Go(func() { x.fire(during) })
	a := x.ask(ctx)
	meanwhile.Wait()
	p := x.proxy
	p.mu.Lock()
	x.entry.status = a.status
	if x.entry.kind == "retag" && a.status == http.StatusCreated {
		p.pushed[a.header.Get("Docker-Content-Digest")] = true
	}
	p.mu.Unlock()
	x.fire(after)
	return a
}

func (x *exchange) ask(ctx context.Context) answer {
	base := x.proxy.at()
	if base == "" {
		return answer{}
	}
	req, err := http.NewRequestWithContext(ctx, x.r.Method, base+x.r.URL.RequestURI(), bytes.NewReader(x.body))
	if err != nil {
		return answer{}
	}
	copyHeader(req.Header, x.r.Header)
	req.Header.Del("Authorization")
	req.Host = x.r.Host // so that the registry's own links lead through the proxy
	x.proxy.mu.Lock()
	x.entry.asked = true
	x.proxy.mu.Unlock()
	resp, err := upstream.RoundTrip(req)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// upstream keeps connections to registries for all schedules.
var upstream = &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}

func copyHeader(to, from http.Header) {
	for k, v := range from {
		if k != "Connection" {
			to[k] = v
		}
	}
}

// allowed reports whether the request has the login that the registry wants.
func (x *exchange) allowed() bool {
	got := x.r.Header.Get("Authorization")
	switch x.proxy.s.login {
	case basic:
		return got == "Basic "+basicLogin()
	case bearer:
		return got == "Bearer "+token
	}
	return true
}

func basicLogin() string { return base64.StdEncoding.EncodeToString([]byte(username + ":" + password)) }

// token is the token server.
func (x *exchange) token() {
	if x.r.Header.Get("Authorization") != "Basic "+basicLogin() {
		x.json(http.StatusUnauthorized, "UNAUTHORIZED", "who are you")
		return
	}
	x.write(http.StatusOK, "application/json", fmt.Appendf(nil, `{"token":%q,"expires_in":300}`, token))
}

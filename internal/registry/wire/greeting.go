package wire

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/regsweep/regsweep/internal/registry"
)

// greeting keeps a registry's first answer, and who wants to know it.
type greeting struct {
	mu     sync.Mutex
	first  *registry.Greeting
	told   []func(registry.Greeting)
	replay string // the challenge that answers the next request without a login; "" when none does
}

// Greeted calls f once with the registry's first answer, right away when there is one already. f must not send a request.
func (c *Client) Greeted(f func(registry.Greeting)) {
	c.greeting.mu.Lock()
	first := c.greeting.first
	if first == nil {
		c.greeting.told = append(c.greeting.told, f)
	}
	c.greeting.mu.Unlock()
	if first != nil {
		f(*first)
	}
}

// Replay answers the next request without a login as the first one was answered: with the challenge, and without asking
// the registry once more. It is for a caller that gives up the first request because of that answer.
func (c *Client) Replay(challenge string) {
	c.greeting.mu.Lock()
	defer c.greeting.mu.Unlock()
	c.greeting.replay = challenge
}

// Tokens calls f with the bearer token of each request to the registry, before it is sent, for a kind whose tokens say
// something. f is called from several goroutines, and keeps the token to itself.
func (c *Client) Tokens(f func(token string)) { c.tokens.Store(&f) }

// hear notes the first answer of the registry itself.
func (g *greeting) hear(resp *http.Response) {
	g.mu.Lock()
	if g.first != nil || resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests {
		g.mu.Unlock()
		return
	}
	first := readGreeting(resp.Header)
	g.first = &first
	told := g.told
	g.told = nil
	g.mu.Unlock()
	for _, f := range told {
		f(first)
	}
}

var challengeParameter = regexp.MustCompile(`(?i)\b(realm|service|scope)="([^"]*)"`)

// readGreeting reads a header.
func readGreeting(h http.Header) registry.Greeting {
	g := registry.Greeting{Header: h.Clone()}
	challenge := h.Get("WWW-Authenticate")
	g.Scheme, _, _ = strings.Cut(challenge, " ")
	for _, m := range challengeParameter.FindAllStringSubmatch(challenge, -1) {
		switch strings.ToLower(m[1]) {
		case "realm":
			g.Realm = m[2]
		case "service":
			g.Service = m[2]
		case "scope":
			g.Scope = m[2]
		}
	}
	return g
}

// again returns the answer that is replayed for a request; nil when the registry is asked.
func (g *greeting) again(req *http.Request) *http.Response {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.replay == "" || req.Header.Get("Authorization") != "" || req.URL.Scheme != "https" && req.URL.Scheme != "http" {
		return nil
	}
	resp := &http.Response{
		Status: "401 Unauthorized", StatusCode: http.StatusUnauthorized, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Www-Authenticate": {g.replay}}, Body: io.NopCloser(strings.NewReader("")), Request: req,
	}
	g.replay = ""
	return resp
}

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// The kinds of requests that are told apart.
const (
	listTags = iota
	headManifest
	getManifest
	getBlob
	deleteTag
	deleteDigest
	pushed
	otherRequest
	requestKinds
)

// kindNames are the kinds as they stand in a table.
var kindNames = [requestKinds]string{
	"list", "HEAD manifest", "GET manifest", "GET blob", "DELETE tag", "DELETE digest", "push", "other",
}

// tally is how many requests of each kind there were.
type tally [requestKinds]int

func (t tally) total() (n int) {
	for _, of := range t {
		n += of
	}
	return n
}

// classify says what kind a request is.
func classify(method, path string) int {
	manifest := strings.Contains(path, "/manifests/")
	switch {
	case method == http.MethodGet && strings.HasSuffix(path, "/tags/list"):
		return listTags
	case method == http.MethodHead && manifest:
		return headManifest
	case method == http.MethodGet && manifest:
		return getManifest
	case method == http.MethodGet && strings.Contains(path, "/blobs/"):
		return getBlob
	case method == http.MethodDelete && manifest && strings.Contains(path, "/manifests/sha256:"):
		return deleteDigest
	case method == http.MethodDelete && manifest:
		return deleteTag
	case method == http.MethodPut, method == http.MethodPost, method == http.MethodPatch:
		return pushed
	}
	return otherRequest
}

// counter counts the requests that pass a relay.
type counter struct {
	mu   sync.Mutex
	seen tally
	err  error
}

// take returns what was counted since the last time.
func (c *counter) take() (tally, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen, err := c.seen, c.err
	c.seen, c.err = tally{}, nil
	return seen, err
}

// tap returns a writer for what the client of one connection sends.
func (c *counter) tap() io.Writer { return &connection{counter: c} }

// connection reads the requests of a connection (HTTP/1.1, RFC 9112) as they pass.
type connection struct {
	counter *counter
	head    []byte // of a request that is not complete
	body    int64  // bytes of a request's body that are to come
	lost    bool
}

// mostHead is far beyond the head of any request to a registry.
const mostHead = 1 << 20

// Write never fails: what cannot be counted is told by [counter.take].
func (c *connection) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 && !c.lost {
		if c.body > 0 {
			n := min(c.body, int64(len(p)))
			c.body, p = c.body-n, p[n:]
			continue
		}
		c.head = append(c.head, p...)
		end := bytes.Index(c.head, []byte("\r\n\r\n"))
		if end < 0 {
			if len(c.head) > mostHead {
				c.lose(errors.New("a head without an end"))
			}
			break
		}
		end += len("\r\n\r\n")
		p = p[len(p)-(len(c.head)-end):]
		c.request(c.head[:end])
		c.head = c.head[:0]
	}
	return all, nil
}

// request counts a request and notes how long its body is.
func (c *connection) request(head []byte) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err == nil && r.ContentLength < 0 {
		err = errors.New("a body of unknown length")
	}
	if err != nil {
		c.lose(err)
		return
	}
	c.body = r.ContentLength
	kind := classify(r.Method, r.URL.Path)
	c.counter.mu.Lock()
	defer c.counter.mu.Unlock()
	c.counter.seen[kind]++
}

// lose gives up on the connection: where its next request begins is unknown.
func (c *connection) lose(err error) {
	c.lost = true
	c.counter.mu.Lock()
	defer c.counter.mu.Unlock()
	c.counter.err = errors.Join(c.counter.err, fmt.Errorf("count requests: %w", err))
}

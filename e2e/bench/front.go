package main

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"

	"github.com/regsweep/regsweep/e2e/registries"
)

// server is a registry behind a front, with storage that goes when it is closed.
type server struct {
	*registries.Server
	front *front
}

// start starts an empty registry.
func (b *bench) start(k kind) (*server, error) {
	dir, err := os.MkdirTemp(b.dir, "storage-")
	if err != nil {
		return nil, err
	}
	s, err := k.start(dir, registries.Options{})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	f, err := newFront(s.URL)
	if err != nil {
		return nil, errors.Join(err, s.Close(), os.RemoveAll(dir))
	}
	return &server{s, f}, nil
}

func (s *server) close() error {
	s.front.server.Close()
	return errors.Join(s.Close(), os.RemoveAll(s.Dir))
}

// front is the door through which contestants come to a registry: it counts their requests.
type front struct {
	host     string // as it stands in an image reference
	server   *httptest.Server
	requests atomic.Int64
}

func newFront(registry string) (*front, error) {
	target, err := url.Parse(registry)
	if err != nil {
		return nil, err
	}
	f := &front{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the registry makes its links from it
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		ErrorLog:  log.New(io.Discard, "", 0), // the contestant is told by a 502
	}
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	f.host = strings.TrimPrefix(f.server.URL, "http://")
	return f, nil
}

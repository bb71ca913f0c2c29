package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// storage is the folder of one repository in a registry's filesystem storage, as both lines of distribution lay it out.
// The judge reads it instead of asking the registry, which has a cache.
type storage struct {
	root string // the registry's root directory
	name string // the repository
	seen map[string]*node
}

// node is what a manifest says, as far as the judge cares. It never changes, so it is read once.
type node struct {
	digest   string
	children []string
	subject  string
	blobs    []string
	created  time.Time
	config   string
	broken   error // its body is not there or not readable
}

// state is a repository at one moment.
type state struct {
	nodes map[string]*node  // all manifests, by digest
	tags  map[string]string // all tags that a registry lists, with the digest; "" when the link is not there
	lost  map[string]string // blobs of manifests that the repository no longer links, with the manifest
}

func (s *storage) base() string { return filepath.Join(s.root, "docker/registry/v2") }
func (s *storage) repository(parts ...string) string {
	return filepath.Join(append([]string{s.base(), "repositories", s.name}, parts...)...)
}

func (s *storage) blob(digest string) string {
	hex := strings.TrimPrefix(digest, "sha256:")
	return filepath.Join(s.base(), "blobs/sha256", hex[:2], hex, "data")
}

// put writes a manifest with its blobs and tags, as a push leaves them behind. A start of many images costs no request
// this way.
func (s *storage) put(c content, tags ...string) error {
	links := []string{s.repository("_manifests/revisions/sha256", c.digest[7:], "link")}
	for _, t := range tags {
		links = append(links, s.repository("_manifests/tags", t, "current/link"),
			s.repository("_manifests/tags", t, "index/sha256", c.digest[7:], "link"))
	}
	files := map[string][]byte{s.blob(c.digest): c.body}
	for _, l := range links {
		files[l] = []byte(c.digest)
	}
	for d, body := range c.blobs {
		files[s.blob(d)] = body
		files[s.repository("_layers/sha256", d[7:], "link")] = []byte(d)
	}
	for name, body := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := writeOnce(name, body); err != nil {
			return err
		}
	}
	return nil
}

// writeOnce leaves a blob alone that another repository has written already: a registry may be reading it.
func writeOnce(name string, body []byte) error {
	if filepath.Base(name) == "data" {
		if _, err := os.Stat(name); err == nil {
			return nil
		}
	}
	return os.WriteFile(name, body, 0o644)
}

// read returns what is there now.
func (s *storage) read() (state, error) {
	st := state{nodes: map[string]*node{}, tags: map[string]string{}, lost: map[string]string{}}
	revisions, err := names(s.repository("_manifests/revisions/sha256"))
	if err != nil {
		return st, err
	}
	for _, hex := range revisions {
		if link, _ := os.ReadFile(s.repository("_manifests/revisions/sha256", hex, "link")); len(link) > 0 {
			st.nodes["sha256:"+hex] = s.node("sha256:" + hex)
		}
	}
	tags, err := names(s.repository("_manifests/tags"))
	if err != nil {
		return st, err
	}
	for _, t := range tags {
		link, err := os.ReadFile(s.repository("_manifests/tags", t, "current/link"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return st, err
		}
		st.tags[t] = string(link)
	}
	for d, n := range st.nodes {
		for _, b := range n.blobs {
			if _, err := os.Stat(s.repository("_layers/sha256", b[7:], "link")); err != nil {
				st.lost[b] = d
			}
		}
	}
	return st, nil
}

// names lists a folder; one that is not there is empty.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out, nil
}

func (s *storage) node(digest string) *node {
	if n := s.seen[digest]; n != nil && n.broken == nil {
		return n
	}
	n := &node{digest: digest}
	n.broken = s.fill(n)
	s.seen[digest] = n
	return n
}

func (s *storage) fill(n *node) error {
	body, err := os.ReadFile(s.blob(n.digest))
	if err != nil {
		return err
	}
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return fmt.Errorf("manifest %s: %w", n.digest, err)
	}
	for _, c := range d.Manifests {
		n.children = append(n.children, c.Digest)
	}
	for _, l := range d.Layers {
		n.blobs = append(n.blobs, l.Digest)
	}
	if d.Subject != nil {
		n.subject = d.Subject.Digest
	}
	if d.Config == nil {
		return nil
	}
	n.config = d.Config.MediaType
	n.blobs = append(n.blobs, d.Config.Digest)
	text, err := os.ReadFile(s.blob(d.Config.Digest))
	if err != nil {
		return err
	}
	var config struct{ Created time.Time }
	if json.Unmarshal(text, &config) == nil {
		n.created = config.Created
	}
	return nil
}

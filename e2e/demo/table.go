package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
)

// holding is what a repository, or the whole registry, holds.
type holding struct {
	tags   int
	images int                  // what people push; platforms and signatures are parts of it
	blobs  map[oci.Digest]int64 // each once, as the registry stores it
}

// show prints what each repository holds, with a note that may be about its tags.
func show(ctx context.Context, w io.Writer, host string, note func(p pipeline, tags string) string) error {
	client, err := kinds.Open(host, registry.Options{})
	if err != nil {
		return err
	}
	all := holding{blobs: map[oci.Digest]int64{}}
	fmt.Fprintf(w, "  %-16s %5s %7s %10s\n", "repository", "tags", "images", "size")
	for _, p := range team {
		s, err := client.Repository(p.path).Snapshot(ctx, registry.Query{})
		if err != nil {
			return fmt.Errorf("look at %s: %w", p.path, err)
		}
		h, tags := hold(s)
		h.print(w, p.path, note(p, tags))
		all.add(h)
	}
	all.print(w, "all nine", "")
	return nil
}

// hold counts what a snapshot holds, and names its tags.
func hold(s oci.Snapshot) (h holding, names string) {
	h = holding{tags: len(s.Ghosts), blobs: map[oci.Digest]int64{}}
	var tags []string
	for _, i := range s.Images {
		h.tags += len(i.Tags)
		if i.Kind == oci.KindImage || i.Kind == oci.KindIndex {
			h.images++
		}
		for _, b := range i.Blobs {
			h.blobs[b.Digest] = b.Size
		}
		tags = append(tags, i.Tags...)
	}
	return h, readable(append(tags, s.Ghosts...))
}

func (h *holding) add(other holding) {
	h.tags += other.tags
	h.images += other.images
	for d, n := range other.blobs {
		h.blobs[d] = n
	}
}

func (h holding) print(w io.Writer, name, note string) {
	var size int64
	for _, n := range h.blobs {
		size += n
	}
	line := fmt.Sprintf("  %-16s %5d %7d %6.1f MiB   %s", name, h.tags, h.images, float64(size)/(1<<20), note)
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

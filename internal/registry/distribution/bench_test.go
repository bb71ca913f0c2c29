package distribution

import (
	"fmt"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// builds pushes n images, of which all share a layer.
func (d *desk) builds(n int) {
	var images []fixture.Image
	for i := range n {
		images = append(images, fixture.Image{Tags: []string{fmt.Sprintf("b%d", i)}, Created: day(1 + i%28)})
	}
	d.push.Images(images)
}

// BenchmarkSnapshot reads a repository of 1000 images: for the first time, with a memory, and by names alone.
func BenchmarkSnapshot(b *testing.B) {
	d := newDesk(b)
	d.builds(1000)
	d.snapshot(b, registry.Query{})
	for _, c := range []struct {
		name   string
		store  registry.Store
		wanted registry.Query
	}{
		{"first", nil, registry.Query{}},
		{"remembered", d.store, registry.Query{}},
		{"names_only", nil, registry.Query{SkipDates: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := openApp(d.reg.Host(), registry.Options{Store: c.store})
			b.ReportAllocs()
			for b.Loop() {
				if s, err := r.Snapshot(b.Context(), c.wanted); err != nil || len(s.Images) != 1000 {
					b.Fatal(len(s.Images), err)
				}
			}
		})
		d.reg.ResetRequests()
	}
}

// BenchmarkMemory reads, assembles and writes what is remembered of 20,000 images, without a registry.
func BenchmarkMemory(b *testing.B) {
	const n = 20_000
	blob := func(kind, i int) oci.Blob {
		return oci.Blob{Digest: oci.Digest(fmt.Sprintf("sha256:%032x%032x", kind, i)), Size: 1000}
	}
	g := newGathering(openApp("registry.example.com", registry.Options{}))
	for i := range n {
		config := blob(1, i)
		m := manifest{digest: blob(2, i).Digest, mediaType: typeDockerImage, config: config, blobs: []oci.Blob{config, blob(3, 0), blob(3, 1), blob(4, i)}}
		g.add(m)
		g.tags[m.digest], g.dates[config.Digest] = []string{fmt.Sprintf("b%d", i)}, day(1+i%28)
	}
	content := g.remember()
	b.Run("recall", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if m := recall(content); len(m.manifests) != n {
				b.Fatal(len(m.manifests))
			}
		}
	})
	b.Run("assemble", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			clear(g.dated)
			if s := g.snapshot(); len(s.Images) != n {
				b.Fatal(len(s.Images))
			}
		}
	})
	b.Run("remember", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if len(g.remember()) != len(content) {
				b.Fatal("another memory")
			}
		}
	})
}

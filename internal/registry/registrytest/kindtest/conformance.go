package kindtest

import (
	"fmt"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

// Conformance holds a kind to the scenarios: what each repository keeps, what goes, and that the outcomes are what the
// service's books say. start starts a fake of its own for each; it stops when the test ends.
func Conformance(t *testing.T, start func(t *testing.T) Stand) {
	t.Helper()
	hold(t, start, scenarios)
	t.Run("what the service protects is retained", func(t *testing.T) {
		t.Parallel()
		b := NewBench(t, start(t))
		if b.Protect == nil {
			return // the service protects nothing
		}
		p := retain.Policy{KeepLast: 1}
		old, locked, last := b.Aged("b1", 3), b.Aged("b2", 2), b.Aged("b3", 1)
		b.Protect(t, locked)
		b.Settled(b.Sweep(p), p)
		b.There([]oci.Digest{locked, last}, []oci.Digest{old})
	})
}

// hold sweeps the repository of each scenario.
func hold(t *testing.T, start func(t *testing.T) Stand, all []scenario) {
	t.Helper()
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := NewBench(t, start(t))
			stay, gone := s.push(b)
			p := s.policy
			if p.KeepLast == 0 {
				p.KeepLast = 1
			}
			b.Settled(b.Sweep(p), p)
			b.There(stay, gone)
		})
	}
}

// scenario is a repository, a policy, and what becomes of it.
type scenario struct {
	name   string
	policy retain.Policy // without a rule the newest image is kept
	push   func(b *Bench) (stay, gone []oci.Digest)
}

var scenarios = []scenario{
	{name: "plain builds", policy: retain.Policy{KeepLast: 2}, push: func(b *Bench) (stay, gone []oci.Digest) {
		for n := range 7 {
			gone = append(gone, b.Aged(fmt.Sprint("b", n), 20-n))
		}
		return gone[5:], gone[:5]
	}},
	{name: "a digest with two tags is one image", push: func(b *Bench) (stay, gone []oci.Digest) {
		shared, old, last := b.Aged("b1", 3), b.Aged("b2", 2), b.Aged("b3", 1)
		b.Push.Tag(shared, "latest")
		return []oci.Digest{shared, last}, []oci.Digest{old}
	}},
	{name: "a digest whose two tags are both doomed", push: func(b *Bench) (stay, gone []oci.Digest) {
		shared, last := b.Aged("b1", 3), b.Aged("b3", 1)
		b.Push.Tag(shared, "b2")
		return []oci.Digest{last}, []oci.Digest{shared}
	}},
	{name: "a multi-platform index goes with its children and its provenance", push: func(b *Bench) (stay, gone []oci.Digest) {
		for n := range 3 {
			index, parts := b.Multi(fmt.Sprint("b", n), 9-n)
			gone = append(append(gone, index), parts...)
		}
		return gone[len(gone)-4:], gone[:len(gone)-4]
	}},
	{name: "a child of a kept and of a doomed index stays", push: func(b *Bench) (stay, gone []oci.Digest) {
		shared := b.Child("shared", 9)
		only, fresh := b.Child("only", 9), b.Child("fresh", 1)
		old := b.Push.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{shared, only}})
		kept := b.Push.Index(fixture.Index{Tags: []string{"b2"}, Children: []oci.Digest{shared, fresh}})
		return []oci.Digest{shared, fresh, kept}, []oci.Digest{old, only}
	}},
	{name: "a child with a protected tag of its own stays", push: func(b *Bench) (stay, gone []oci.Digest) {
		tagged := b.Push.Image(fixture.Image{Tags: []string{"latest"}, Seed: "tagged", MediaType: fixture.OCIManifest, Created: Ago(9)})
		other, last := b.Child("other", 9), b.Aged("b2", 1)
		index := b.Push.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{tagged, other}})
		return []oci.Digest{tagged, last}, []oci.Digest{index, other}
	}},
	{name: "a nested index", push: func(b *Bench) (stay, gone []oci.Digest) {
		child, last := b.Child("amd", 9), b.Aged("b2", 1)
		inner := b.Push.Index(fixture.Index{Children: []oci.Digest{child}})
		outer := b.Push.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{inner}})
		return []oci.Digest{last}, []oci.Digest{child, inner, outer}
	}},
	{name: "signatures by tag go and stay with their images", push: func(b *Bench) (stay, gone []oci.Digest) {
		old, last := b.Aged("b1", 2), b.Aged("b2", 1)
		for _, suffix := range []string{".sig", ".att", ".sbom"} {
			gone = append(gone, b.Push.Signature(old, suffix))
			stay = append(stay, b.Push.Signature(last, suffix))
		}
		return append(stay, last), append(gone, old)
	}},
	{name: "referrers by subject and their fallback index go and stay with their images", push: func(b *Bench) (stay, gone []oci.Digest) {
		old := b.Push.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest, Created: Ago(2)})
		last := b.Push.Image(fixture.Image{Tags: []string{"b2"}, MediaType: fixture.OCIManifest, Created: Ago(1)})
		referrer, fallback := b.Push.Referrer(old, "application/spdx+json")
		kept, keptFallback := b.Push.Referrer(last, "application/spdx+json")
		return []oci.Digest{last, kept, keptFallback}, []oci.Digest{old, referrer, fallback}
	}},
	{name: "an index with a signature", push: func(b *Bench) (stay, gone []oci.Digest) {
		old, parts := b.Multi("b1", 3)
		last, lastParts := b.Multi("b2", 1)
		gone = append(parts, old, b.Push.Signature(old, ".sig"))
		return append(lastParts, last, b.Push.Signature(last, ".sig")), gone
	}},
	{name: "nothing to delete", policy: retain.Policy{KeepLast: 5}, push: func(b *Bench) (stay, gone []oci.Digest) {
		return []oci.Digest{b.Aged("b1", 2), b.Aged("b2", 1)}, nil
	}},
}

// Aged pushes an image under a tag; it was built so many days ago.
func (b *Bench) Aged(tag string, days int) oci.Digest {
	b.T.Helper()
	return b.Push.Image(fixture.Image{Tags: []string{tag}, Created: Ago(days)})
}

// Child pushes an image without a tag.
func (b *Bench) Child(seed string, days int) oci.Digest {
	b.T.Helper()
	return b.Push.Image(fixture.Image{Seed: seed, MediaType: fixture.OCIManifest, Created: Ago(days)})
}

// Multi pushes an index of two platforms and the provenance of one of them under a tag.
func (b *Bench) Multi(tag string, days int) (index oci.Digest, parts []oci.Digest) {
	b.T.Helper()
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		parts = append(parts, b.Push.Image(fixture.Image{
			Seed: tag + platform, Platform: platform, MediaType: fixture.OCIManifest, Created: Ago(days), Size: 100,
		}))
	}
	parts = append(parts, b.Push.Provenance(parts[0]))
	return b.Push.Index(fixture.Index{Tags: []string{tag}, Children: parts}), parts
}

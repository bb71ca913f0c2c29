package kindtest

import (
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// Referrers holds a kind whose registry tells of attachments without a tag to what becomes of them: those of kept images
// stay, and those of deleted ones go. start starts a fake of its own for each scenario; it stops when the test ends.
func Referrers(t *testing.T, start func(t *testing.T) Stand) {
	t.Helper()
	hold(t, start, []scenario{
		{name: "referrers without a tag go and stay with their images", push: func(b *Bench) (stay, gone []oci.Digest) {
			old, last := b.signable("b1", 2), b.signable("b2", 1)
			return []oci.Digest{last, b.refers(last, "kept")}, []oci.Digest{old, b.refers(old, "old"), b.refers(old, "old too")}
		}},
		{name: "a referrer of a referrer goes and stays with it", push: func(b *Bench) (stay, gone []oci.Digest) {
			old, last := b.signable("b1", 2), b.signable("b2", 1)
			sbom, kept := b.refers(old, "sbom"), b.refers(last, "kept")
			return []oci.Digest{last, kept, b.refers(kept, "kept signature")}, []oci.Digest{old, sbom, b.refers(sbom, "signature")}
		}},
		{name: "referrers of the platforms of an index go and stay with it", push: func(b *Bench) (stay, gone []oci.Digest) {
			old, parts := b.Multi("b1", 3)
			last, lastParts := b.Multi("b2", 1)
			gone = append(parts, old, b.refers(old, "index"), b.refers(parts[0], "amd64"), b.refers(parts[1], "arm64"))
			return append(lastParts, last, b.refers(last, "last"), b.refers(lastParts[0], "last amd64")), gone
		}},
		{name: "an image stays with a referrer that stays by a tag of its own", push: func(b *Bench) (stay, gone []oci.Digest) {
			signed, old, last := b.signable("b1", 3), b.signable("b2", 2), b.signable("b3", 1)
			tagged := b.refers(signed, "tagged")
			b.Push.Tag(tagged, "latest")
			return []oci.Digest{signed, tagged, b.refers(signed, "another"), last}, []oci.Digest{old}
		}},
	})
}

// ExtendedReferrers holds a kind whose registry lists manifests without a tag to what becomes of the fallback indexes that
// clients extend: each time, the version before is left without a tag.
func ExtendedReferrers(t *testing.T, start func(t *testing.T) Stand) {
	t.Helper()
	hold(t, start, []scenario{
		{name: "a referrers index that was extended leaves a version without a tag, which holds nothing that goes", push: func(b *Bench) (stay, gone []oci.Digest) {
			old, last := b.signable("b1", 2), b.signable("b2", 1)
			for _, kind := range []string{"application/spdx+json", "application/vnd.in-toto+json"} {
				referrer, _ := b.Push.Referrer(old, kind)
				kept, _ := b.Push.Referrer(last, kind)
				gone, stay = append(gone, referrer), append(stay, kept)
			}
			return append(stay, last), append(gone, old)
		}},
	})
}

// signable pushes an OCI image under a tag.
func (b *Bench) signable(tag string, days int) oci.Digest {
	b.T.Helper()
	return b.Push.Image(fixture.Image{Tags: []string{tag}, MediaType: fixture.OCIManifest, Created: Ago(days)})
}

// refers pushes an artifact without a tag whose subject is a manifest.
func (b *Bench) refers(subject oci.Digest, seed string) oci.Digest {
	b.T.Helper()
	return b.Push.Image(fixture.Image{Seed: seed, MediaType: fixture.OCIManifest, Subject: subject, ArtifactType: "application/spdx+json"})
}

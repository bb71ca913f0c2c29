package run

import (
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// snapshotWithPushed reads a repository, and returns what the pipeline pushed to it, with digests instead of image IDs. It
// asks the registry for a digest only if no tag leads to it: an ID is the digest of a blob, and distribution 3.1.2 answers
// 500 to a request for a manifest with that digest.
func snapshotWithPushed(pushed []oci.Pushed, snapshot func([]oci.Pushed) (oci.Snapshot, error)) (oci.Snapshot, []oci.Pushed, error) {
	read, err := snapshot(nil)
	if err != nil {
		return read, pushed, err
	}
	pushed = oci.ResolveIDs(pushed, read)
	known := map[oci.Digest]bool{"": true}
	for _, i := range read.Images {
		known[i.Digest] = true
	}
	for _, p := range pushed {
		if !known[p.Digest] {
			read, err = snapshot(pushed)
			break
		}
	}
	return read, pushed, err
}

// namedDigests are the digests that the pipeline or a text of images in use names. If no tag leads to such a digest, no
// listing shows it, but regsweep must know its parts to keep them.
func namedDigests(pushed []oci.Pushed, p retain.Policy, name oci.Repository) []oci.Digest {
	var out []oci.Digest
	for _, p := range pushed {
		if p.Digest != "" {
			out = append(out, p.Digest)
		}
	}
	for _, u := range p.InUse {
		out = append(out, u.Digests(name)...)
	}
	return out
}

package run

import (
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// snapshotWithPushed reads a repository, and returns what the pipeline pushed to it with digests in place of images' ids.
// The registry is asked for a digest only when no tag leads to it: an id names a blob, and distribution 3.1.2 answers a
// question for a manifest of that digest with 500.
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

// namedDigests are the digests that the pipeline or a text of images in use names. There may be no tag that leads to
// them, and then no listing does, but what they are made of must be known to be kept.
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

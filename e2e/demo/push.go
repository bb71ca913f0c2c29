package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// sharedLayer is the size of the layer that all images have below their own.
const sharedLayer = 4 << 20

// push leaves behind what the pipeline's builds have pushed until now.
func (p pipeline) push(ctx context.Context, s *registries.Server, now time.Time) error {
	pusher := fixture.New(s.URL, p.path)
	pusher.BaseSize = sharedLayer
	builds := p.images(now)
	digests, err := p.pushImages(ctx, pusher, builds)
	if err != nil {
		return err
	}
	for i, b := range builds {
		if p.signed {
			if _, err := pusher.Signature(ctx, digests[i], ".sig"); err != nil {
				return err
			}
		}
		for tag, build := range p.aliases {
			if !slices.Contains(b.Tags, strconv.Itoa(build)) {
				continue
			}
			if err := pusher.Tag(ctx, digests[i], tag); err != nil {
				return err
			}
		}
	}
	if p.ghost == 0 {
		return nil
	}
	return leaveGhost(s.Dir, p.path, p.ghost)
}

// images are the builds, the last of them two minutes old.
func (p pipeline) images(now time.Time) []fixture.Image {
	var out []fixture.Image
	for n := p.last - p.builds + 1; n <= p.last; n++ {
		tag := strconv.Itoa(n)
		if slices.Contains(p.unchanged, n) {
			same := &out[len(out)-1]
			same.Tags = append(same.Tags, tag)
			continue
		}
		image := fixture.Image{
			Tags: []string{tag}, Seed: p.path + " " + tag, Size: p.layer,
			Created: now.Add(-2*time.Minute - time.Duration(p.last-n)*p.every).Truncate(time.Second),
		}
		if n == p.undated {
			image.Created = time.Unix(0, 0)
		}
		if n != p.ghost {
			out = append(out, image)
		}
	}
	return out
}

// pushImages pushes images, each for all the platforms, and returns the digests that the tags point at.
func (p pipeline) pushImages(ctx context.Context, pusher *fixture.Pusher, builds []fixture.Image) ([]oci.Digest, error) {
	if len(p.platforms) == 0 {
		return pusher.Images(ctx, builds)
	}
	var out []oci.Digest
	for _, b := range builds {
		index := fixture.Index{Tags: b.Tags}
		for _, platform := range p.platforms {
			child := b
			child.Tags, child.Seed, child.Platform, child.MediaType = nil, b.Seed+" "+platform, platform, fixture.OCIManifest
			d, err := pusher.Image(ctx, child)
			if err != nil {
				return nil, err
			}
			provenance, err := pusher.Provenance(ctx, d)
			if err != nil {
				return nil, err
			}
			index.Children = append(index.Children, d, provenance)
		}
		d, err := pusher.Index(ctx, index)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// leaveGhost writes into the storage what a registry has after a client hung up in the middle of a deletion: a tag that
// points at a manifest that is not there.
func leaveGhost(storage, path string, build int) error {
	folder := filepath.Join(storage, "docker/registry/v2/repositories", path, "_manifests/tags", strconv.Itoa(build), "current")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	gone := "sha256:b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184"
	return os.WriteFile(filepath.Join(folder, "link"), []byte(gone), 0o600)
}

package distribution

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Missing returns what images need and the registry does not have: their manifests, configs and layers, each once, in the
// order of the images. The children of an index have to be among the images, as they are in a snapshot. It costs one HEAD
// for each, and a GET where that finds nothing: the answer to a HEAD has no body that would prove it to be the registry's own.
func (r *Repository) Missing(ctx context.Context, images []oci.Image) ([]oci.Digest, error) {
	var paths []string
	var digests []oci.Digest
	seen := map[string]bool{}
	need := func(kind string, d oci.Digest) {
		if path := kind + d.String(); !seen[path] {
			seen[path] = true
			paths, digests = append(paths, path), append(digests, d)
		}
	}
	for _, i := range images {
		need("/manifests/", i.Digest)
		for _, b := range i.Blobs {
			need("/blobs/", b.Digest)
		}
	}
	absent := make([]bool, len(paths))
	err := r.client.Each(ctx, len(paths), func(ctx context.Context, i int) (err error) {
		if absent[i], err = r.lacks(ctx, paths[i]); err != nil {
			return fmt.Errorf("%s: %w", digests[i], err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []oci.Digest
	for i, a := range absent {
		if a {
			out = append(out, digests[i])
		}
	}
	return out, nil
}

// lacks reports whether the registry says that it does not have what is at a path of the repository.
func (r *Repository) lacks(ctx context.Context, path string) (bool, error) {
	ask := wire.Call{Method: http.MethodHead, URL: "/v2/" + r.name.Path + path, Accept: acceptManifests, Scopes: r.scopes(), Limit: maxManifest}
	if !r.noHead.Load() {
		if _, err := r.client.Do(ctx, ask); err == nil || !r.saysNothing(err) {
			return false, err
		}
	}
	ask.Method, ask.SkipBody = http.MethodGet, true // a layer can have gigabytes
	_, err := r.client.Do(ctx, ask)
	if errors.Is(err, registry.ErrNotFound) {
		return true, nil
	}
	return false, err
}

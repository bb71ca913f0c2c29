package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
)

// Answers asks once whether the registry serves: 200, or 401 where it wants a login (OCI distribution-spec v1.1,
// "Determining Support").
func (c *Client) Answers(ctx context.Context) error {
	_, err := c.try(ctx, call{method: http.MethodGet, url: "/v2/", limit: maxErrorBody})
	if errors.Is(err, ErrUnauthorized) {
		return nil
	}
	return err
}

// Absent returns what images need and the registry does not have: their manifests, configs and layers, each once, in the
// order of the images. The children of an index have to be among the images, as they are in a snapshot. It costs one HEAD
// for each, and a GET where that finds nothing: the answer to a HEAD has no body that would prove it to be the registry's own.
func (r *Repository) Absent(ctx context.Context, images []oci.Image) ([]oci.Digest, error) {
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
	err := r.each(ctx, len(paths), func(ctx context.Context, i int) (err error) {
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
	ask := call{method: http.MethodHead, url: "/v2/" + r.name.Path + path, accept: manifestTypes, scopes: r.scopes(), limit: maxManifest}
	_, err := r.client.do(ctx, ask)
	var answer *Error
	if !errors.As(err, &answer) || answer.Status != http.StatusNotFound {
		return false, err
	}
	ask.method = http.MethodGet
	if _, err = r.client.do(ctx, ask); saysAbsent(err) {
		return true, nil
	}
	return false, err
}

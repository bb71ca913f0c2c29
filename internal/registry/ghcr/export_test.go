package ghcr

import (
	"context"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// List returns the digests of a repository's list, without a look at any manifest.
func List(ctx context.Context, r registry.Repository) ([]oci.Digest, error) {
	all, err := r.(*repository).pkg.list(ctx)
	var out []oci.Digest
	for _, v := range all {
		out = append(out, v.digest)
	}
	return out, err
}

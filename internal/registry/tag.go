package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
)

// Resolve returns the digest that a tag points at, "" when the registry has no manifest for it.
func (r *Repository) Resolve(ctx context.Context, tag string) (oci.Digest, error) {
	m, err := r.resolve(ctx, tag)
	if errors.Is(err, errNoManifest) {
		return "", nil
	}
	return m.digest, err
}

// Untag removes a tag and leaves the manifest that it points at. It reports whether the tag was there. As [Delete], it
// finishes a request that is on its way. Registries differ in whether they can: see [Repository.DeletesTags].
func (r *Repository) Untag(ctx context.Context, tag string) (existed bool, err error) {
	if !oci.ValidTag(tag) { // anything else could be a digest, or leave the path
		return false, fmt.Errorf("remove tag %q: it is no tag", tag)
	}
	_, err = r.client.do(ctx, call{
		method: http.MethodDelete, url: "/v2/" + r.name.Path + "/manifests/" + tag,
		scopes: r.scopes(), limit: maxErrorBody,
	})
	if saysAbsent(err) {
		return false, nil
	}
	return err == nil, err
}

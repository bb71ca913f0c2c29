package distribution

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// RestoreTag points a tag that points at nothing to a manifest that is there, by pushing that manifest once more.
func (r *Repository) RestoreTag(ctx context.Context, tag string, d oci.Digest) (restored bool, err error) {
	if !oci.ValidTag(tag) {
		return false, fmt.Errorf("restore tag %q: it is not a tag", tag)
	}
	read, err := r.client.Do(ctx, wire.Call{
		Method: http.MethodGet, URL: "/v2/" + r.name.Path + "/manifests/" + d.String(),
		Accept: acceptManifests, Scopes: r.scopes(), Limit: maxManifest,
	})
	if err != nil {
		return false, notFound(err, errNoManifest)
	}
	if _, err := proven(read.Body, d); err != nil {
		return false, incomplete(fmt.Errorf("read manifest %s: %w", d, err))
	}
	_, err = r.client.Do(ctx, wire.Call{
		Method: http.MethodPut, URL: "/v2/" + r.name.Path + "/manifests/" + tag, Scopes: r.pushScopes(), Limit: wire.MaxErrorBody,
		ContentType: read.Header.Get("Content-Type"), Body: read.Body,
		Look: r.stillAt(tag, "", d),
	})
	return changed(err)
}

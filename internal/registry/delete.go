package registry

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
)

// Delete deletes a manifest by its digest, and with it every tag that points there. It reports whether the manifest
// was there: 404 is the aim reached by somebody else, or by an earlier try whose answer was lost. The digest must be
// a manifest's: distribution 2.x takes a layer's as well and unlinks it from the images that need it. A cancelled ctx
// does not cut a request short that is on its way, it only prevents further tries.
func (r *Repository) Delete(ctx context.Context, d oci.Digest) (existed bool, err error) {
	if err := d.Validate(); err != nil { // a tag in this place would be deleted by distribution 3.x
		return false, fmt.Errorf("delete %q: %w", d, err)
	}
	_, err = r.client.do(ctx, call{
		method: http.MethodDelete, url: "/v2/" + r.name.Path + "/manifests/" + d.String(),
		scopes: r.scopes(), limit: maxErrorBody,
	})
	if saysAbsent(err) {
		return false, nil
	}
	return err == nil, err
}

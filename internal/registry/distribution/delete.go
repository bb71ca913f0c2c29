package distribution

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Delete deletes manifests in parallel, as many at a time as the registry takes, and returns one result for each.
func (r *Repository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := make([]registry.Result, len(level))
	if len(level) == 1 { // as most callers have it
		out[0].Existed, out[0].Err = r.delete(ctx, level[0].Digest)
		return out
	}
	var group sync.WaitGroup
	for i := range level {
		group.Go(func() { out[i].Existed, out[i].Err = r.delete(ctx, level[i].Digest) })
	}
	group.Wait()
	return out
}

// delete deletes a manifest by its digest, and with it every tag that points there. It reports whether the manifest
// was there: 404 is the aim reached by somebody else, or by an earlier try whose answer was lost. The digest must be
// a manifest's: distribution 2.x takes a layer's as well and unlinks it from the images that need it. A cancelled ctx
// does not cut a request short that is on its way, it only prevents further tries.
func (r *Repository) delete(ctx context.Context, d oci.Digest) (existed bool, err error) {
	if err := d.Validate(); err != nil { // a tag in this place would be deleted by distribution 3.x
		return false, fmt.Errorf("delete %q: %w", d, err)
	}
	_, err = r.client.Do(ctx, wire.Call{
		Method: http.MethodDelete, URL: "/v2/" + r.name.Path + "/manifests/" + d.String(),
		Scopes: r.scopes(), Limit: wire.MaxErrorBody, Final: r.final,
	})
	if errors.Is(err, registry.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Final says which answers to a deletion are the same however often it is sent, where their status does not tell: 500, for
// a manifest that something refers to. It comes before the first deletion.
func (r *Repository) Final(is func(answer *registry.Error) bool) { r.final = is }

// Exists reports whether the registry has a manifest, for kinds whose answers to a deletion do not tell.
func (r *Repository) Exists(ctx context.Context, d oci.Digest) (bool, error) {
	if err := d.Validate(); err != nil {
		return false, fmt.Errorf("look for %q: %w", d, err)
	}
	_, err := r.client.Do(ctx, wire.Call{
		Method: http.MethodGet, URL: "/v2/" + r.name.Path + "/manifests/" + d.String(),
		Accept: acceptManifests, Scopes: r.scopes(), Limit: maxManifest,
	})
	if errors.Is(err, registry.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

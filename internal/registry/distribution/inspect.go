package distribution

import (
	"context"
	"errors"
	"mime"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Access returns where the login comes from, and what the token says that it grants in this repository.
func (r *Repository) Access(ctx context.Context) (registry.Access, error) {
	return r.client.Access(ctx, r.name.Path, r.scopes())
}

// ServesReferrers asks for the referrers of a manifest. A registry that has the API answers with an index, which is empty
// where nothing refers to the manifest, and never with 404 (OCI distribution-spec v1.1, "Listing Referrers"). No release of
// CNCF distribution up to 3.1.2 has it.
func (r *Repository) ServesReferrers(ctx context.Context, d oci.Digest) (bool, error) {
	if err := d.Validate(); err != nil { // it becomes part of the path
		return false, err
	}
	reply, err := r.client.Do(ctx, wire.Call{
		Method: http.MethodGet, URL: "/v2/" + r.name.Path + "/referrers/" + d.String(),
		Accept: []string{typeIndex}, Scopes: r.scopes(), Limit: wire.MaxErrorBody, SkipBody: true,
	})
	var answer *registry.Error
	if errors.As(err, &answer) && lacksAPI(answer.Status) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mediaType, _, _ := mime.ParseMediaType(reply.Header.Get("Content-Type"))
	return mediaType == typeIndex, nil
}

// lacksAPI reports whether a status is the answer of a registry without the referrers API.
func lacksAPI(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}

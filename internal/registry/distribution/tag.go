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

// Resolve returns the digest that a tag points at, "" when the registry has no manifest for it.
func (r *Repository) Resolve(ctx context.Context, tag string) (oci.Digest, error) {
	m, err := r.resolve(ctx, tag)
	if errors.Is(err, errNoManifest) {
		return "", nil
	}
	return m.digest, err
}

// errDone is returned for a tag that an earlier try has dealt with, although its answer was lost.
var errDone = errors.New("it is done")

// errMoved is returned for a tag that points elsewhere than it should.
var errMoved = errors.New("the tag has moved")

// stillAt returns the look at a tag that comes right before each try to remove it, however long the try had to wait and
// whatever became of the one before: a removal takes whatever the tag points at by then. A try whose answer was lost was
// carried out when the tag points at then.
func (r *Repository) stillAt(tag string, d, then oci.Digest) func(context.Context, bool) error {
	return func(ctx context.Context, perhaps bool) error {
		now, err := r.Resolve(ctx, tag)
		switch {
		case err != nil:
			return err
		case now == d:
			return nil
		case perhaps && now == then:
			return errDone
		}
		return errMoved
	}
}

// changed tells from the error of a call with such a look whether the tag was changed.
func changed(err error) (bool, error) {
	switch {
	case errors.Is(err, errDone):
		return true, nil
	case errors.Is(err, errMoved):
		return false, nil
	}
	return err == nil, err
}

// DeleteTag removes a tag that points at d and leaves the manifest. It reports whether it did: a tag that points elsewhere is
// left alone. As [Delete], it finishes a request that is on its way. Registries differ in whether they can: see
// [Repository.CanDeleteTags].
func (r *Repository) DeleteTag(ctx context.Context, tag string, d oci.Digest) (gone bool, err error) {
	// It reads nothing but the tag, and costs a registry that can do it about what a look costs (docs/performance.md has the
	// measurement): what the looks have come to is no guess then.
	r.client.WritesCostReads()
	return r.deleteTag(ctx, tag, r.stillAt(tag, d, ""))
}

// ScansTags reports whether the registry is known to be CNCF distribution, which reads the link of each tag of the repository
// for each deletion by digest, in all releases up to 3.1.2
// (https://github.com/distribution/distribution/blob/v3.1.0/registry/handlers/manifests.go, DeleteManifest, and
// registry/storage/tagstore.go, Lookup).
func (r *Repository) ScansTags() bool { return r.isCNCF() }

func (r *Repository) deleteTag(ctx context.Context, tag string, look func(context.Context, bool) error) (gone bool, err error) {
	if !oci.ValidTag(tag) { // anything else could be a digest, or leave the path
		return false, fmt.Errorf("remove tag %q: it is not a tag", tag)
	}
	_, err = r.client.Do(ctx, wire.Call{
		Method: http.MethodDelete, URL: "/v2/" + r.name.Path + "/manifests/" + tag,
		Scopes: r.scopes(), Limit: wire.MaxErrorBody, Look: look,
	})
	if errors.Is(err, registry.ErrNotFound) {
		return false, nil
	}
	return changed(err)
}

package ghcr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Delete deletes manifests with all their tags, version by version, and returns one result for each.
func (r *repository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := make([]registry.Result, len(level))
	var group sync.WaitGroup
	for i := range level {
		group.Go(func() { out[i].Existed, out[i].Err = r.delete(ctx, level[i]) })
	}
	group.Wait()
	return out
}

// delete deletes one version. A 404 says only that the token sees no such version, or may not delete it: GitHub does not
// tell these apart (https://github.com/vlaurin/action-ghcr-prune/issues/64).
func (r *repository) delete(ctx context.Context, i oci.Image) (existed bool, err error) {
	p := r.pkg
	if scopes := p.api.scopesOf(); len(scopes) > 0 && !slices.Contains(scopes, "delete:packages") {
		return false, &problem{errors.New("this token may not delete: it lacks the scope delete:packages"), registry.ErrForbidden, p.api.scopeHint("delete:packages")}
	}
	id, listed := p.id(i.Digest)
	if !listed {
		return r.unlisted(ctx, i)
	}
	at := p.versions() + "/" + strconv.FormatInt(id, 10)
	_, err = p.api.call(ctx, wire.Call{Method: http.MethodDelete, URL: at, Limit: wire.MaxErrorBody}, p.reserve())
	if isNotFound(err) {
		return false, p.confirm(ctx, at, id, err)
	}
	return err == nil, p.api.explain(doingDelete, err)
}

// id returns the number of a manifest's version by the latest list.
func (p *pkg) id(d oci.Digest) (id int64, listed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, listed = p.ids[d]
	return id, listed
}

// reserve is how many requests of the hour's quota deletions leave over: for the looks at the repository that come after
// them, and for one that is confirmed.
func (p *pkg) reserve() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return 2*(p.pages+1) + 1
}

// confirm asks for a version whose deletion was answered with refused, a 404. Nil says that it is not there.
func (p *pkg) confirm(ctx context.Context, at string, id int64, refused error) error {
	r, err := p.api.call(ctx, wire.Call{Method: http.MethodGet, URL: at, Limit: maxPage}, 0)
	switch {
	case isNotFound(err):
		return nil
	case err != nil: // nobody knows which of the two the 404 was
		return registry.Mark(fmt.Errorf("%w, and it is not known whether it is there: %w", refused, p.api.explain(doingConfirm, err)), registry.ErrUnsettled)
	}
	var found struct {
		ID int64 `json:"id"`
	}
	if json.Unmarshal(r.Body, &found) != nil || found.ID != id {
		return registry.Mark(fmt.Errorf("%w, and it is not known whether it is there: the answer to GET is not that version", refused), registry.ErrUnsettled)
	}
	return &problem{
		fmt.Errorf("this token may not delete the version: GitHub answers the deletion with 404 and still has version %d", id), registry.ErrForbidden, hintDelete,
	}
}

// unlisted says what became of a manifest that the latest list does not have. Lists can lag behind, so the registry itself
// has the last word.
func (r *repository) unlisted(ctx context.Context, i oci.Image) (existed bool, err error) {
	missing, err := r.Missing(ctx, []oci.Image{{Digest: i.Digest}})
	switch {
	case err != nil:
		return false, err
	case slices.Contains(missing, i.Digest):
		return false, nil
	}
	return false, fmt.Errorf("the registry has %s, and GitHub's Packages API does not list it: run again", i.Digest)
}

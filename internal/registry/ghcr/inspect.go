package ghcr

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Probe returns why this token may not delete, as far as GitHub tells without a deletion: the scopes of a classic token
// alone. A deletion of what does not exist is answered with 404 to everybody.
func (r *repository) Probe(ctx context.Context) error {
	if _, err := r.pkg.first(ctx); err != nil {
		return err
	}
	if err := r.pkg.api.mayDelete(); err != nil {
		return err
	}
	return &problem{
		errors.New("GitHub does not tell without a deletion whether this token may delete"), registry.ErrTagDeletionUnclear, hintDelete,
	}
}

// mayDelete returns why a classic token may not delete, before anything is asked for.
func (a *api) mayDelete() error {
	if scopes := a.scopesOf(); len(scopes) == 0 || slices.Contains(scopes, "delete:packages") {
		return nil
	}
	return &problem{errors.New("this token may not delete: it lacks the scope delete:packages"), registry.ErrForbidden, a.scopeHint("delete:packages")}
}

// Remaining returns how many requests of this token are left in the hour's quota, which ends at resets. known is false
// where GitHub does not say, as a server without limits.
func (r *repository) Remaining(ctx context.Context) (left int, resets time.Time, known bool) {
	a := r.pkg.api
	if left, resets, known = a.pace.left(); known {
		return left, resets, known
	}
	// The answer costs nothing of the quota, and has it in its header (https://docs.github.com/rest/rate-limit).
	if _, err := a.call(ctx, wire.Call{Method: http.MethodGet, URL: a.prefix + "/rate_limit", Limit: maxPage}, 0); err != nil {
		return 0, time.Time{}, false
	}
	return a.pace.left()
}

package distribution

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/regsweep/regsweep/internal/registry"
)

// CanDelete asks whether the registry lets this login delete, by the deletion of a digest that does not exist. It returns
// why not.
func (r *Repository) CanDelete(ctx context.Context) error {
	nothing := digest.FromString(rand.Text())
	existed, err := r.delete(ctx, nothing)
	if existed {
		return registry.Mark(fmt.Errorf("the registry says that it has deleted %s, which does not exist", nothing), registry.ErrTagDeletionUnclear)
	}
	return err
}

// CanDeleteTags asks whether the registry deletes a tag by itself, as distribution does since 3.0. It asks for the
// deletion of a digest and of a tag that do not exist, which destroys nothing: an answer of 404 says that it would
// have, one of 400 DIGEST_INVALID is distribution 2.x, and anything else is [registry.ErrTagDeletionUnclear]. The digest comes first, and what is wrong with deletion as such is the error: distribution 3.0.0 and 3.1.0
// delete tags even where deletion is switched off, and the manifests would be left behind without a name.
func (r *Repository) CanDeleteTags(ctx context.Context) (bool, error) {
	if err := r.CanDelete(ctx); err != nil {
		return false, err
	}
	tag := "regsweep-probe-" + strings.ToLower(rand.Text())
	existed, err := r.deleteTag(ctx, tag, nil)
	var answer *registry.Error
	switch {
	case existed:
		return false, registry.Mark(fmt.Errorf("the registry says that it has removed the tag %s, which does not exist", tag), registry.ErrTagDeletionUnclear)
	case err == nil:
		return true, nil
	case !errors.As(err, &answer) || answer.Status >= 500 || answer.Status == http.StatusUnauthorized || answer.Status == http.StatusTooManyRequests:
		return false, err
	case answer.Status == http.StatusBadRequest && answer.Code == "DIGEST_INVALID":
		return false, nil
	}
	return false, registry.Mark(fmt.Errorf("the registry answers the removal of a tag that does not exist with %s", answer.Answer()), registry.ErrTagDeletionUnclear)
}

package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"
)

// DeletesTags asks whether the registry deletes a tag by itself, as distribution does since 3.0. It asks for the
// deletion of a digest and of a tag that do not exist, which destroys nothing: an answer of 404 says that it would
// have. The digest comes first, and what is wrong with deletion as such is the error: distribution 3.0.0 and 3.1.0
// delete tags even where deletion is switched off, and the manifests would be left behind without a name.
func (r *Repository) DeletesTags(ctx context.Context) (bool, error) {
	nonce := rand.Text()
	nothing := digest.FromString(nonce)
	existed, err := r.Delete(ctx, nothing)
	if existed {
		err = incomplete{fmt.Errorf("the registry says that it has deleted %s, which does not exist", nothing)}
	}
	if err != nil {
		return false, err
	}
	existed, err = r.untag(ctx, "regsweep-probe-"+strings.ToLower(nonce), nil)
	var answer *Error
	switch {
	case err == nil:
		return !existed, nil // one that deletes what is not there shows nothing
	case errors.As(err, &answer) && answer.Status >= 400 && answer.Status < 500 && answer.Status != http.StatusUnauthorized && answer.Status != http.StatusTooManyRequests:
		return false, nil
	}
	return false, err
}

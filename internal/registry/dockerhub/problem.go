package dockerhub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
)

// The rights that a login needs, by the names that Docker Hub gives to them
// (https://docs.docker.com/security/access-tokens/, https://github.com/docker/hub-feedback/issues/2508).
const (
	hintDelete = "deleting on Docker Hub needs an owner or administrator of the repository, and an access token with the permission " +
		"Read, Write, Delete (Account settings, Personal access tokens)"
	hintLogin   = "run docker login with the account's name and an access token that has the permission Read, Write, Delete"
	hintUnknown = "check the name, NAMESPACE/NAME; Docker Hub answers the same where the login may not see a private repository"
	hintPulls   = "reading a manifest counts as a pull, and this login has no pull left for now; --sort pushed needs no pulls, and a later run goes on where " +
		"this one ended when it has a --state-dir"
	hintImmutable = "the repository has immutable tags (Settings, Tag mutability settings)"
)

// explain gives an answer its kind and advice. doing is what the request was for.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", doing, err)
	var answer *registry.Error
	if !errors.As(err, &answer) || answer.Limited || answer.Foreign {
		return wrapped
	}
	switch {
	case answer.Lacks:
		return registry.Advise(wrapped, registry.ErrForbidden, hintDelete)
	case answer.Status == http.StatusUnauthorized:
		return registry.Advise(wrapped, registry.ErrUnauthorized, hintLogin)
	case isImmutable(answer):
		return registry.Advise(wrapped, registry.ErrRetained, hintImmutable)
	case answer.Method == http.MethodDelete && (answer.Status == http.StatusForbidden || answer.Status == http.StatusMethodNotAllowed):
		return registry.Advise(wrapped, registry.ErrForbidden, hintDelete)
	}
	return wrapped
}

// isImmutable reports whether an answer says that a tag is protected against deletion
// (https://docs.docker.com/docker-hub/repos/manage/hub-images/immutable-tags/).
func isImmutable(answer *registry.Error) bool {
	refused := answer.Status == http.StatusForbidden || answer.Status == http.StatusBadRequest || answer.Status == http.StatusConflict
	return refused && strings.Contains(strings.ToLower(answer.Message), "immutable")
}

// pullLimit tells the limit of pulls from others.
func pullLimit(err error) error {
	var answer *registry.Error
	if errors.As(err, &answer) && answer.Status == http.StatusTooManyRequests && strings.Contains(answer.URL, "/manifests/") {
		return registry.Advise(err, registry.ErrLimited, hintPulls)
	}
	return err
}

package acr

import (
	"errors"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
)

// The rights that a login needs, by the names that Azure gives to them
// (https://learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-overview).
const (
	hintRights = "give the identity the roles AcrPull and AcrDelete on the registry; a registry with permissions for each repository (ABAC) has " +
		"Container Registry Repository Contributor instead; a token of the registry needs content/read, content/delete and metadata/read"
	hintLogin = "log in right before this step, by az acr login or by docker/login-action with a service principal or a token of the registry; " +
		"azure/login alone leaves no docker login"
	hintLocked = "unlock it by az acr repository update --image NAME:TAG --delete-enabled true --write-enabled true if it has to go"
	hintARM    = "the registry does not take tokens of Azure's management API: set az acr config authentication-as-arm update --status enabled, or log in with a token of the registry"
)

// advise gives an answer its kind and advice.
func advise(err error) error {
	var answer *registry.Error
	if err == nil {
		return nil
	}
	if !errors.As(err, &answer) {
		if errors.Is(err, registry.ErrNoToken) && strings.Contains(err.Error(), "arm aad token disallowed") {
			return registry.Advise(err, nil, hintARM)
		}
		if errors.Is(err, registry.ErrNoToken) && errors.Is(err, registry.ErrUnauthorized) {
			return registry.Advise(err, nil, hintLogin)
		}
		return err
	}
	if answer.Limited || answer.Foreign {
		return err
	}
	switch {
	case errors.Is(err, registry.ErrRetained):
		return registry.Advise(err, nil, hintLocked)
	case answer.Lacks, answer.Status == http.StatusForbidden, answer.Status == http.StatusUnauthorized && strings.Contains(answer.Scope, "metadata_read"):
		// a wrong login gets no token to begin with, so this one is good and lacks a right
		return registry.Advise(err, registry.ErrForbidden, hintRights)
	case answer.Status == http.StatusUnauthorized:
		return registry.Advise(err, registry.ErrUnauthorized, hintLogin)
	}
	return err
}

package gar

import (
	"errors"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
)

// The rights that a login needs, by the names that Google gives to them
// (https://cloud.google.com/artifact-registry/docs/access-control#roles).
const (
	hintDelete = "grant the service account the role Artifact Registry Repository Administrator (roles/artifactregistry.repoAdmin), which has " +
		"artifactregistry.versions.delete and artifactregistry.tags.delete; the role of a writer may not delete"
	hintRead = "grant the service account the role Artifact Registry Repository Administrator (roles/artifactregistry.repoAdmin); to read, " +
		"Artifact Registry Reader (roles/artifactregistry.reader) is enough"
	hintLogin = "log in right before this step: google-github-actions/auth with token_format: access_token, and docker login with the user oauth2accesstoken; " +
		"an access token is good for one hour"
	hintUnknown   = "check the name, LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE or gcr.io/PROJECT/IMAGE"
	hintImmutable = "the repository has immutable tags (gcloud artifacts repositories update --no-immutable-tags)"
	hintUnseen    = "Google keeps an index of its own over this manifest; log in with an access token (user oauth2accesstoken) so that regsweep can ask " +
		"Google's API to delete the manifest, or delete it by gcloud artifacts docker images delete"
)

// advise gives an answer its kind and advice.
func advise(err error) error {
	var answer *registry.Error
	if err == nil || !errors.As(err, &answer) || answer.Limited || answer.Foreign {
		return err
	}
	switch status := answer.Status; {
	case strings.Contains(strings.ToLower(answer.Message), "immutab"):
		return registry.Advise(err, registry.ErrRetained, hintImmutable)
	case status == http.StatusUnauthorized && !answer.Lacks:
		return registry.Advise(err, registry.ErrUnauthorized, hintLogin)
	case status == http.StatusForbidden && answer.Method == http.MethodDelete, answer.Lacks:
		return registry.Advise(err, registry.ErrForbidden, hintDelete)
	case status == http.StatusForbidden:
		return registry.Advise(err, registry.ErrForbidden, hintRead)
	}
	return err
}

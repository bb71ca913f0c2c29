package harbor

import (
	"errors"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
)

// errNoList is returned where the login may not read the list of artifacts, or where the host has no such list.
var errNoList = errors.New("the login may not list artifacts")

// noList warns of that.
const noList = "Harbor's API does not list artifacts to this login, so push times and manifests without a tag are unknown; " +
	`give the robot account the permission "Artifact: List"`

// noRight is a login that may not delete (https://goharbor.io/docs/main/administration/managing-users/user-permissions-by-role/).
var noRight = &registry.Kind{
	Text: "Harbor does not let this login delete",
	Advice: `give the robot account the permissions "Repository: Pull", "Artifact: List" and "Artifact: Delete" in this project, ` +
		"or use a user with the role Maintainer or Project Admin",
}

// readOnly is Harbor in maintenance.
var readOnly = &registry.Kind{
	Text:   "Harbor is in read-only mode",
	Advice: "an administrator ends the mode under Administration, Configuration, System Settings, Repository Read Only",
}

// explain says what Harbor's refusals need.
func explain(err error) error {
	var answer *registry.Error
	switch {
	case !errors.As(err, &answer):
		return err
	case answer.Status == http.StatusForbidden && strings.Contains(strings.ToLower(answer.Message), "read only"):
		return registry.Mark(err, readOnly)
	case errors.Is(err, registry.ErrForbidden):
		return registry.Mark(err, noRight)
	}
	return err
}

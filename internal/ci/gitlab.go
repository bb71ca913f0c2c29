package ci

import (
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// gitlabImage is the variable in which GitLab names the project's own repository
// (https://docs.gitlab.com/ci/variables/predefined_variables/). Nobody else uses the name, so it counts wherever it is
// set.
const gitlabImage = "CI_REGISTRY_IMAGE"

// gitlab reads the project's own repository.
func gitlab(getenv func(string) string) ([]oci.Pushed, error) {
	value, source, ok := first(getenv, gitlabImage)
	if !ok {
		return nil, nil
	}
	return parseAll(source, "", []string{value})
}

// gitlabTags are the tags that GitLab's pipelines push by habit, after the branch, the commit and the release. They are
// assumed in each repository, because images may stand below CI_REGISTRY_IMAGE too. A git tag that is no image tag
// cannot have been pushed.
func gitlabTags(getenv func(string) string) []oci.Pushed {
	var out []oci.Pushed
	for _, variable := range []string{"CI_COMMIT_REF_SLUG", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_SHA", "CI_COMMIT_TAG"} {
		if tag := strings.TrimSpace(getenv(variable)); isTag(tag) {
			out = append(out, oci.Pushed{Reference: oci.Reference{Tag: tag}, Source: variable, Assumed: true})
		}
	}
	return out
}

package ci

import (
	"fmt"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

var gitlab = kind{
	name: GitLab, found: says("GITLAB_CI"), page: page("CI_JOB_URL"), // gitlab-ci-local sets GITLAB_CI to "false"
	artifacts: "/artifacts/browse", pullRequests: ofGitLab,
	mermaid: true, // https://docs.gitlab.com/user/markdown/#mermaid
	// https://gitlab.com/gitlab-org/gitlab-runner/-/merge_requests/3906
	grace: 10 * time.Second,
	// https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
	section: section{
		open: func(title string, now time.Time) string {
			return fmt.Sprintf("\x1b[0Ksection_start:%d:%s\r\x1b[0K%s\n", now.Unix(), sectionName, title)
		},
		close: func(now time.Time) string {
			return fmt.Sprintf("\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", now.Unix(), sectionName)
		},
	},
	// https://docs.gitlab.com/ci/variables/predefined_variables/
	jobs: parallelJobs{index: "CI_NODE_INDEX", total: "CI_NODE_TOTAL", first: 1, different: ofMatrix},
}

// sectionName is the name of the one section; GitLab takes letters, digits, "_", "." and "-".
const sectionName = "regsweep"

// ofMatrix reports whether a job is one of GitLab's parallel:matrix. Those are numbered too, but they are different
// jobs, not parts of one. Their names end with their values in brackets
// (https://docs.gitlab.com/ci/yaml/#parallelmatrix). gitlab-ci-local puts the numbers of parts into brackets too.
func ofMatrix(vars variables, index, total string) bool {
	job := vars("CI_JOB_NAME")
	return strings.HasSuffix(job, "]") && strings.Contains(job, ": [") && !strings.HasSuffix(job, ": ["+index+"/"+total+"]")
}

// gitlabImage is the variable in which GitLab names the project's own repository
// (https://docs.gitlab.com/ci/variables/predefined_variables/). Nobody else uses the name, so it counts wherever it is
// set.
const gitlabImage = "CI_REGISTRY_IMAGE"

// gitlabRepository reads the project's own repository.
func gitlabRepository(getenv func(string) string) ([]oci.Pushed, error) {
	value, source, ok := first(getenv, gitlabImage)
	if !ok {
		return nil, nil
	}
	return parseAll(source, "", []string{value})
}

// gitlabTags are the tags that GitLab's pipelines push by habit, after the branch, the commit and the release. They are
// assumed in each repository, because images may stand below CI_REGISTRY_IMAGE too. A git tag that is not an image tag
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

// Credential returns the login that the CI system itself hands to a job for a registry, and the variable that holds
// the user name. That is GitLab's, for the host that is exactly CI_REGISTRY: its CI_REGISTRY_PASSWORD is the job token,
// which may delete in the job's own project
// (https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/) and is nobody
// else's business.
func Credential(getenv func(string) string, host string) (username, password, source string, ok bool) {
	username, password = getenv("CI_REGISTRY_USER"), getenv("CI_REGISTRY_PASSWORD")
	if host == "" || username == "" || password == "" || !strings.EqualFold(host, getenv("CI_REGISTRY")) {
		return "", "", "", false
	}
	return username, password, "CI_REGISTRY_USER and CI_REGISTRY_PASSWORD", true
}

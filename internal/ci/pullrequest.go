package ci

import (
	"github.com/regsweep/regsweep/internal/oci"
)

// pullRequests is how a system tells the builds of pull requests. Such builds usually make images and do not push them,
// because what they build is not reviewed yet, and the tools before this one name those images all the same: the template
// that docker shows sets push to false there (https://github.com/docker/build-push-action), and docker/metadata-action goes
// on.
type pullRequests struct {
	// is tells by the environment that this is such a build; nil where it is not known how.
	is func(variables) bool
	// name is what the system calls them.
	name string
	// cure leaves such builds out.
	cure string
}

// ofActions are those of GitHub and of the systems that run its workflows
// (https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request).
var ofActions = pullRequests{
	is: func(v variables) bool {
		event := v("GITHUB_EVENT_NAME")
		return event == "pull_request" || event == "pull_request_target"
	},
	name: "pull request",
	cure: "add if: github.event_name != 'pull_request' to this step",
}

// ofGitLab are GitLab's merge requests (https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/).
var ofGitLab = pullRequests{
	is:   func(v variables) bool { return v("CI_PIPELINE_SOURCE") == "merge_request_event" },
	name: "merge request",
	cure: `begin the rules of this job with if: $CI_PIPELINE_SOURCE == "merge_request_event" and when: never`,
}

// doubt is what speaks against what this pipeline is said to have pushed.
func (s System) doubt(getenv func(string) string) oci.Doubt {
	p := s.kind().pullRequests
	if p.is == nil || !p.is(getenv) {
		return oci.Doubt{}
	}
	return oci.Doubt{
		Why:  "this is a build of a " + p.name + ", and those usually do not push",
		Cure: p.cure + "; if this build pushes, check that it was successful and went to this repository",
	}
}

// Absent returns what helps where the registry does not know a repository, or has nothing in it; "" when the environment
// says nothing of that.
func (s System) Absent(getenv func(string) string, r oci.Repository) string {
	if doubt := s.doubt(getenv); doubt.Why != "" {
		return doubt.Why + ": " + doubt.Cure
	}
	own, err := gitlabRepository(getenv)
	if err != nil || len(own) == 0 || !own[0].Same(r) {
		return ""
	}
	return "are the project's images below it? name them, such as $" + gitlabImage + "/web or '" + r.String() + "/**'"
}

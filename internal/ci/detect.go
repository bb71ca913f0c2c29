// Package ci knows the CI systems: which one a run is in, the inputs that it hands over, the images that the pipeline
// has just pushed, the login for its own registry, and the places where it shows results. The environment is passed
// in as a function, so that a run can be described completely in a test.
package ci

import (
	"fmt"
	"net/url"
	"strings"
)

// The names of the CI systems, as --ci takes them.
const (
	Forgejo    = "forgejo"
	Gitea      = "gitea"
	GitHub     = "github"
	GitLab     = "gitlab"
	Azure      = "azure"
	Buildkite  = "buildkite"
	CircleCI   = "circleci"
	Woodpecker = "woodpecker"
	Drone      = "drone"
	Jenkins    = "jenkins"
	Tekton     = "tekton"
	None       = "none"
)

// systems are the CI systems in the order of detection, the most specific first: Forgejo and Gitea also say that they
// are GitHub (https://github.com/watson/ci-info/issues/113 shows such an environment), and act, which runs GitHub's
// workflows on a desk, counts as GitHub. Jenkins is last of those that are detected, because a job elsewhere that only
// talks to a Jenkins may have its URL too. CI=true alone says nothing. Most of the variables are in ci-info's table
// (https://github.com/watson/ci-info/blob/master/vendors.json).
var systems = []struct {
	name  string
	found func(vars variables) bool // nil: nothing in the environment tells it
	page  func(vars variables) string
}{
	{Forgejo, says("FORGEJO_ACTIONS"), runPage("GITHUB_RUN_NUMBER")}, // its pages count runs by repository: https://codeberg.org/forgejo/forgejo/issues/611
	{Gitea, says("GITEA_ACTIONS"), runPage("GITHUB_RUN_ID")},
	{GitHub, func(v variables) bool { return v.says("ACT") || v.says("GITHUB_ACTIONS") }, runPage("GITHUB_RUN_ID")},
	{GitLab, says("GITLAB_CI"), page("CI_JOB_URL")}, // gitlab-ci-local sets it to "false"
	{Azure, says("TF_BUILD"), azurePage},
	{Buildkite, says("BUILDKITE"), page("BUILDKITE_BUILD_URL")},
	{CircleCI, says("CIRCLECI"), page("CIRCLE_BUILD_URL")},
	// https://woodpecker-ci.org/docs/usage/environment: CI is its name. Its older versions say that they are Drone too.
	{Woodpecker, func(v variables) bool { return v("CI") == "woodpecker" }, page("CI_PIPELINE_URL")},
	{Drone, says("DRONE"), page("DRONE_BUILD_LINK")},
	{Jenkins, inJenkins, page("BUILD_URL")},
	// A step of Tekton has no variable that tells it (https://tekton.dev/docs/pipelines/tasks/).
	{Tekton, nil, nil},
	{None, nil, nil},
}

// variables is an environment.
type variables func(string) string

func (v variables) says(name string) bool { return strings.EqualFold(v(name), "true") }

func says(name string) func(variables) bool { return func(v variables) bool { return v.says(name) } }

func page(name string) func(variables) string { return func(v variables) string { return v(name) } }

// inJenkins also knows a Jenkins whose administrator has not configured its URL.
func inJenkins(v variables) bool {
	return v("JENKINS_URL") != "" || (v("JENKINS_HOME") != "" && v("BUILD_NUMBER") != "")
}

func runPage(number string) func(variables) string {
	return func(v variables) string {
		server, repository, run := v("GITHUB_SERVER_URL"), v("GITHUB_REPOSITORY"), v(number)
		if server == "" || repository == "" || run == "" {
			return ""
		}
		return strings.TrimRight(server, "/") + "/" + repository + "/actions/runs/" + run
	}
}

// azurePage makes the address of a build
// (https://learn.microsoft.com/azure/devops/pipelines/build/variables); a project's name may have spaces.
func azurePage(v variables) string {
	server, project, build := v("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"), v("SYSTEM_TEAMPROJECT"), v("BUILD_BUILDID")
	if server == "" || project == "" || build == "" {
		return ""
	}
	return strings.TrimRight(server, "/") + "/" + url.PathEscape(project) + "/_build/results?buildId=" + url.QueryEscape(build)
}

// Names are all the names that --ci takes, in the order of detection.
func Names() []string {
	var out []string
	for _, s := range systems {
		out = append(out, s.name)
	}
	return out
}

// System is the CI system that a run is in.
type System struct {
	// Name is one of [Names].
	Name string
	// BuildURL is the page of this build; "" when the system does not say it.
	BuildURL string
	// Actions is true on GitHub and those that run its workflows: they read step summaries, outputs and annotations,
	// so [AppendSummary] and [WriteOutputs] have a reader.
	Actions bool
}

// Detect tells the CI system from the environment. A non-empty override is the answer whatever the environment says; an
// unknown one is an error that lists those that are known.
func Detect(getenv func(string) string, override string) (System, error) {
	for _, s := range systems {
		switch {
		case override != "" && override != s.name:
		case override == "" && s.name != None && (s.found == nil || !s.found(getenv)):
		default:
			out := System{Name: s.name, Actions: s.name == GitHub || s.name == Gitea || s.name == Forgejo}
			if s.page != nil {
				out.BuildURL = s.page(getenv)
			}
			return out, nil
		}
	}
	return System{}, fmt.Errorf("detect CI: unknown system %q (one of %s)", override, strings.Join(Names(), ", "))
}

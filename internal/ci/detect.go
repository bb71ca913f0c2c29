// Package ci knows the CI systems: which one a run is in, the inputs that it hands over, the images that the pipeline
// has just pushed, the login for its own registry, and the places where it shows results. The environment is passed
// in as a function, so that a run can be described completely in a test.
package ci

import (
	"fmt"
	"slices"
	"strings"
)

// The names of the CI systems, as --ci takes them.
const (
	Forgejo = "forgejo"
	Gitea   = "gitea"
	GitHub  = "github"
	GitLab  = "gitlab"
	Jenkins = "jenkins"
	None    = "none"
)

// Names are all the names that --ci takes, in the order of detection.
func Names() []string { return []string{Forgejo, Gitea, GitHub, GitLab, Jenkins, None} }

// System is the CI system that a run is in.
type System struct {
	// Name is one of [Names].
	Name string
	// BuildURL is the page of this build; "" when the system does not say it.
	BuildURL string
	// Actions is true on GitHub and those that run its workflows: they read step summaries, outputs and annotations,
	// so [AppendSummary], [WriteOutputs] and [Annotate] have a reader.
	Actions bool
}

// Detect tells the CI system from the environment, the most specific first: Forgejo and Gitea also say that they are
// GitHub (https://github.com/watson/ci-info/issues/113 shows such an environment), and act, which runs GitHub's
// workflows on a desk, counts as GitHub. A non-empty override is the answer whatever the environment says; an unknown
// one is an error.
func Detect(getenv func(string) string, override string) (System, error) {
	name := override
	switch {
	case name == "":
		name = detect(getenv)
	case !slices.Contains(Names(), name):
		return System{}, fmt.Errorf("detect CI: unknown system %q (one of %s)", name, strings.Join(Names(), ", "))
	}
	s := System{Name: name, BuildURL: buildURL(getenv, name)}
	s.Actions = name == GitHub || name == Gitea || name == Forgejo
	return s, nil
}

func detect(getenv func(string) string) string {
	says := func(variable string) bool { return strings.EqualFold(getenv(variable), "true") }
	switch {
	case says("FORGEJO_ACTIONS"):
		return Forgejo
	case says("GITEA_ACTIONS"):
		return Gitea
	case says("ACT"), says("GITHUB_ACTIONS"):
		return GitHub
	case says("GITLAB_CI"): // gitlab-ci-local sets it to "false"
		return GitLab
	case getenv("JENKINS_URL") != "", getenv("JENKINS_HOME") != "" && getenv("BUILD_NUMBER") != "":
		return Jenkins // JENKINS_URL is unset until an administrator has configured it
	}
	return None
}

func buildURL(getenv func(string) string, name string) string {
	switch name {
	case GitHub, Gitea:
		return runURL(getenv, "GITHUB_RUN_ID")
	case Forgejo:
		// Its pages count runs by repository: https://codeberg.org/forgejo/forgejo/issues/611.
		return runURL(getenv, "GITHUB_RUN_NUMBER")
	case GitLab:
		return getenv("CI_JOB_URL")
	case Jenkins:
		return getenv("BUILD_URL")
	}
	return ""
}

func runURL(getenv func(string) string, variable string) string {
	server, repository, run := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), getenv(variable)
	if server == "" || repository == "" || run == "" {
		return ""
	}
	return strings.TrimRight(server, "/") + "/" + repository + "/actions/runs/" + run
}

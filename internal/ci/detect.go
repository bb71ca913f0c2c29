// Package ci knows the CI systems: which one a run is in, the inputs that it hands over, the images that the pipeline
// has just pushed, the login for its own registry, and the places where it shows results. The environment is passed
// in as a function, so that a run can be described completely in a test.
package ci

import (
	"fmt"
	"io"
	"strings"
	"time"
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

// kind is one CI system. A field is nil, or its zero value, where the system has nothing of that.
type kind struct {
	name string
	// found tells by the environment that a run is in it.
	found func(variables) bool
	// page is the address of this build; "" when the environment does not say it.
	page func(variables) string
	// mermaid is true where the system draws diagrams of Mermaid in the Markdown of its pages.
	mermaid bool
	// artifacts follows the address of a build where another page lists the files that it keeps.
	artifacts string

	// annotate shows a message on the page of the run.
	annotate func(w io.Writer, level Level, title, message string) error
	// section begins and ends a part of the log.
	section section
	// debug makes a line that the system shows only to somebody who has asked for more; "" when nobody has.
	debug func(vars variables, text string) string
	// publish shows a run and hands its numbers to later steps. It returns an error for each place that it did not reach.
	publish func(w io.Writer, vars variables, markdown Markdown, o Outputs) []error

	// grace is how long a job that is cancelled has to end by itself, before its processes are killed.
	grace time.Duration

	// pullRequests are its builds that usually do not push.
	pullRequests pullRequests

	// inputs is what its users call the inputs that name images.
	inputs string
	// images are variables that name images by habit.
	images habit
	// jobs number the jobs that run side by side.
	jobs parallelJobs
}

// kinds are the CI systems in the order of detection, the most specific first: Forgejo and Gitea also say that they
// are GitHub (https://github.com/watson/ci-info/issues/113 shows such an environment), and act, which runs GitHub's
// workflows on a desk, counts as GitHub. Jenkins is last of those that are detected, because a job elsewhere that only
// talks to a Jenkins may have its URL too. CI=true alone says nothing. Most of the variables are in ci-info's table
// (https://github.com/watson/ci-info/blob/master/vendors.json).
var kinds = []kind{
	// Forgejo's pages count runs by repository: https://codeberg.org/forgejo/forgejo/issues/611
	actions(Forgejo, says("FORGEJO_ACTIONS"), runPage("GITHUB_RUN_NUMBER")),
	actions(Gitea, says("GITEA_ACTIONS"), runPage("GITHUB_RUN_ID")),
	github,
	gitlab,
	azure,
	buildkite,
	circleCI,
	// https://woodpecker-ci.org/docs/usage/environment: CI is its name. Its older versions say that they are Drone too.
	{name: Woodpecker, found: func(v variables) bool { return v("CI") == "woodpecker" }, page: page("CI_PIPELINE_URL"), grace: 20 * time.Second}, // https://github.com/woodpecker-ci/woodpecker/pull/6475
	{name: Drone, found: says("DRONE"), page: page("DRONE_BUILD_LINK")},
	jenkins,
	{name: Tekton}, // a step of Tekton has no variable that tells it (https://tekton.dev/docs/pipelines/tasks/)
	{name: None},
}

// variables is an environment.
type variables func(string) string

func (v variables) says(name string) bool { return strings.EqualFold(v(name), "true") }

func says(name string) func(variables) bool { return func(v variables) bool { return v.says(name) } }

func page(name string) func(variables) string { return func(v variables) string { return v(name) } }

// Names are all the names that --ci takes, in the order of detection.
func Names() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.name)
	}
	return out
}

// System is the CI system that a run is in. The zero value is no CI system.
type System struct {
	// Name is one of [Names].
	Name string
	// BuildURL is the page of this build; "" when the system does not say it.
	BuildURL string
}

// Detect tells the CI system from the environment. A non-empty override is the answer whatever the environment says; an
// unknown one is an error that lists those that are known.
func Detect(getenv func(string) string, override string) (System, error) {
	for _, k := range kinds {
		detected := k.name == None || k.found != nil && k.found(getenv)
		if override != k.name && (override != "" || !detected) {
			continue
		}
		out := System{Name: k.name}
		if k.page != nil {
			out.BuildURL = k.page(getenv)
		}
		return out, nil
	}
	return System{}, fmt.Errorf("detect CI: unknown system %q (one of %s)", override, strings.Join(Names(), ", "))
}

// ArtifactsPath is what follows the address of a build where another page lists the files that it keeps; "" when there is
// no such page.
func (s System) ArtifactsPath() string { return s.kind().artifacts }

// Mermaid reports whether the system draws diagrams of Mermaid in the Markdown of its pages, such as job summaries and
// comments.
func (s System) Mermaid() bool { return s.kind().mermaid }

// kind is what is known of the system.
func (s System) kind() kind {
	for _, k := range kinds {
		if k.name == s.Name {
			return k
		}
	}
	return kind{}
}

package ci_test

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	run := func(more env) env {
		vars := env{
			"GITHUB_SERVER_URL": "https://git.example.com/", "GITHUB_REPOSITORY": "team/app",
			"GITHUB_RUN_ID": "987", "GITHUB_RUN_NUMBER": "12",
		}
		for k, v := range more {
			vars[k] = v
		}
		return vars
	}
	const byID, byNumber = "https://git.example.com/team/app/actions/runs/987", "https://git.example.com/team/app/actions/runs/12"
	for _, tt := range []struct {
		name     string
		vars     env
		override string
		want     ci.System
	}{
		{"nothing", env{}, "", ci.System{Name: ci.None}},
		{"CI=true says nothing", env{"CI": "true"}, "", ci.System{Name: ci.None}},
		{"forgejo says it is all three", run(env{"FORGEJO_ACTIONS": "true", "GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true"}), "", ci.System{ci.Forgejo, byNumber}},
		{"gitea says it is github and act", run(env{"GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true", "ACT": "true"}), "", ci.System{ci.Gitea, byID}},
		{"github", run(env{"GITHUB_ACTIONS": "true"}), "", ci.System{ci.GitHub, byID}},
		{"github without a run", env{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com"}, "", ci.System{ci.GitHub, ""}},
		{"act alone", env{"ACT": "true"}, "", ci.System{ci.GitHub, ""}},
		{"gitlab", env{"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.example.com/j/1"}, "", ci.System{ci.GitLab, "https://gitlab.example.com/j/1"}},
		{"gitlab says false", env{"GITLAB_CI": "false"}, "", ci.System{Name: ci.None}},
		{"jenkins", env{"JENKINS_URL": "https://ci/", "BUILD_URL": "https://ci/job/app/42/"}, "", ci.System{ci.Jenkins, "https://ci/job/app/42/"}},
		{"jenkins without a root URL", env{"JENKINS_HOME": "/var/jenkins_home", "BUILD_NUMBER": "42"}, "", ci.System{Name: ci.Jenkins}},
		{"a jenkins home is not a build", env{"JENKINS_HOME": "/var/jenkins_home"}, "", ci.System{Name: ci.None}},
		{"a build number is not jenkins", env{"BUILD_NUMBER": "42"}, "", ci.System{Name: ci.None}},
		{"gitlab job that talks to jenkins", env{"GITLAB_CI": "true", "JENKINS_URL": "https://ci/"}, "", ci.System{Name: ci.GitLab}},
		{"azure", env{"TF_BUILD": "True", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": "https://dev.azure.com/acme/", "SYSTEM_TEAMPROJECT": "My App", "BUILD_BUILDID": "7"}, "", ci.System{ci.Azure, "https://dev.azure.com/acme/My%20App/_build/results?buildId=7"}},
		{"azure without a project", env{"TF_BUILD": "True"}, "", ci.System{Name: ci.Azure}},
		{"buildkite", env{"CI": "true", "BUILDKITE": "true", "BUILDKITE_BUILD_URL": "https://buildkite.com/a/b/builds/7"}, "", ci.System{ci.Buildkite, "https://buildkite.com/a/b/builds/7"}},
		{"circleci", env{"CI": "true", "CIRCLECI": "true", "CIRCLE_BUILD_URL": "https://circleci.com/gh/a/b/7"}, "", ci.System{ci.CircleCI, "https://circleci.com/gh/a/b/7"}},
		{"drone", env{"CI": "true", "DRONE": "true", "DRONE_BUILD_LINK": "https://drone.example.com/a/b/7"}, "", ci.System{ci.Drone, "https://drone.example.com/a/b/7"}},
		{"woodpecker", env{"CI": "woodpecker", "CI_PIPELINE_URL": "https://ci.example.com/repos/1/pipeline/7"}, "", ci.System{ci.Woodpecker, "https://ci.example.com/repos/1/pipeline/7"}},
		{"woodpecker says it is drone", env{"CI": "woodpecker", "DRONE": "true"}, "", ci.System{Name: ci.Woodpecker}},
		{"tekton says nothing", env{}, "tekton", ci.System{Name: ci.Tekton}},
		{"a job of buildkite that talks to jenkins", env{"BUILDKITE": "true", "JENKINS_URL": "https://ci/"}, "", ci.System{Name: ci.Buildkite}},
		{"override", run(env{"GITHUB_ACTIONS": "true"}), "gitlab", ci.System{Name: ci.GitLab}},
		{"override with none", run(env{"GITHUB_ACTIONS": "true"}), "none", ci.System{Name: ci.None}},
		{"override with github", env{}, "github", ci.System{ci.GitHub, ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ci.Detect(environment(tt.vars), tt.override)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestDetectUnknownName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"travis", "GitHub", " "} {
		_, err := ci.Detect(environment(env{"GITHUB_ACTIONS": "true"}), name)
		if err == nil {
			t.Fatalf("%q: no error", name)
		}
		for _, valid := range ci.Names() {
			if !strings.Contains(err.Error(), valid) {
				t.Errorf("%q: the error does not name %s: %v", name, valid, err)
			}
		}
	}
}

// TestMermaid holds which systems draw diagrams in the Markdown that they show.
func TestMermaid(t *testing.T) {
	t.Parallel()
	for _, name := range ci.Names() {
		if got, want := (ci.System{Name: name}).Mermaid(), name == ci.GitHub || name == ci.GitLab; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

package ci

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// What a build of a pull request is said to have pushed is in doubt, on the systems that tell such builds.
func TestPullRequestsAreInDoubt(t *testing.T) {
	t.Parallel()
	github := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request"}
	for name, c := range map[string]struct {
		env  map[string]string
		want []string // parts of the doubt; none: nothing is in doubt
	}{
		"GitHub":              {github, []string{"build of a pull request", "github.event_name != 'pull_request'"}},
		"GitHub, of the base": {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request_target"}, []string{"build of a pull request"}},
		"Gitea":               {map[string]string{"GITEA_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request"}, []string{"build of a pull request"}},
		"Forgejo":             {map[string]string{"FORGEJO_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request"}, []string{"build of a pull request"}},
		"GitLab":              {map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "merge_request_event"}, []string{"build of a merge request", "merge_request_event", "when: never"}},
		"a push":              {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"}, nil},
		"a push to GitLab":    {map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push"}, nil},
		"nothing":             {map[string]string{"GITHUB_ACTIONS": "true"}, nil},
		"Jenkins":             {map[string]string{"JENKINS_URL": "x", "GITHUB_EVENT_NAME": "pull_request"}, nil},
		"no CI":               {map[string]string{"GITHUB_EVENT_NAME": "pull_request"}, nil},
	} {
		getenv := func(v string) string { return c.env[v] }
		system, err := Detect(getenv, "")
		if err != nil {
			t.Fatal(err)
		}
		found, err := system.Images(getenv, []string{"registry.example.com/team/app:1", "registry.example.com/team/app:2"}, Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found.Pushed {
			said := p.Doubt.Why + " " + p.Doubt.Cure
			if len(c.want) == 0 && p.Doubt != (oci.Doubt{}) {
				t.Errorf("%s: %s is in doubt: %s", name, p.Reference, said)
			}
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("%s: %s: got %q, want %q", name, p.Reference, said, want)
				}
			}
		}
		if absent := system.Absent(getenv, found.Repositories[0]); (absent == "") != (len(c.want) == 0) {
			t.Errorf("%s: an absent repository has the advice %q", name, absent)
		}
	}
}

// Where GitLab's own repository of a project has nothing, the images may be below it.
func TestImagesBelowTheProject(t *testing.T) {
	t.Parallel()
	env := map[string]string{"GITLAB_CI": "true", "CI_REGISTRY_IMAGE": "registry.example.com/group/project"}
	getenv := func(v string) string { return env[v] }
	system, err := Detect(getenv, "")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"group/project":     "$CI_REGISTRY_IMAGE/web or 'registry.example.com/group/project/**'",
		"group/project/web": "", "other": "",
	} {
		got := system.Absent(getenv, oci.Repository{Host: "registry.example.com", Path: path})
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

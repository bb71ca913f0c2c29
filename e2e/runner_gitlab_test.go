package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/doctest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// gitlab runs a pipeline in gitlab-ci-local with the shell of this machine, as a project that has the templates in it.
func gitlab(t *testing.T, r team, pipeline string, variables ...string) (log string, ok bool) {
	t.Helper()
	return gitlabAt(t, r.Host, pipeline, variables...)
}

// gitlabAt is gitlab with a registry at a host.
func gitlabAt(t *testing.T, host, pipeline string, variables ...string) (log string, ok bool) {
	t.Helper()
	return gitlabIn(t, environ(t), host, pipeline, variables...)
}

// gitlabIn is gitlabAt in an environment.
func gitlabIn(t *testing.T, env []string, host, pipeline string, variables ...string) (log string, ok bool) {
	t.Helper()
	dir := project(t, map[string]string{
		".gitlab-ci.yml":                  pipeline,
		"templates/regsweep/template.yml": file(t, "templates/regsweep/template.yml"),
		"templates/regsweep/job.yml":      file(t, "templates/regsweep/job.yml"),
	})
	args := []string{
		"--force-shell-executor", "--shell-isolation", "--no-color", "--concurrency", "1",
		"--ignore-predefined-vars", "GITLAB_CI,CI_REGISTRY,CI_REGISTRY_IMAGE",
	}
	for _, v := range append(variables, "GITLAB_CI=true", "CI_REGISTRY="+host, "CI_REGISTRY_IMAGE="+host+"/team/app") {
		args = append(args, "--variable", v)
	}
	return runIn(t, dir, env, tool(t, "gitlab-ci-local"), args...)
}

// local is a snippet of docs/ci/gitlab.md with this project in the place of the one on the reader's GitLab.
func local(snippet string) string {
	return strings.NewReplacer(
		"$CI_SERVER_FQDN/tools/regsweep/regsweep@main", "$CI_SERVER_FQDN/$CI_PROJECT_PATH/regsweep@$CI_COMMIT_SHA",
		"  - project: tools/regsweep\n    ref: main\n    file: ", "  - local: ",
	).Replace(snippet)
}

// after is a job that reads what the one before it has handed on.
const after = `
after:
  stage: .post
  needs: [NAME]
  script:
    - echo "it was $REGSWEEP_DELETED of $REGSWEEP_KEPT, exit $REGSWEEP_EXIT_CODE"
    - test -s regsweep.html -a -s regsweep.json
`

// TestRunnerGitLab runs the pipelines of all pages: the component with the job's own login, the hidden job, the
// component with the metadata of a build, and with the login of another registry.
func TestRunnerGitLab(t *testing.T) {
	t.Parallel()
	tool(t, "gitlab-ci-local")
	var pages []string
	for _, b := range blocks(t, doctest.GitLab) { // the README repeats the first of docs/ci/gitlab.md
		if !slices.Contains(pages, b.Text) && !ofBranches(b) {
			pages = append(pages, b.Text)
		}
	}
	if len(pages) != 5 { // the last one has a test of its own
		t.Fatalf("the pages have %d pipelines, the test knows 5", len(pages))
	}
	own := []string{"CI_REGISTRY_USER=gitlab-ci-token", "CI_REGISTRY_PASSWORD=job-s3cret"}
	for _, tt := range []struct {
		name, pipeline, job string
		user, password      string
		variables           []string
		tags                []string
		said                string
	}{
		{"component", pages[0], "regsweep", "gitlab-ci-token", "job-s3cret", own, []string{"b2", "b3", "b4", "b5", "b6"}, "it was 1 of 5, exit 0"},
		{"hidden job", pages[1], "prune", "gitlab-ci-token", "job-s3cret", own, []string{"b2", "b3", "b4", "b5", "b6"}, "it was 1 of 5, exit 0"},
		{
			"metadata of a build", strings.ReplaceAll(pages[2], `docker buildx build --push --tag "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA" --metadata-file build.json .`,
				`'echo "{\"image.name\":\"$CI_REGISTRY_IMAGE:b1\"}" >build.json'`), "regsweep", "gitlab-ci-token", "job-s3cret", own,
			[]string{"b1", "b2", "b3", "b4", "b5", "b6"},
			"it was 0 of 6, exit 0",
		},
		{
			"another registry", pages[3], "regsweep", "ci", "other-s3cret",
			[]string{"CI_REGISTRY=elsewhere.example", "CI_REGISTRY_IMAGE=elsewhere.example/x", "REGISTRY_EXAMPLE_PASSWORD=other-s3cret"},
			[]string{"b2", "b3", "b4", "b5", "b6"},
			"it was 1 of 5, exit 0",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newTeam(t, tt.user, tt.password)
			text := strings.ReplaceAll(local(tt.pipeline), "registry.example.com", r.Host) + strings.ReplaceAll(after, "NAME", tt.job)
			log, ok := gitlab(t, r, text, tt.variables...)
			if !ok || strings.Contains(log, "s3cret") || !strings.Contains(log, tt.said) {
				t.Errorf("the pipeline has failed, or its log has the password, or not %q:\n%s", tt.said, log)
			}
			r.has(tt.tags...)
		})
	}
}

// TestRunnerGitLabParallel runs the page's pipeline of parallel jobs: each repository is pruned by one of them, and one
// report has all.
func TestRunnerGitLabParallel(t *testing.T) {
	t.Parallel()
	tool(t, "gitlab-ci-local")
	r := newTeam(t, "ci", "other-s3cret")
	for _, path := range []string{"team/api", "team/web", "team/worker"} {
		pusher := fixture.New(r.URL, path)
		pusher.Username, pusher.Password = "ci", "other-s3cret"
		for n := range 6 {
			image := fixture.Image{Tags: []string{fmt.Sprintf("b%d", n)}, Created: time.Now().AddDate(0, 0, n-9)}
			if _, err := pusher.Image(t.Context(), image); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := strings.ReplaceAll(local(onPage(t, "docs/ci/gitlab.md", doctest.GitLab)[4]), "registry.example.com", r.Host)
	text += `
after:
  stage: .post
  needs: [report]
  script:
    - cat regsweep.md
`
	log, ok := gitlab(t, r, text, "CI_REGISTRY=elsewhere.example", "CI_REGISTRY_IMAGE=elsewhere.example/x", "REGISTRY_EXAMPLE_PASSWORD=other-s3cret")
	if !ok || strings.Contains(log, "s3cret") {
		t.Errorf("the pipeline has failed, or its log has the password:\n%s", log)
	}
	for _, want := range []string{"shard 1/3 (from CI_NODE_INDEX", "shard 3/3 (from CI_NODE_INDEX", "### 4 repositories: deleted 4 images, kept 20"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	r.has("b2", "b3", "b4", "b5", "b6")
}

// TestRunnerGitLabRefusal holds that a refusal fails the pipeline, with its reports kept.
func TestRunnerGitLabRefusal(t *testing.T) {
	t.Parallel()
	tool(t, "gitlab-ci-local")
	r := newTeam(t, "", "")
	log, _ := gitlab(t, r, local(onPage(t, "docs/ci/gitlab.md", doctest.GitLab)[0])+"      pushed: $CI_REGISTRY_IMAGE:b9\n")
	// gitlab-ci-local takes a job with allow_failure: exit_codes for one that may fail; its verdict on the job is right
	for _, want := range []string{"but the repository does not have this tag", "regsweep exported artifacts", "FAIL  regsweep"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	r.has("b1", "b2", "b3", "b4", "b5", "b6")
}

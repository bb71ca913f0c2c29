package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// sixBuilds pushes b1 to b6, the last the newest, with an untagged manifest that b6 has left behind.
func sixBuilds(p fixture.Tester) {
	for n := 1; n <= 6; n++ {
		p.Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", n)}, Created: time.Now().AddDate(0, 0, n-9)})
	}
	p.Image(fixture.Image{Seed: "overwritten", Created: time.Now().AddDate(0, 0, -30)})
}

// left fails the test unless a fake has the tags b5 and b6 alone, and really deleted four images.
func left(t *testing.T, log string, deleted []vendors.Deletion, tags []string) {
	t.Helper()
	if len(deleted) != 4 || !slices.Equal(tags, []string{"b5", "b6"}) {
		t.Errorf("deleted are %v, and the tags %v are left:\n%s", deleted, tags, log)
	}
}

// TestRunnerActGHCR runs the action on GHCR: the login of docker/login-action is all that it needs.
func TestRunnerActGHCR(t *testing.T) {
	t.Parallel()
	tool(t, "act")
	const path = "acme/team/app"
	f := vendors.NewGHCR(t, vendors.GHCROptions{
		Server: "github.example.com",
		Tokens: []vendors.GHCRToken{{Secret: "s3cret", Login: "octocat", Scopes: []string{"write:packages", "read:packages", "delete:packages"}}},
	})
	sixBuilds(f.Pusher(t, path))
	workflow := strings.ReplaceAll(`name: ghcr
on: push
permissions: {packages: write}
jobs:
  prune:
    runs-on: ubuntu-latest
    steps:
      - uses: docker/login-action@v4
        with:
          registry: HOST
          username: octocat
          password: ${{ secrets.PACKAGES_TOKEN }}
      - uses: regsweep/regsweep@main
        with:
          images: HOST/acme/team/app
          registry-kind: ghcr
          keep-last: 2
`, "HOST", f.Host())
	log, ok := act(t, map[string]string{".github/workflows/workflow.yml": workflow}, "--github-instance", f.Host())
	if !ok || strings.Contains(log, "s3cret") || !strings.Contains(log, "deleted 4 images, kept 2") {
		t.Errorf("the job has failed, or its log has the token:\n%s", log)
	}
	left(t, log, f.Deleted(), slices.Sorted(maps.Keys(f.Tags(path))))
}

// TestRunnerGitLabRegistry runs the component on GitLab's own registry with its metadata database, with the job's login.
func TestRunnerGitLabRegistry(t *testing.T) {
	t.Parallel()
	tool(t, "gitlab-ci-local")
	const path = "team/app"
	f := vendors.NewGitLab(t, vendors.GitLabOptions{Logins: []vendors.Login{vendors.JobToken(path, "job-s3cret")}})
	sixBuilds(f.Pusher(t, path))
	pipeline := `include:
  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/regsweep@$CI_COMMIT_SHA
    inputs:
      keep-last: "2"
`
	log, ok := gitlabAt(t, f.Host(), pipeline, "CI_REGISTRY_USER=gitlab-ci-token", "CI_REGISTRY_PASSWORD=job-s3cret")
	if !ok || strings.Contains(log, "s3cret") || !strings.Contains(log, "deleted 4 images, kept 2") {
		t.Errorf("the pipeline has failed, or its log has the password:\n%s", log)
	}
	left(t, log, f.Deleted(), slices.Sorted(maps.Keys(f.Tags(path))))
}

// TestRunnerJenkinsECR runs a stage on Amazon ECR with the keys that Jenkins' credentials bring.
func TestRunnerJenkinsECR(t *testing.T) {
	t.Parallel()
	needs(t, "groovy")
	f := vendors.NewECR(t, vendors.ECROptions{})
	const path = "team/app"
	sixBuilds(f.Pusher(t, path))
	keys := f.UserKeys()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := project(t, map[string]string{"Jenkinsfile": `pipeline {
  agent any
  stages {
    stage('Prune') {
      steps {
        withCredentials([usernamePassword(credentialsId: 'aws', usernameVariable: 'AWS_ACCESS_KEY_ID', passwordVariable: 'AWS_SECRET_ACCESS_KEY')]) {
          sh 'regsweep "$HOST/team/app" --registry-kind ecr --keep-last 2'
        }
      }
    }
  }
}
`})
	env := environ(t, "JENKINS_URL=https://ci.example.com/", "BUILD_NUMBER=6", "HOST="+f.Host(), "AWS_REGION=eu-west-1",
		"STAND_IN_CREDENTIALS=aws="+keys.AccessKeyID+":"+keys.SecretAccessKey, "JAVA_HOME="+toolchain()["JAVA_HOME"], "PATH="+program+":"+os.Getenv("PATH"))
	log, ok := runIn(t, dir, env, "groovy", root+"/testdata/jenkins/stand-in.groovy", "Jenkinsfile", root+"/../vars")
	if !ok || strings.Contains(log, keys.SecretAccessKey) || !strings.Contains(log, "deleted 4 images, kept 2") {
		t.Errorf("the stage has failed, or its log has the key:\n%s", log)
	}
	left(t, log, f.Deleted(), slices.Sorted(maps.Keys(f.Tags(path))))
}

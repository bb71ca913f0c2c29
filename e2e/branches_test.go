package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/doctest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// origin is a git repository on a server.
type origin struct {
	dir  string
	home string // a home in which git finds the repository by its address
	t    *testing.T
}

// newOrigin makes a repository with a commit that all refs point to.
func newOrigin(t *testing.T, refs ...string) origin {
	t.Helper()
	o := origin{filepath.Join(t.TempDir(), "app.git"), t.TempDir(), t}
	work := project(t, map[string]string{"README.md": "app\n"})
	o.git("init", "-q", "--bare", "-b", "main", o.dir)
	push := []string{"-C", work, "push", "-q", o.dir}
	for _, ref := range refs {
		push = append(push, "main:"+ref)
	}
	o.git(push...)
	config := fmt.Sprintf("[url %q]\n\tinsteadOf = git@git.example.com:team/app.git\n[safe]\n\tdirectory = *\n", o.dir)
	if err := os.WriteFile(filepath.Join(o.home, ".gitconfig"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o origin) git(args ...string) string {
	o.t.Helper()
	out, ok := runIn(o.t, o.t.TempDir(), os.Environ(), "git", args...)
	if !ok {
		o.t.Fatalf("git %s: %s", args[0], out)
	}
	return out
}

// environ is the environment of a runner that reaches the repository, with programs of these texts.
func (o origin) environ(programs map[string]string, more ...string) []string {
	o.t.Helper()
	bin := o.t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			o.t.Fatal(err)
		}
	}
	out := slices.DeleteFunc(environ(o.t, more...), func(e string) bool { return strings.HasPrefix(e, "HOME=") || strings.HasPrefix(e, "PATH=") })
	return append(out, "HOME="+o.home, "PATH="+strings.Join([]string{bin, program, os.Getenv("PATH")}, string(os.PathListSeparator)))
}

// blockOfBranches is the block of a kind on a page that asks which branches or pull requests exist.
func blockOfBranches(t *testing.T, page string, kind doctest.Kind) string {
	t.Helper()
	var out []string
	for _, b := range blocks(t, kind) {
		if b.Page == page && ofBranches(b) {
			out = append(out, b.Text)
		}
	}
	if len(out) != 1 {
		t.Fatalf("%s has %d such blocks, want one", page, len(out))
	}
	return out[0]
}

// TestRunnerBranchesGitHub runs the workflow of docs/branches.md on both of its events: the images of branches that are
// gone and of pull requests that are closed go.
func TestRunnerBranchesGitHub(t *testing.T) {
	t.Parallel()
	tool(t, "act")
	text := blockOfBranches(t, "docs/branches.md", doctest.Action)
	gh := `test "$*" = "pr list --limit 10000 --json number --jq .[].number" && echo 12 && echo 14`
	for _, event := range []string{"schedule", "delete"} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			r := newTeam(t, "ci", "s3cret")
			for _, tag := range []string{"main-1a2b3c4", "feature-login-2b3c4d5", "old-3c4d5e6", "old-4d5e6f7", "pr-12-5e6f7a8", "pr-13-6f7a8b9"} {
				r.push(tag, 1)
			}
			o := newOrigin(t, "refs/heads/main", "refs/heads/feature/login", "refs/tags/v1.0.0", "refs/pull/12/head", "refs/pull/13/head")
			payload := `{"ref": "old", "ref_type": "branch", "repository": {"default_branch": "main"}}`
			log, ok := actOn(t, event, o.environ(map[string]string{"gh": gh}), map[string]string{
				".github/workflows/workflow.yml": strings.ReplaceAll(text, "registry.example.com", r.Host), "event.json": payload,
			}, "--eventpath", "event.json")
			if !ok || strings.Contains(log, "s3cret") {
				t.Errorf("the job has failed, or its log has the password:\n%s", log)
			}
			r.has("b2", "b3", "b4", "b5", "b6", "feature-login-2b3c4d5", "main-1a2b3c4", "pr-12-5e6f7a8")
		})
	}
}

// TestRunnerPullRequest runs the workflow of docs/ci/github.md for a closed pull request, which has at most eight lines.
func TestRunnerPullRequest(t *testing.T) {
	t.Parallel()
	tool(t, "act")
	text := blockOfBranches(t, "docs/ci/github.md", doctest.Action)
	if n := strings.Count(text, "\n"); n > 8 {
		t.Errorf("the workflow has %d lines, more than 8", n)
	}
	r := newTeam(t, "ci", "s3cret")
	for _, tag := range []string{"pr-1", "pr-12", "pr-12-5e6f7a8", "pr-123", "pr-123-6f7a8b9"} {
		r.push(tag, 0)
	}
	o := newOrigin(t, "refs/heads/main")
	payload := `{"action": "closed", "number": 12, "pull_request": {"number": 12, "merged": true, "head": {"ref": "feature/login"}, "base": {"ref": "main"}}}`
	files := map[string]string{".github/workflows/workflow.yml": strings.ReplaceAll(text, "registry.example.com", r.Host), "event.json": payload}
	log, ok := actOn(t, "pull_request", o.environ(nil), files, "--eventpath", "event.json")
	masked := regexp.MustCompile(`(?m)^.*"command":"add-mask".*$`).ReplaceAllString(log, "")
	if !ok || strings.Contains(masked, "s3cret") || !strings.Contains(log, "deleted 2 images, kept 9") {
		t.Errorf("the job has failed, or its log has the password:\n%s", log)
	}
	r.has("b1", "b2", "b3", "b4", "b5", "b6", "pr-1", "pr-123", "pr-123-6f7a8b9")
}

// TestRunnerBranchesGitLab runs the pipeline of docs/branches.md as a schedule does.
func TestRunnerBranchesGitLab(t *testing.T) {
	t.Parallel()
	tool(t, "gitlab-ci-local")
	r := newTeam(t, "gitlab-ci-token", "job-s3cret")
	for _, tag := range []string{"main-1a2b3c4d", "fix-a-b-2b3c4d5e", "old-3c4d5e6f", "latest-4d5e6f7a"} {
		r.push(tag, 1)
	}
	o := newOrigin(t, "refs/heads/main", "refs/heads/Fix/A_B", "refs/tags/v1.0.0")
	log, ok := gitlabIn(t, o.environ(nil), r.Host, local(blockOfBranches(t, "docs/branches.md", doctest.GitLab)),
		"CI_REGISTRY_USER=gitlab-ci-token", "CI_REGISTRY_PASSWORD=job-s3cret", "CI_PIPELINE_SOURCE=schedule")
	if !ok || strings.Contains(log, "s3cret") {
		t.Errorf("the pipeline has failed, or its log has the password:\n%s", log)
	}
	r.has("b2", "b3", "b4", "b5", "b6", "fix-a-b-2b3c4d5e", "latest-4d5e6f7a", "main-1a2b3c4d")
}

// TestRunnerBranchesJenkins runs the pipeline of docs/branches.md on the stand-in for Jenkins.
func TestRunnerBranchesJenkins(t *testing.T) {
	t.Parallel()
	needs(t, "groovy")
	r := newTeam(t, "ci", "s3cret")
	for _, tag := range []string{"main-7", "feature-login-8", "old-9", "feature-2Flogin-10"} {
		r.push(tag, 1)
	}
	o := newOrigin(t, "refs/heads/main", "refs/heads/feature/login")
	text := strings.ReplaceAll(blockOfBranches(t, "docs/branches.md", doctest.Jenkins), "registry.example.com", r.Host)
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	env := o.environ(nil, "JENKINS_URL=https://ci.example.com/", "BUILD_NUMBER=11", "BRANCH_NAME=main", "STAND_IN_CREDENTIALS=registry-creds=ci:s3cret", "JAVA_HOME="+toolchain()["JAVA_HOME"])
	out, ok := runIn(t, project(t, map[string]string{"Jenkinsfile": text}), env, "groovy", root+"/testdata/jenkins/stand-in.groovy", "Jenkinsfile", root+"/../vars")
	if !ok || strings.Contains(out, "s3cret") {
		t.Errorf("the pipeline has failed, or its log has the password:\n%s", out)
	}
	r.has("b2", "b3", "b4", "b5", "b6", "feature-2Flogin-10", "feature-login-8", "main-7")
}

// branchName and its forms in tags are those of a team that has used three CI systems one after another.
func branchName(n int) string {
	return fmt.Sprintf([]string{"feature/login-%03d", "Fix_Bug.%03d", "dependabot/npm_and_yarn/packages/web-%03d/a-module-with-a-name-that-is-too-long-for-a-slug", "renovate/(all)/%03d"}[n%4], n)
}

var (
	notInTags = regexp.MustCompile(`[^a-zA-Z0-9._-]+`) // https://github.com/docker/metadata-action/blob/master/src/meta.ts
	notInSlug = regexp.MustCompile(`[^a-z0-9]`)        // https://docs.gitlab.com/ci/variables/predefined_variables/
)

// tagName is what a CI system makes of a branch.
func tagName(branch string, ci int) string {
	switch ci {
	case 0: // docker/metadata-action
		return notInTags.ReplaceAllString(branch, "-")
	case 1: // GitLab's CI_COMMIT_REF_SLUG
		slug := notInSlug.ReplaceAllString(strings.ToLower(branch), "-")
		return strings.Trim(slug[:min(63, len(slug))], "-")
	}
	return notInTags.ReplaceAllString(strings.ReplaceAll(branch, "/", "%2F"), "-") // Jenkins' JOB_NAME, cleaned
}

// TestBranchesOfALargeRepository prunes a repository of 3,000 tags in 120 branches, 100 of which a real git repository
// does not have any more. Exactly the images of the gone branches go, but for those that a live branch has as well.
func TestBranchesOfALargeRepository(t *testing.T) {
	t.Parallel()
	const branches, gone, builds, tags, shared = 120, 100, 5, 5, 5
	var refs, want []string
	var images []fixture.Image
	for n := range branches {
		refs = append(refs, "refs/heads/"+branchName(n))
		for build := range builds {
			i := fixture.Image{Created: time.Now().AddDate(0, 0, -build), Size: 64}
			for tag := range tags {
				i.Tags = append(i.Tags, fmt.Sprintf("%s-%07x", tagName(branchName(n), tag%3), (n*builds+build)*tags+tag))
			}
			promoted := n < shared && build == 0
			if promoted { // to a live branch
				i.Tags[0] = tagName(branchName(gone+n), 0) + "-fffffff"
			}
			if n >= gone || promoted {
				want = append(want, i.Tags...)
			}
			images = append(images, i)
		}
	}
	slices.Sort(want)
	o := newOrigin(t, append(refs, "refs/heads/main", "refs/pull/1/head", "refs/tags/v1.0.0")...)
	for n := range gone {
		o.git("-C", o.dir, "update-ref", "-d", "refs/heads/"+branchName(n))
	}
	list := filepath.Join(t.TempDir(), "refs.txt")
	if err := os.WriteFile(list, []byte(o.git("ls-remote", o.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		name  string
		start registries.Start
	}{{"2.8.2", registries.DockerRegistry2}, {"3.1.2", registries.Distribution3}} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := team{registries.ForTest(t, r.start, registries.Options{}), nil, t}
			if _, err := fixture.New(s.URL, "team/app").Images(t.Context(), images); err != nil {
				t.Fatal(err)
			}
			args := []string{s.Host + "/team/app", "--group-by", "^(.+)-[0-9a-f]{7}$", "--keep-last", fmt.Sprint(builds + 1), "--live", list}
			out, ok := runIn(t, t.TempDir(), environ(t), filepath.Join(program, "regsweep"), args...)
			if said := fmt.Sprintf("deleted %d images, kept %d, failed 0", gone*builds-shared, (branches-gone)*builds+shared); !ok || !strings.Contains(out, said) {
				t.Errorf("no %q in\n%s", said, out)
			}
			s.has(want...)
		})
	}
}

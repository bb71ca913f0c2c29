package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// gitlabJob is what the tests look at in a job of GitLab.
type gitlabJob struct {
	Variables     map[string]string
	Script        []string
	ResourceGroup string `yaml:"resource_group"`
	Artifacts     struct {
		ExposeAs string `yaml:"expose_as"`
		Paths    []string
		Reports  map[string]string
	}
}

// gitlabFile reads a template: the inputs in its head, where it has one, and its only job.
func gitlabFile(t *testing.T, path string) (inputs yaml.MapSlice, job gitlabJob) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var head struct {
			Spec struct{ Inputs yaml.MapSlice }
		}
		var document map[string]any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return inputs, job
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		again, err := yaml.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if _, isHead := document["spec"]; isHead {
			if err := yaml.Unmarshal(again, &head); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			inputs = head.Spec.Inputs
			continue
		}
		var jobs map[string]gitlabJob
		if err := yaml.Unmarshal(again, &jobs); err != nil || len(jobs) != 1 {
			t.Fatalf("%s: %d jobs, %v", path, len(jobs), err)
		}
		for _, job = range jobs {
		}
	}
}

// TestGitLabArtifacts holds the two jobs to what GitLab says of artifacts that a merge request shows, which no runner
// checks: a path with a wildcard is an error, one with a variable or ./ in front is not shown
// (https://docs.gitlab.com/ci/yaml/#artifactsexpose_as, https://gitlab.com/gitlab-org/gitlab/-/issues/37129).
func TestGitLabArtifacts(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"templates/regsweep/template.yml", "templates/regsweep/job.yml"} {
		_, job := gitlabFile(t, path)
		a := job.Artifacts
		if !regexp.MustCompile(`^\w[-\w ]{0,99}$`).MatchString(a.ExposeAs) || len(a.Paths) == 0 {
			t.Errorf("%s exposes %q as %q", path, a.Paths, a.ExposeAs)
		}
		for _, p := range a.Paths {
			if strings.ContainsAny(p, "*?[$") || strings.HasPrefix(p, ".") || strings.HasPrefix(p, "/") {
				t.Errorf("%s: GitLab does not show the path %q", path, p)
			}
		}
		// What is kept is what is written, and an earlier job's is removed first.
		kept := slices.Clone(a.Paths)
		for _, report := range a.Reports {
			kept = append(kept, report)
		}
		removed := strings.Fields(strings.TrimPrefix(job.Script[0], "rm -f "))
		written := strings.Split(strings.TrimPrefix(job.Script[1], "regsweep --report "), ",")
		for _, files := range [][]string{kept, removed, written} {
			slices.Sort(files)
		}
		if !slices.Equal(kept, written) || !slices.Equal(removed, written) {
			t.Errorf("%s keeps %q, writes %q and removes %q", path, kept, written, removed)
		}
		// Jobs of a parallel: would wait for each other.
		if !strings.Contains(job.ResourceGroup, "$CI_NODE_INDEX") {
			t.Errorf("%s: all parts of a run are in the resource group %q", path, job.ResourceGroup)
		}
	}
}

// TestGitLabInputs holds the inputs of the component to its job and to the flags.
func TestGitLabInputs(t *testing.T) {
	t.Parallel()
	const path = "templates/regsweep/template.yml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inputs, job := gitlabFile(t, path)
	ofJob := []string{"job-name", "stage", "image", "rules", "git-strategy"} // GitLab's own, not the program's
	flags := pruneFlags(t)
	for _, i := range inputs {
		name := i.Key.(string)
		if !strings.Contains(string(text), "$[[ inputs."+name+" ]]") {
			t.Errorf("nothing uses the input %s", name)
		}
		if slices.Contains(ofJob, name) {
			continue
		}
		known := inputVariables[name]
		if name == "pushed" {
			known = "REGSWEEP_PUSHED"
		}
		if known == "" {
			known = variable(name)
			if !slices.Contains(flags, name) {
				t.Errorf("there is no flag for the input %s", name)
			}
		}
		if got, want := job.Variables[known], "$[[ inputs."+name+" ]]"; got != want {
			t.Errorf("%s is %q in the job, want %q", known, got, want)
		}
		delete(job.Variables, known)
	}
	delete(job.Variables, "GIT_STRATEGY")
	if len(job.Variables) > 0 {
		t.Errorf("the job has variables that are no input: %v", job.Variables)
	}
}

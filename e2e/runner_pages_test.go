package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"

	"github.com/regsweep/regsweep/internal/doctest"
)

// pipelineStep is what the pages' pipelines say about the step that prunes.
type pipelineStep struct {
	Name, Script string
	Settings     map[string]any
	Command      []string
	Args         []string
	Env          []struct{ Name, Value string }
}

// pipelines are the parts of docs/ci's other snippets that can be run without their systems: the shell commands and
// the settings. Each returns the step's environment and its script; docker and buildkite-agent are stubs.
var pipelines = map[string]func(t *testing.T, text, image, results string) (env []string, script string){
	"drone":      plugin("DRONE=true", "${DRONE_BUILD_NUMBER}"),
	"woodpecker": plugin("CI=woodpecker", "${CI_PIPELINE_NUMBER}"),
	"tekton": func(t *testing.T, text, image, results string) (env []string, script string) {
		var task struct {
			Kind string
			Spec struct {
				Results []struct{ Name string }
				Steps   []pipelineStep
			}
		}
		parse(t, text, &task)
		params := strings.NewReplacer("$(params.image)", image+":b1", "$(params.digest)", "", "$(params.keep-last)", "5", "/tekton/results", results)
		for _, v := range task.Spec.Steps[0].Env {
			env = append(env, v.Name+"="+params.Replace(v.Value))
		}
		var checks string
		for _, r := range task.Spec.Results {
			checks += fmt.Sprintf("\ntest -s %s/%s", results, r.Name)
		}
		return env, params.Replace(strings.Join(append(task.Spec.Steps[0].Command, task.Spec.Steps[0].Args...), " ")) + checks
	},
	"azure": func(t *testing.T, text, _, _ string) (env []string, script string) {
		var pipeline struct{ Steps []pipelineStep }
		parse(t, text, &pipeline)
		for _, s := range pipeline.Steps[:len(pipeline.Steps)-1] { // the last one shows a variable of Azure's
			script += s.Script + "\n"
		}
		return []string{"TF_BUILD=True"}, strings.ReplaceAll(script, "$(Build.BuildId)", "b1")
	},
	"buildkite": func(t *testing.T, text, _, _ string) (env []string, script string) {
		var pipeline struct{ Steps []struct{ Commands []string } }
		parse(t, text, &pipeline)
		return []string{"BUILDKITE=true", "BUILDKITE_BUILD_NUMBER=b1"}, strings.ReplaceAll(strings.Join(pipeline.Steps[0].Commands, "\n"), "$$", "$")
	},
	"circleci": func(t *testing.T, text, _, _ string) (env []string, script string) {
		var config struct {
			Jobs map[string]struct{ Steps []any }
		}
		parse(t, text, &config)
		for _, s := range config.Jobs["image"].Steps {
			m, _ := s.(map[any]any)
			switch run := m["run"].(type) {
			case string:
				script += run + "\n"
			case map[any]any:
				script += run["command"].(string)
			}
		}
		return []string{"CIRCLECI=true", "CIRCLE_BUILD_NUM=b1"}, script + "test -s regsweep/report.html -a -s regsweep/junit.xml"
	},
}

// plugin makes the settings of the step prune into the variables that Drone and Woodpecker hand to it.
func plugin(system, number string) func(*testing.T, string, string, string) ([]string, string) {
	return func(t *testing.T, text, _, _ string) (env []string, script string) {
		var pipeline struct{ Steps []pipelineStep }
		parse(t, text, &pipeline)
		i := slices.IndexFunc(pipeline.Steps, func(s pipelineStep) bool { return s.Name == "prune" })
		for name, value := range pipeline.Steps[i].Settings {
			if secret, ok := value.(map[any]any); ok && secret["from_secret"] == "registry_password" {
				value = "s3cret"
			}
			text := strings.ReplaceAll(fmt.Sprint(value), "b"+number, "b1")
			env = append(env, "PLUGIN_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+text)
		}
		return append(env, system), "regsweep"
	}
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// TestRunnerPages runs the pipeline of each page for which there is no runner: what the build pushed, b1, is kept beside
// the newest five.
func TestRunnerPages(t *testing.T) {
	t.Parallel()
	for _, b := range blocks(t, doctest.Pipeline) {
		name := strings.TrimSuffix(filepath.Base(b.Page), ".md")
		if pipelines[name] == nil {
			t.Errorf("%s: nobody knows how to run it", b)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTeam(t, "ci", "s3cret")
			text := strings.ReplaceAll(b.Text, "registry.example.com", r.Host)
			dir := project(t, map[string]string{
				"bin/docker":               "#!/bin/sh\nwhile [ \"$1\" != --tag ]; do shift; done\nprintf '{\"image.name\":\"%s\"}' \"${2%:*}:b1\" >build.json\n",
				"bin/buildkite-agent":      "#!/bin/sh\ngrep -q '^###' && echo \"annotated $*\"\n",
				"home/.docker/config.json": fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, r.Host, base64.StdEncoding.EncodeToString([]byte("ci:s3cret"))),
			})
			env, script := pipelines[name](t, text, r.Host+"/team/app", filepath.Join(dir, "results"))
			env = append(environ(t, env...), "HOME="+dir+"/home", "AGENT_TEMPDIRECTORY="+dir,
				"PATH="+dir+"/bin"+string(os.PathListSeparator)+program+string(os.PathListSeparator)+os.Getenv("PATH"))
			r.push("b0", 30)
			if out, ok := runIn(t, dir, env, "sh", "-e", "-c", script); !ok || strings.Contains(out, "s3cret") || !strings.Contains(out, "just built") {
				t.Fatalf("%s:\n%s", script, out)
			}
			r.has("b1", "b2", "b3", "b4", "b5", "b6")
		})
	}
}

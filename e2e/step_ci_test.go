package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v2"
)

// composite is what a runner needs of action.yml.
type composite struct {
	Inputs  map[string]struct{ Default string }
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
}

// runAction does with action.yml's step what GitHub's runner does: inputs reach it by its env alone, because the
// runner gives a composite action no INPUT_ variables (https://github.com/actions/runner/issues/665), and its outputs
// are what it has written to GITHUB_OUTPUT. The file is $WORK/output, the summary $WORK/summary.
func runAction(_ *stage, ts *testscript.TestScript, args []string) error {
	var a composite
	text := ts.ReadFile(filepath.Join(ts.Getenv("REPO_ROOT"), "action.yml"))
	if err := yaml.Unmarshal([]byte(text), &a); err != nil {
		return err
	}
	inputs := map[string]string{}
	for name, i := range a.Inputs {
		inputs[name] = i.Default
	}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		if _, ok := inputs[name]; !ok {
			return fmt.Errorf("action.yml has no input %s", name)
		}
		inputs[name] = value
	}
	if len(a.Runs.Steps) != 1 || a.Runs.Using != "composite" || a.Runs.Steps[0].Shell != "bash" {
		return errors.New("action.yml is not one composite step in bash: the test has to learn more")
	}
	step := a.Runs.Steps[0]
	env := map[string]string{
		"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": ts.Getenv("REPO_ROOT") + "/",
		"GITHUB_OUTPUT": ts.MkAbs("output"), "GITHUB_STEP_SUMMARY": ts.MkAbs("summary"), "RUNNER_TEMP": ts.MkAbs("temp"),
		"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_TOOL_CACHE": ts.MkAbs("tools"),
	}
	for name, value := range step.Env {
		var err error
		if env[name], err = expand(value, inputs); err != nil {
			return err
		}
	}
	file := ts.MkAbs("step.sh")
	if err := os.WriteFile(file, []byte(step.Run), 0o600); err != nil {
		return err
	}
	// https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
	if err := exits(ts, args[0], "env", append(assignments(env), "bash", "--noprofile", "--norc", "-eo", "pipefail", file)...); err != nil {
		return err
	}
	for name, o := range a.Outputs {
		if err := hasOutput(ts, step.ID, name, o.Value); err != nil && args[0] == "0" {
			return err
		}
	}
	return nil
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// expand puts inputs into a text; any other expression is an error.
func expand(text string, inputs map[string]string) (string, error) {
	var err error
	out := expression.ReplaceAllStringFunc(text, func(m string) string {
		what := expression.FindStringSubmatch(m)[1]
		value, ok := inputs[strings.TrimPrefix(what, "inputs.")]
		if !ok {
			err = fmt.Errorf("action.yml uses %s, which the test does not know", what)
		}
		return value
	})
	return out, err
}

// hasOutput checks that the step wrote what action.yml says its output is.
func hasOutput(ts *testscript.TestScript, id, name, value string) error {
	key, ok := strings.CutPrefix(expression.ReplaceAllString(value, "$1"), "steps."+id+".outputs.")
	if !ok || !strings.Contains("\n"+ts.ReadFile("output"), "\n"+key+"<<") {
		return fmt.Errorf("output %s is %s, which the step did not write", name, value)
	}
	return nil
}

func assignments(env map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// runJob runs the script of a job with the variables that it declares, as a runner in an image with a plain shell does.
func runJob(_ *stage, ts *testscript.TestScript, args []string) error {
	text := ts.ReadFile(filepath.Join(ts.Getenv("REPO_ROOT"), args[1]))
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var jobs map[string]yaml.MapSlice
		if err := decoder.Decode(&jobs); errors.Is(err, io.EOF) {
			return fmt.Errorf("%s has no job %s", args[1], args[2])
		} else if err != nil {
			return err
		}
		raw, ok := jobs[args[2]]
		if !ok {
			continue
		}
		encoded, err := yaml.Marshal(raw)
		if err != nil {
			return err
		}
		var job struct {
			Variables map[string]string
			Before    []string `yaml:"before_script"`
			Script    []string
		}
		if err := yaml.Unmarshal(encoded, &job); err != nil {
			return err
		}
		for name := range job.Variables {
			if given := ts.Getenv(name); given != "" { // a project's own variable counts for more
				job.Variables[name] = given
			}
		}
		script := strings.Join(append(job.Before, job.Script...), "\n")
		return exits(ts, args[0], "env", append(assignments(job.Variables), "sh", "-e", "-c", script)...)
	}
}

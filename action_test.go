package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// actionFile is action.yml, with its inputs and outputs in their order.
type actionFile struct {
	Inputs, Outputs yaml.MapSlice
	Runs            struct {
		Steps []struct {
			ID, Run string
			Env     map[string]string
		}
	}
}

func readAction(t *testing.T) actionFile {
	t.Helper()
	text, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a actionFile
	if err := yaml.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// pruneFlags are the flags of the command that the CI templates run.
func pruneFlags(t *testing.T) []string {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, node := range parser.Model.Children {
		if node.Name == "prune" {
			for _, f := range node.Flags {
				out = append(out, f.Name)
			}
		}
	}
	return out
}

// variable is the environment's name of a flag.
func variable(flag string) string {
	return "REGSWEEP_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// noInput are the flags that no workflow sets, with the reason.
var noInput = map[string]string{
	"help":          "it asks",
	"password-file": "there is the input password",
	"ci":            "a workflow is in the CI that it is in",
	"results-dir":   "there are outputs",
	"gc-break-lock": "it is for a person who has looked",
	"gc-delete-untagged-destroys-multi-arch-images": "it is for a person who has looked",
}

// inputVariables are the variables behind the inputs that are no flag by their name: docker's actions name them, or the
// step itself reads them.
var inputVariables = map[string]string{
	"images": "REGSWEEP_IMAGES", "tags": "REGSWEEP_PUSHED", "digest": "REGSWEEP_DIGEST", "registry": "REGSWEEP_REGISTRY",
	"password": "REGSWEEP_PASSWORD", "scope": "REGSWEEP_TAGS", "install-mode": "INSTALL_MODE", "mirror": "MIRROR",
}

// TestActionInputs holds the inputs of action.yml to the flags, both ways, to the environment of its step, and to the page
// that lists them. Neither the runner nor actionlint sees an input that nothing reads, and nektos/act hands over inputs
// that the step has forgotten (https://github.com/nektos/act/issues/2874), so that no other test would.
func TestActionInputs(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	if len(a.Runs.Steps) != 1 {
		t.Fatalf("action.yml has %d steps", len(a.Runs.Steps))
	}
	step, flags := a.Runs.Steps[0], pruneFlags(t)
	if strings.Contains(step.Run, "${{") {
		t.Error("an expression in the script is open to injection")
	}
	env, table := maps.Clone(step.Env), "| input | meaning |\n| --- | --- |\n"
	for _, i := range a.Inputs {
		name := i.Key.(string)
		table += row(name, i.Value)
		name, known := name, inputVariables[name]
		if known == "" {
			known = variable(name)
			if !slices.Contains(flags, name) {
				t.Errorf("there is no flag for the input %s", name)
			}
		}
		if want := "${{ inputs." + name + " }}"; env[known] != want {
			t.Errorf("%s is %q in the step, want %q", known, env[known], want)
		}
		delete(env, known)
	}
	if len(env) > 0 {
		t.Errorf("the step has variables that are no input: %v", env)
	}
	for _, flag := range flags {
		if noInput[flag] == "" && step.Env[variable(flag)] == "" {
			t.Errorf("no input sets --%s", flag)
		}
	}
	holdTable(t, "docs/ci/github.md", "inputs", table)
}

// TestActionOutputs holds the outputs to the step that has them, and to the page that lists them. That the program writes
// them is held where the action is run.
func TestActionOutputs(t *testing.T) { // not beside the other, which may write the same page
	a, table := readAction(t), "| output | meaning |\n| --- | --- |\n"
	for _, o := range a.Outputs {
		name := o.Key.(string)
		table += row(name, o.Value)
		if got, want := o.Value.(map[string]any)["value"], fmt.Sprintf("${{ steps.%s.outputs.%s }}", a.Runs.Steps[0].ID, name); got != want {
			t.Errorf("the output %s is %v, want %s", name, got, want)
		}
	}
	holdTable(t, "docs/ci/github.md", "outputs", table)
}

// row is the row of an input or output in a table.
func row(name string, value any) string {
	return fmt.Sprintf("| `%s` | %s |\n", name, strings.ReplaceAll(value.(map[string]any)["description"].(string), "|", "\\|"))
}

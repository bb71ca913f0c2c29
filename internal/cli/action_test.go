package cli

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// pruneFlags are the flags of the command that the action and the templates run.
func pruneFlags(t *testing.T) []string {
	t.Helper()
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": ""})
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
	"color":         "the job summary has no colours",
	"all":           "the job summary has its own limits",
	"explain":       "a person asks it, at a terminal",
	"yes":           "nobody is asked there",
	"password-file": "there is the input password",
	"ci":            "a workflow is in the CI that it is in",
	"results-dir":   "there are outputs",
	"gc-break-lock": "it is for a person who has looked",
}

// noFlag are the variables of inputs that are no flag: what internal/ci reads as images, and the password, which is never
// an argument.
var noFlag = []string{"REGSWEEP_IMAGES", "REGSWEEP_PUSHED", "REGSWEEP_DIGEST", "REGSWEEP_REGISTRY", "REGSWEEP_PASSWORD"}

// TestInputsAndFlags holds the variables that the action and the component of GitLab set to the flags: each is one, and
// the action has all. That inputs and variables go together is held in internal/ci.
func TestInputsAndFlags(t *testing.T) {
	t.Parallel()
	flags := pruneFlags(t)
	for path, all := range map[string]bool{"action.yml": true, "templates/regsweep/template.yml": false} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var set []string
		for _, m := range regexp.MustCompile(`(?m)^ +(REGSWEEP_[A-Z_]+): '?\$(?:\{\{|\[\[) inputs\.`).FindAllStringSubmatch(string(text), -1) {
			set = append(set, m[1])
			if !slices.Contains(noFlag, m[1]) && !slices.ContainsFunc(flags, func(f string) bool { return variable(f) == m[1] }) {
				t.Errorf("%s: no flag reads %s", path, m[1])
			}
		}
		for _, flag := range flags {
			if all && noInput[flag] == "" && !slices.Contains(set, variable(flag)) {
				t.Errorf("%s: no input sets --%s", path, flag)
			}
		}
		if len(set) < 20 {
			t.Errorf("%s: %d variables", path, len(set))
		}
	}
}

// TestActionPage holds the tables of docs/ci/github.md to the inputs and outputs of action.yml.
func TestActionPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct{ Inputs, Outputs yaml.MapSlice }
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	for mark, items := range map[string]yaml.MapSlice{"inputs": action.Inputs, "outputs": action.Outputs} {
		table := fmt.Sprintf("| %s | meaning |\n| --- | --- |\n", strings.TrimSuffix(mark, "s"))
		for _, i := range items {
			description := i.Value.(map[string]any)["description"].(string)
			table += fmt.Sprintf("| `%s` | %s |\n", i.Key, strings.ReplaceAll(description, "|", "\\|"))
		}
		holdTable(t, "docs/ci/github.md", mark, table)
	}
}

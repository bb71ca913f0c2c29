package ci_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
)

// face reads a file of the project's top level.
func face(t *testing.T, name string) string {
	t.Helper()
	return read(t, filepath.Join("..", "..", filepath.FromSlash(name)))
}

var (
	yamlKey   = regexp.MustCompile(`^([\w.-]+):(?: +(.*))?$`)
	yamlBlock = regexp.MustCompile(`^[|>]-?$`)
)

// outline reads the little YAML that the project's own files are written in (mappings, lists, block scalars) into
// values by path, such as "runs/steps/0/shell". A key without a value has an entry too, so that none is overlooked.
func outline(t *testing.T, text string) map[string]string {
	t.Helper()
	out, items := map[string]string{}, map[string]int{}
	type level struct {
		indent int
		path   string
	}
	var open []level
	lines := strings.Split(text, "\n")
	for n := 0; n < len(lines); n++ {
		line := strings.TrimLeft(lines[n], " ")
		indent := len(lines[n]) - len(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for len(open) > 0 && open[len(open)-1].indent >= indent {
			open = open[:len(open)-1]
		}
		parent := ""
		if len(open) > 0 {
			parent = open[len(open)-1].path + "/"
		}
		if item, ok := strings.CutPrefix(line, "- "); ok {
			path := parent + string(rune('0'+items[parent]))
			items[parent]++
			open = append(open, level{indent, path})
			parent, line, indent = path+"/", item, indent+2
			if !yamlKey.MatchString(item) {
				out[path] = item
				continue
			}
		}
		m := yamlKey.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("line %d is no YAML of ours: %s", n+1, line)
		}
		path, value := parent+m[1], strings.TrimSpace(strings.Split(m[2], " #")[0])
		if yamlBlock.MatchString(value) {
			var block []string
			for ; n+1 < len(lines) && (lines[n+1] == "" || strings.HasPrefix(lines[n+1], strings.Repeat(" ", indent+1))); n++ {
				block = append(block, strings.TrimSpace(lines[n+1]))
			}
			value = strings.Join(block, "\n")
		}
		out[path] = value
		open = append(open, level{indent, path})
	}
	return out
}

// below returns the keys directly below a path.
func below(values map[string]string, path string) []string {
	keys := map[string]bool{}
	for p := range values {
		if rest, ok := strings.CutPrefix(p, path+"/"); ok {
			key, _, _ := strings.Cut(rest, "/")
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// TestActionInputs holds that each input reaches the program: GitHub does not export the inputs of a composite action
// (https://github.com/actions/runner/issues/665), and act does (https://github.com/nektos/act/issues/2874), so that a
// forgotten one is seen by no runner on a desk.
func TestActionInputs(t *testing.T) {
	t.Parallel()
	action := outline(t, face(t, "action.yml"))
	const environ = "runs/steps/0/env"
	variables := map[string]string{} // by input
	for _, name := range below(action, environ) {
		m := regexp.MustCompile(`^\$\{\{ inputs\.([a-z-]+) \}\}$`).FindStringSubmatch(action[environ+"/"+name])
		if m == nil {
			t.Errorf("%s is no input: %s", name, action[environ+"/"+name])
			continue
		}
		variables[m[1]] = name
	}
	inputs := below(action, "inputs")
	if len(inputs) < 20 || !slices.Equal(inputs, slices.Sorted(maps.Keys(variables))) {
		t.Errorf("inputs\n%q\nare not those of the step's env\n%q", inputs, slices.Sorted(maps.Keys(variables)))
	}
	for _, input := range inputs {
		if action["inputs/"+input+"/description"] == "" {
			t.Errorf("input %s has no description", input)
		}
		if _, ok := action["inputs/"+input+"/default"]; ok {
			t.Errorf("input %s has a default, which would hide the program's", input)
		}
		flag := input
		switch input {
		case "images", "tags", "digest", "registry":
			continue // TestActionImages
		case "install-mode", "mirror":
			continue // what the script of the step reads
		case "scope":
			flag = "tags"
		}
		got, source, _ := ci.Input(environment(env{variables[input]: "value"}), flag)
		if got != "value" || source != variables[input] {
			t.Errorf("input %s: --%s does not read %s", input, flag, variables[input])
		}
	}
}

// TestActionImages holds that the inputs named as docker's own actions name them mean the images.
func TestActionImages(t *testing.T) {
	t.Parallel()
	action := outline(t, face(t, "action.yml"))
	inputs := env{"images": "h.example/a,b/c", "tags": "h.example/a:1", "digest": d1, "registry": "https://h.example/v2/"}
	vars := env{}
	for _, name := range below(action, "runs/steps/0/env") {
		for input, value := range inputs {
			if action["runs/steps/0/env/"+name] == "${{ inputs."+input+" }}" {
				vars[name] = value
			}
		}
	}
	images, err := ci.System{Name: ci.GitHub}.Images(environment(vars), nil, ci.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	want := "h.example/a\nh.example/b/c\n+ h.example/a:1 REGSWEEP_PUSHED\n? h.example/a@" + d1 + " REGSWEEP_DIGEST\n? h.example/b/c@" + d1 + " REGSWEEP_DIGEST"
	if text(images) != want {
		t.Errorf("got\n%s\nwant\n%s", text(images), want)
	}
}

func TestActionSteps(t *testing.T) {
	t.Parallel()
	action := outline(t, face(t, "action.yml"))
	if action["runs/using"] != "composite" {
		t.Fatalf("got runs.using %q", action["runs/using"])
	}
	steps := below(action, "runs/steps")
	if len(steps) == 0 {
		t.Fatal("no steps")
	}
	ids := map[string]bool{}
	for _, step := range steps {
		path := "runs/steps/" + step
		ids[action[path+"/id"]] = true
		run := action[path+"/run"]
		if !strings.HasPrefix(run, "set -euo pipefail\n") || action[path+"/shell"] != "bash" {
			t.Errorf("step %s: shell %q, script\n%s", step, action[path+"/shell"], run)
		}
		if strings.Contains(run, "${{") {
			t.Errorf("step %s has an expression in its script", step)
		}
	}
	for _, output := range below(action, "outputs") {
		m := regexp.MustCompile(`^\$\{\{ steps\.([a-z-]+)\.outputs\.([a-z-]+) \}\}$`).FindStringSubmatch(action["outputs/"+output+"/value"])
		if m == nil || !ids[m[1]] || m[2] != output || action["outputs/"+output+"/description"] == "" {
			t.Errorf("output %s: %q", output, action["outputs/"+output+"/value"])
		}
	}
	path := filepath.Join(t.TempDir(), "output")
	if failed := publish(ci.GitHub, env{"GITHUB_OUTPUT": path}, "", ci.Outputs{}); failed != nil {
		t.Fatal(failed)
	}
	var written []string
	for _, line := range outputs(t, read(t, path)) {
		name, _, _ := strings.Cut(line, "=")
		written = append(written, name)
	}
	slices.Sort(written)
	if got := below(action, "outputs"); !slices.Equal(got, written) {
		t.Errorf("the action has the outputs %q, the program writes %q", got, written)
	}
}

// TestGitLabJobs holds that the component and the hidden job are the same but for where their settings come from, and
// that the reports that the script writes are those that the job keeps, and no older ones.
func TestGitLabJobs(t *testing.T) {
	t.Parallel()
	_, component, ok := strings.Cut(face(t, "templates/regsweep/template.yml"), "\n---\n")
	_, hidden, known := strings.Cut(face(t, "templates/regsweep/job.yml"), "\n.regsweep:\n")
	if !ok || !known {
		t.Fatal("a template is not what the test knows")
	}
	const rest = "  before_script: []\n"
	_, ofComponent, _ := strings.Cut(component, rest)
	_, ofHidden, _ := strings.Cut(hidden, rest)
	if ofComponent != ofHidden || !strings.Contains(ofHidden, "script:") {
		t.Errorf("the component has\n%s\nthe hidden job has\n%s", ofComponent, ofHidden)
	}
	job := outline(t, face(t, "templates/regsweep/job.yml"))
	var kept []string
	for _, path := range []string{"artifacts/paths", "artifacts/reports"} {
		for _, key := range below(job, ".regsweep/"+path) {
			kept = append(kept, job[".regsweep/"+path+"/"+key])
		}
	}
	// What GitLab says of artifacts that a merge request shows, and no runner checks: a path with a wildcard is an error,
	// one with a variable or ./ in front is not shown (https://docs.gitlab.com/ci/yaml/#artifactsexpose_as,
	// https://gitlab.com/gitlab-org/gitlab/-/issues/37129).
	if name := job[".regsweep/artifacts/expose_as"]; !regexp.MustCompile(`^\w[-\w ]{0,99}$`).MatchString(name) {
		t.Errorf("expose_as: GitLab refuses %q", name)
	}
	for _, key := range below(job, ".regsweep/artifacts/paths") {
		if path := job[".regsweep/artifacts/paths/"+key]; strings.ContainsAny(path, "*?[$") || strings.HasPrefix(path, ".") {
			t.Errorf("expose_as: GitLab does not show the path %q", path)
		}
	}
	slices.Sort(kept)
	for _, line := range []string{job[".regsweep/script/0"], job[".regsweep/script/1"]} {
		files := strings.FieldsFunc(strings.TrimPrefix(strings.TrimPrefix(line, "rm -f "), "regsweep --report "), func(r rune) bool { return r == ' ' || r == ',' })
		if slices.Sort(files); len(kept) < 5 || !slices.Equal(files, kept) {
			t.Errorf("%s\nis about %q, the job keeps %q", line, files, kept)
		}
	}
	for path, want := range (env{"artifacts/when": "always", "resource_group": "regsweep$CI_NODE_INDEX", "interruptible": "false", "image/entrypoint": `[""]`}) {
		if got := job[".regsweep/"+path]; got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// TestGitLabInputs holds that each input of the component is used and described.
func TestGitLabInputs(t *testing.T) {
	t.Parallel()
	spec, component, _ := strings.Cut(face(t, "templates/regsweep/template.yml"), "\n---\n")
	values := outline(t, spec)
	inputs := below(values, "spec/inputs")
	if len(inputs) < 10 {
		t.Fatalf("got the inputs %q", inputs)
	}
	for _, input := range inputs {
		if values["spec/inputs/"+input+"/description"] == "" || !strings.Contains(component, "$[[ inputs."+input+" ]]") {
			t.Errorf("input %s has no description, or is not used", input)
		}
	}
	for _, m := range regexp.MustCompile(`REGSWEEP_([A-Z_]+): '\$\[\[ inputs\.([a-z-]+) \]\]'`).FindAllStringSubmatch(component, -1) {
		want := strings.ReplaceAll(m[2], "-", "_")
		if want == "scope" {
			want = "tags" // in the words of docker's actions those are what was pushed
		}
		if strings.ToLower(m[1]) != want {
			t.Errorf("%s: the input has another name than the variable", m[0])
		}
	}
}

// TestJenkinsfileQuotes holds that every script is in single quotes: in double quotes Groovy would write the secrets
// into the command line (https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#string-interpolation).
func TestJenkinsfileQuotes(t *testing.T) {
	t.Parallel()
	text := face(t, "Jenkinsfile.example")
	scripts := regexp.MustCompile(`\b(?:sh|script:)[ (]+(['"])`).FindAllStringSubmatch(text, -1)
	if len(scripts) < 4 {
		t.Fatalf("got %d scripts", len(scripts))
	}
	for _, m := range scripts {
		if m[1] != "'" {
			t.Errorf("a script is not in single quotes: %s", m[0])
		}
	}
	if !regexp.MustCompile(`script: '''\s+regsweep --keep-last 2 `).MatchString(text) {
		t.Error("regsweep is not called")
	}
}

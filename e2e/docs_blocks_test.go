package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/doctest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// actionUse is the step that uses the action, by GitHub's name of it or by the whole address that Gitea wants.
var actionUse = regexp.MustCompile(`uses: (https://github\.com/)?regsweep/regsweep@main`)

// workflow makes a whole workflow of a page's part of one: of steps alone, or of a job without its name. The login is
// that of an earlier step, as the pages say; so is what was pushed, where a part does not say what to prune.
func workflow(text string) string {
	if strings.Contains(text, "\njobs:\n") {
		return text
	}
	const head = "on: push\njobs:\n  page:\n    runs-on: ubuntu-latest\n"
	const login = `- uses: docker/login-action@v4
  with: {registry: registry.example.com, username: ci, password: "${{ secrets.REGISTRY_PASSWORD }}"}
`
	const build = `- id: earlier
  uses: docker/metadata-action@v6
  with: {images: registry.example.com/team/app}
- uses: docker/build-push-action@v7
  with: {push: true, tags: "${{ steps.earlier.outputs.tags }}"}
`
	before := login
	if !regexp.MustCompile(`metadata-action|images:|metadata:`).MatchString(text) {
		before += build
	}
	job, steps, found := strings.Cut(text, "steps:\n")
	if !found {
		job, steps = "", text
	} else {
		steps = regexp.MustCompile(`(?m)^  `).ReplaceAllString(steps, "")
	}
	return head + indent(job, 4) + "    steps:\n" + indent(before+steps, 6)
}

func indent(text string, by int) string {
	return regexp.MustCompile(`(?m)^.`).ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat(" ", by) + s })
}

// TestRunnerDocsAction runs every workflow of the pages, and every part of one, in act. What was pushed or is among
// the newest five stays, b1 goes.
func TestRunnerDocsAction(t *testing.T) {
	t.Parallel()
	tool(t, "act")
	policy := blocks(t, doctest.Policy)[0].Text
	for _, b := range blocks(t, doctest.Action) {
		if hosted(b) || ofBranches(b) {
			continue
		}
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			text := workflow(b.Text)
			user, password := "ci", "s3cret"
			if strings.Contains(text, "github.actor") {
				user = "nektos/act" // who that is in act
			} else if !strings.Contains(text, "docker/login-action") {
				user, password = "", ""
			}
			r := newTeam(t, user, password)
			// A collection needs the place where the registry runs. A dry run reads all that is asked for, and leaves it out.
			collects := strings.Contains(text, "gc: true\n")
			text = regexp.MustCompile(`(?m)^( *)gc: true$`).ReplaceAllString(text, "${1}gc: true\n${1}dry-run: true")
			hosts := strings.NewReplacer("//ci@registry.example.com", "//ci@registry.example.com", "registry.example.com:5000", r.Host,
				"registry.example.com", r.Host, "git.example.com", r.Host)
			log, ok := act(t, map[string]string{
				".github/workflows/workflow.yml": actionUse.ReplaceAllString(hosts.Replace(text), "uses: regsweep/regsweep@main"),
				"regsweep.yml":                   hosts.Replace(policy),
			})
			// What the action has masked is in act's account of the command that masks it, and nowhere else.
			masked := regexp.MustCompile(`(?m)^.*"command":"add-mask".*$`).ReplaceAllString(log, "")
			if !ok || strings.Contains(masked, "s3cret") {
				t.Fatalf("the job has failed, or its log has the password:\n%s\n%s", text, log)
			}
			said := ""
			for _, e := range jsonLines[actEvent](log) {
				if e.Command == "summary" {
					said = e.Content
				}
			}
			entries, err := os.ReadDir(r.Dir + "/docker/registry/v2/repositories/team/app/_manifests/tags")
			if err != nil {
				t.Fatal(err)
			}
			want, stays := "deleted 1 image, kept", false
			switch {
			case collects:
				want, stays = "would delete 1 image, keep 5", true
				if !strings.Contains(said, "no garbage collection: this is a dry run") {
					t.Error("no garbage collection was asked for")
				}
			case strings.Contains(text, "policy:"): // that of the last entry: what is younger than two weeks, and b9 is not
				want, stays = "nothing to delete, kept 7", true
			}
			if got := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "b1" }); got != stays || !strings.Contains(said, want) {
				t.Errorf("b1 is there: %v; the summary says, not %q:\n%s", got, want, said)
			}
		})
	}
}

// TestDocsInputs holds the inputs that the pages give to the action and to the component against those that there
// are, and the variables against the flags. It needs no runner.
func TestDocsInputs(t *testing.T) {
	t.Parallel()
	var action composite
	parse(t, file(t, "action.yml"), &action)
	var component struct {
		Spec struct{ Inputs map[string]any }
	}
	if err := yaml.NewDecoder(strings.NewReader(file(t, "templates/regsweep/template.yml"))).Decode(&component); err != nil {
		t.Fatal(err)
	}
	help, ok := runIn(t, t.TempDir(), environ(t), filepath.Join(program, "regsweep"), "prune", "--help")
	if !ok {
		t.Fatal(help)
	}
	variable := regexp.MustCompile(`^\s+REGSWEEP_([A-Z_]+): `)
	notFlags := []string{"JOB_IMAGE", "IMAGES", "PASSWORD"} // the image of the job, the arguments, and what is in no argument
	given := 0
	for _, b := range append(blocks(t, doctest.Action), blocks(t, doctest.GitLab)...) {
		var page any
		parse(t, b.Text, &page)
		eachMap(page, func(m map[any]any) {
			uses, _ := m["uses"].(string)
			inputs, of := m["inputs"], "the component"
			if strings.Contains(uses, "regsweep/regsweep@") {
				inputs, of = m["with"], "the action"
			} else if m["component"] == nil {
				return
			}
			named, _ := inputs.(map[any]any)
			for name := range named {
				given++
				_, inAction := action.Inputs[name.(string)]
				_, inComponent := component.Spec.Inputs[name.(string)]
				if of == "the action" && !inAction || of == "the component" && !inComponent {
					t.Errorf("%s: %s has no input %s", b, of, name)
				}
			}
			if len(named) == 0 {
				t.Errorf("%s: %s is given no input", b, of)
			}
		})
		for line := range strings.Lines(b.Text) {
			if m := variable.FindStringSubmatch(line); m != nil && !slices.Contains(notFlags, m[1]) {
				given++
				if flag := "--" + strings.ToLower(strings.ReplaceAll(m[1], "_", "-")); !strings.Contains(help, flag+"=") {
					t.Errorf("%s: there is no %s", b, flag)
				}
			}
		}
	}
	if given < 20 {
		t.Errorf("%d inputs and variables", given)
	}
}

// eachMap calls f for every map in what YAML has been read into.
func eachMap(v any, f func(map[any]any)) {
	switch v := v.(type) {
	case map[any]any:
		f(v)
		for _, inner := range v {
			eachMap(inner, f)
		}
	case []any:
		for _, inner := range v {
			eachMap(inner, f)
		}
	}
}

// TestRunnerDocsJenkins runs every pipeline of the pages on the stand-in for Jenkins, and every stage in a pipeline
// of its own.
func TestRunnerDocsJenkins(t *testing.T) {
	t.Parallel()
	needs(t, "groovy")
	for _, b := range blocks(t, doctest.Jenkins) {
		if ofBranches(b) {
			continue
		}
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			text := b.Text
			if strings.HasPrefix(text, "stage(") {
				text = "pipeline {\nagent any\nenvironment { IMAGE = \"registry.example.com/team/app:${BUILD_NUMBER}\" }\nstages {\n" + text + "}\n}\n"
			}
			r := newTeam(t, "ci", "s3cret")
			text = strings.ReplaceAll(strings.ReplaceAll(text, "https://registry.example.com", "http://"+r.Host), "registry.example.com", r.Host)
			dir := project(t, map[string]string{"Jenkinsfile": text, "bin/docker": "#!/bin/sh\n"})
			root, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			env := environ(t, "JENKINS_URL=https://ci.example.com/", "BUILD_NUMBER=b6", "BRANCH_NAME=main", "STAND_IN_CREDENTIALS=registry-creds=ci:s3cret",
				"JAVA_HOME="+toolchain()["JAVA_HOME"], "PATH="+dir+"/bin:"+program+":"+os.Getenv("PATH"))
			out, ok := runIn(t, dir, env, "groovy", root+"/testdata/jenkins/stand-in.groovy", "Jenkinsfile", root+"/../vars")
			if !ok || strings.Contains(out, "s3cret") || !strings.Contains(out, "deleted 1 image, kept 5, failed 0") || !strings.Contains(out, "just built") {
				t.Errorf("%s\n%s", text, out)
			}
			r.has("b2", "b3", "b4", "b5", "b6")
		})
	}
}

// TestDocsRegistry starts distribution with what the pages say that its configuration needs, and deletes.
func TestDocsRegistry(t *testing.T) {
	t.Parallel()
	for _, b := range blocks(t, doctest.Registry) {
		server, err := registries.Configured("version: 0.1\n" + b.Text + "  inmemory: {}\n")
		if err != nil {
			t.Errorf("%s: %v", b, err)
			continue
		}
		t.Cleanup(func() { _ = server.Close() })
		pusher := fixture.New(server.URL, "team/app")
		for n, tag := range []string{"b1", "b2"} {
			if _, err := pusher.Image(t.Context(), fixture.Image{Tags: []string{tag}, Created: time.Now().AddDate(0, 0, n-2)}); err != nil {
				t.Fatal(err)
			}
		}
		out, ok := runIn(t, t.TempDir(), environ(t), filepath.Join(program, "regsweep"), server.Host+"/team/app", "--keep-last", "1")
		if !ok || !strings.Contains(out, "deleted 1 image, kept 1, failed 0") {
			t.Errorf("%s:\n%s", b, out)
		}
	}
}

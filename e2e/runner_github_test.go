package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/doctest"
)

// actAction is a folder that act takes for a published action.
func actAction(t *testing.T, ref string, files map[string]string) []string {
	t.Helper()
	return []string{"--local-repository", ref + "=" + project(t, files)}
}

// ourAction is what a runner downloads of this project to run the action.
func ourAction(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, path := range []string{"action.yml", "action/install.sh", "action/checksums.txt"} {
		out[path] = file(t, path)
	}
	return out
}

// act runs a workflow in nektos/act on this machine, with stand-ins for docker's actions and more flags, and returns what
// it says.
func act(t *testing.T, files map[string]string, more ...string) (log string, ok bool) {
	t.Helper()
	event := "push"
	for _, other := range []string{"workflow_dispatch", "schedule"} {
		if strings.Contains(files[".github/workflows/workflow.yml"], other) {
			event = other
		}
	}
	return actOn(t, event, environ(t), files, more...)
}

// actIn is act with an environment of its own. Flags in more override those of act.
func actIn(t *testing.T, env []string, files map[string]string, more ...string) (log string, ok bool) {
	t.Helper()
	return actOn(t, "push", env, files, more...)
}

// actOn is act for an event, in an environment.
func actOn(t *testing.T, event string, env []string, files map[string]string, more ...string) (log string, ok bool) {
	t.Helper()
	args := []string{
		event, "-P", "ubuntu-latest=-self-hosted", "-P", "self-hosted=-self-hosted", "--no-cache-server", "--json",
		"-s", "REGISTRY_PASSWORD=s3cret", "-s", "PACKAGES_TOKEN=s3cret",
		"-W", ".github/workflows/workflow.yml",
	}
	for _, ref := range []string{"login-action@v4", "metadata-action@v6", "build-push-action@v7"} {
		name, _, _ := strings.Cut(ref, "@")
		stub := map[string]string{"action.yml": file(t, "e2e/testdata/runners/actions/"+name+"/action.yml")}
		args = append(args, actAction(t, "docker/"+ref, stub)...)
	}
	args = append(args, actAction(t, "regsweep/regsweep@main", ourAction(t))...)
	return runIn(t, project(t, files), env, tool(t, "act"), append(args, more...)...)
}

// actEvent is a line of act's log.
type actEvent struct{ Command, Content, Arg, Msg, Name, JobResult string }

// TestRunnerTwoLines runs the workflow of docs/ci/github.md as it stands there. Without its last two lines, it is a
// workflow that builds and pushes; with them, and with nothing else changed, it prunes.
func TestRunnerTwoLines(t *testing.T) {
	t.Parallel()
	tool(t, "act")
	page := onPage(t, "docs/ci/github.md", doctest.Action)[0]
	lines := strings.SplitAfter(strings.TrimSuffix(page, "\n"), "\n")
	before := strings.Join(lines[:len(lines)-2], "")
	added := strings.Join(lines[len(lines)-2:], "")
	if want := "      - uses: regsweep/regsweep@main\n        with: {keep-last: 5}"; added != want {
		t.Fatalf("the last two lines are\n%s\nwant\n%s", added, want)
	}
	for _, w := range []struct {
		name, text string
		tags       []string
	}{
		{"before", before, []string{"b1", "b2", "b3", "b4", "b5", "b6", "b9", "edge"}},
		{"after", before + added, []string{"b2", "b3", "b4", "b5", "b6", "b9", "edge"}},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			r := newTeam(t, "ci", "s3cret")
			text := strings.ReplaceAll(w.text, "registry.example.com", r.Host)
			log, ok := act(t, map[string]string{".github/workflows/workflow.yml": text})
			if !ok || strings.Contains(log, "s3cret") {
				t.Errorf("the job has failed, or its log has the password:\n%s", log)
			}
			r.has(w.tags...)
			var summaries []string
			for _, e := range jsonLines[actEvent](log) {
				if e.Command == "summary" && !slices.Contains(summaries, e.Content) {
					summaries = append(summaries, e.Content)
				}
			}
			said := strings.Join(summaries, "\n")
			if got, want := strings.Contains(said, "deleted 1 image, kept 6"), w.name == "after"; got != want || len(summaries) > 1 {
				t.Errorf("the summary says:\n%s", said)
			}
		})
	}
}

// TestRunnerAct uses the action by its folder, with the metadata of a build.
func TestRunnerAct(t *testing.T) {
	t.Parallel()
	tool(t, "act")
	r := newTeam(t, "ci", "s3cret")
	files := ourAction(t)
	files[".github/workflows/workflow.yml"] = strings.ReplaceAll(file(t, "e2e/testdata/runners/selftest.yml"), "HOST", r.Host)
	log, ok := act(t, files)
	if !ok || strings.Contains(log, "s3cret") {
		t.Errorf("the job has failed, or its log has the password:\n%s", log)
	}
	r.has("b5", "b6", "b9")
	errors := 0
	for _, e := range jsonLines[actEvent](log) {
		if e.Command == "error" && strings.Contains(e.Arg, "refused") {
			errors++
		}
	}
	if errors != 1 {
		t.Errorf("got %d annotations of a refusal, want one:\n%s", errors, log)
	}
}

// TestRunnerActionlint holds every workflow of the project, and those of its pages, against the schema and the actions
// that they use, this one among them.
func TestRunnerActionlint(t *testing.T) {
	t.Parallel()
	lint := tool(t, "actionlint")
	files := ourAction(t)
	files[".github/workflows/selftest.yml"] = file(t, "e2e/testdata/runners/selftest.yml")
	for i, b := range blocks(t, doctest.Action) {
		files[fmt.Sprintf(".github/workflows/page-%d.yml", i)] = actionUse.ReplaceAllString(workflow(b.Text), "uses: ./")
	}
	own, err := filepath.Glob(filepath.Join("..", ".github", "workflows", "*.yml"))
	if err != nil || len(own) == 0 {
		t.Fatalf("the project has no workflow: %v", err)
	}
	for _, path := range own {
		files[".github/workflows/"+filepath.Base(path)] = file(t, ".github/workflows/"+filepath.Base(path))
	}
	if out, ok := runIn(t, project(t, files), environ(t), lint, "-no-color", "-oneline"); !ok {
		t.Errorf("actionlint:\n%s", out)
	}
	// It would see an input that there is not.
	files[".github/workflows/page-0.yml"] = strings.ReplaceAll(files[".github/workflows/page-0.yml"], "keep-last:", "keep-lost:")
	if out, ok := runIn(t, project(t, files), environ(t), lint, "-no-color", "-oneline"); ok || !strings.Contains(out, "keep-lost") {
		t.Errorf("actionlint lets an unknown input pass:\n%s", out)
	}
}

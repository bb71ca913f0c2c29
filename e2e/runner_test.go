package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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

// tool returns the path of a program that "make tools" puts into .tools, or that is on PATH. Without it the test is
// skipped, and fails where everything has to be there.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"bin", "node_modules/.bin"} {
		path, err := filepath.Abs(filepath.Join("..", ".tools", filepath.FromSlash(dir), name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("REGSWEEP_CI") == "1":
		t.Fatalf("%s is not installed (make tools)", name)
	default:
		t.Skipf("%s is not installed (make tools)", name)
	}
	return path
}

// team is a registry with a repository of six images, b1 to b6, the last the newest, behind a login.
type team struct {
	*registries.Server
	pusher *fixture.Pusher
	t      *testing.T
}

func newTeam(t *testing.T, username, password string) team {
	t.Helper()
	s := registries.ForTest(t, registries.Distribution3, registries.Options{Username: username, Password: password})
	r := team{s, fixture.New(s.URL, "team/app"), t}
	r.pusher.Username, r.pusher.Password = username, password
	for n := 1; n <= 6; n++ {
		r.push(fmt.Sprintf("b%d", n), 9-n)
	}
	return r
}

// push pushes an image that was built so many days ago.
func (r team) push(tag string, days int) {
	r.t.Helper()
	i := fixture.Image{Tags: []string{tag}, Created: time.Now().AddDate(0, 0, -days)}
	if _, err := r.pusher.Image(r.t.Context(), i); err != nil {
		r.t.Fatal(err)
	}
}

// has checks the tags that are left, by the registry's own storage.
func (r team) has(tags ...string) {
	r.t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.Dir, "docker/registry/v2/repositories/team/app/_manifests/tags"))
	if err != nil {
		r.t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, tags) {
		r.t.Errorf("the registry has the tags %v, want %v", got, tags)
	}
}

// environ is this process's environment without what would reach regsweep, with the program on PATH and a home of its
// own.
func environ(t *testing.T, more ...string) []string {
	t.Helper()
	out := slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return regexp.MustCompile(`^(REGSWEEP_|INPUT_|PLUGIN_|DOCKER_|GITHUB_|CI$|CI_|ACT)`).MatchString(name)
	})
	return append(append(out, "PATH="+program+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+t.TempDir()), more...)
}

// runIn runs a program in a folder and returns what it says, and whether it ended well.
func runIn(t *testing.T, dir string, env []string, name string, args ...string) (string, bool) {
	t.Helper()
	cmd := bounded(t, name, args...)
	cmd.Dir, cmd.Env = dir, env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), err == nil
}

// project makes a git repository of files, each a path and a text, as a CI would check it out.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"remote", "add", "origin", "git@git.example.com:team/app.git"},
		{"add", "-A"},
		{"-c", "user.name=ci", "-c", "user.email=ci@example.com", "commit", "-q", "-m", "files"},
	} {
		if out, ok := runIn(t, dir, os.Environ(), "git", args...); !ok {
			t.Fatalf("git %v: %s", args, out)
		}
	}
	return dir
}

// file reads a file of the project's top level.
func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the blocks of all pages that are of a kind.
func blocks(t *testing.T, kind doctest.Kind) []doctest.Block {
	t.Helper()
	out, err := doctest.Of(os.DirFS(".."), kind)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// hosted reports whether a block is for a service that no test can reach. TestRunnerServices runs it on the service's fake.
func hosted(b doctest.Block) bool { return b.Page == "docs/registries.md" }

// ofBranches reports whether a block asks which branches or pull requests exist. branches_test.go runs such blocks, with a
// git repository.
func ofBranches(b doctest.Block) bool {
	return regexp.MustCompile(`\b(live|keep-none): `).MatchString(b.Text)
}

// onPage returns the texts of a page's blocks that are of a kind.
func onPage(t *testing.T, page string, kind doctest.Kind) []string {
	t.Helper()
	var out []string
	for _, b := range blocks(t, kind) {
		if b.Page == page {
			out = append(out, b.Text)
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s does not have %s", page, kind)
	}
	return out
}

// jsonLines reads the objects among lines.
func jsonLines[T any](text string) []T {
	var out []T
	for line := range strings.Lines(text) {
		var v T
		if json.Unmarshal([]byte(line), &v) == nil {
			out = append(out, v)
		}
	}
	return out
}

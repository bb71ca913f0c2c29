package e2e

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v2"
)

// releaseStep runs a step of .ci/release in a checkout, with additional variables in the environment.
func releaseStep(t *testing.T, dir string, environ []string, args ...string) string {
	t.Helper()
	cmd := bounded(t, filepath.Join(dir, ".ci", "release"), args...)
	cmd.Env = append(os.Environ(), environ...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	return string(out)
}

// sources copies the files that a program is built from into another folder and returns that.
func sources(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		to := filepath.Join(dir, strings.TrimPrefix(path, ".."))
		switch {
		case err != nil:
			return err
		case slices.Contains([]string{".git", ".github", ".tools", "bin", "dist", "docs", "e2e", "testdata", "node_modules"}, e.Name()):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil // of a worktree
		case e.IsDir():
			return os.MkdirAll(to, 0o755)
		case !e.Type().IsRegular() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o755)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRelease builds the program twice as a release does, in folders and environments that differ. The action must accept
// the first program by the checksum of the second, and refuse it with one byte more.
func TestRelease(t *testing.T) {
	t.Parallel()
	platform := runtime.GOOS + "/" + runtime.GOARCH
	asset := "v1.2.3/regsweep_" + runtime.GOOS + "_" + runtime.GOARCH
	dir := t.TempDir()
	built := filepath.Join(dir, "built")
	releaseStep(t, "..", nil, "build", "v1.2.3", platform, built)
	program, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	if size := len(program); size > 15e6 {
		t.Errorf("the program has %d bytes, more than 15 MB", size)
	} else {
		t.Logf("the program has %d bytes", size)
	}
	other := []string{"CGO_ENABLED=1", "GOFLAGS=-tags=other", "GOAMD64=v3", "GOARM64=v9.0", "GOWORK=" + filepath.Join(dir, "none")}
	checksums := releaseStep(t, sources(t), other, "checksums", "v1.2.3", platform)
	if line := fmt.Sprintf("\n%x  %s\n", sha256.Sum256(program), asset); !strings.HasSuffix(checksums, line) {
		t.Fatalf("another folder has\n%s\nwant %s", checksums, line)
	}
	if err := os.WriteFile(filepath.Join(dir, "checksums.txt"), []byte(checksums), 0o644); err != nil {
		t.Fatal(err)
	}

	var requests atomic.Int32
	published := filepath.Join(dir, "mirror", asset)
	publish := func(program []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(published), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(published, program, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.FileServer(http.Dir(filepath.Join(dir, "mirror"))).ServeHTTP(w, r)
	}))
	defer mirror.Close()
	install := func() (string, error) {
		cmd := bounded(t, "bash", "../action/install.sh")
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "INSTALL_MODE=download", "MIRROR=" + mirror.URL,
			"CHECKSUMS=" + filepath.Join(dir, "checksums.txt"), "RUNNER_TEMP=" + dir, "RUNNER_TOOL_CACHE=" + filepath.Join(dir, "tools"),
		}
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	publish(append(slices.Clone(program), '\n'))
	if said, err := install(); err == nil || !strings.Contains(said, "it was not run") {
		t.Errorf("one byte more: %v: %s", err, said)
	}
	publish(program)
	for range 2 { // the second time out of the tool cache
		path, err := install()
		if err != nil {
			t.Fatalf("%v: %s", err, path)
		}
		said, err := bounded(t, path, "--version").CombinedOutput()
		if string(said) != "regsweep v1.2.3\n" {
			t.Errorf("the program says %s: %v", said, err)
		}
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d downloads, want one that was refused and one", n)
	}
}

// TestReleaseRefuses runs the other steps of .ci/release, with good and with bad input.
func TestReleaseRefuses(t *testing.T) {
	t.Parallel()
	dir := sources(t)
	for name, text := range map[string]string{
		"CHANGELOG.md":         "# Changelog\n\n## Unreleased\n\n- New.\n\n## 1.2.3\n\n- Old.\n\n- Older.\n\n## 1.2.2\n\n- Oldest.\n",
		"action/checksums.txt": fmt.Sprintf("# toolchain go1.26.8\n%x  v1.2.3/regsweep_linux_amd64\n", sha256.Sum256([]byte("program"))),
		"program":              "program", "other": "other",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for command, want := range map[string]string{
		"toolchain":    "1.26.8\n",
		"notes v1.2.3": "- Old.\n\n- Older.\n\n",
		"notes v1.2.4": "release: CHANGELOG.md has no section ## 1.2.4\n",
		"notes 1.2.3":  "release: 1.2.3 is not a version such as v1.2.3\n",
		"verify program v1.2.3/regsweep_linux_amd64": "",
		"verify program v1.2.4/regsweep_linux_amd64": "which action/checksums.txt does not have",
		"verify program v1.2.3/regsweep_linux":       "which action/checksums.txt does not have",
		"verify other v1.2.3/regsweep_linux_amd64":   "which action/checksums.txt does not have",
		"checksums v1.2 linux/amd64":                 "release: v1.2 is not a version such as v1.2.3\n",
		"notes":                                      "the steps are build, ",
	} {
		out, err := bounded(t, filepath.Join(dir, ".ci", "release"), strings.Fields(command)...).CombinedOutput()
		said, refused := string(out), strings.HasPrefix(string(out), "release: ")
		if (err != nil) != refused || said != want && !(refused && strings.Contains(said, want)) {
			t.Errorf("%s: %v: got %q, want %q", command, err, said, want)
		}
	}
}

// TestGoreleaser compares goreleaser's configuration with .ci/release, which must build the same bytes, and with what the
// action downloads. "make release-check" and GitHub's CI let goreleaser itself read the configuration.
func TestGoreleaser(t *testing.T) {
	t.Parallel()
	var c struct {
		Builds []struct {
			Env, Flags, Ldflags, Goos, Goarch []string
			Hooks                             struct{ Post []string }
		}
		Archives []struct {
			Formats      []string
			NameTemplate string `yaml:"name_template"`
		}
	}
	if err := yaml.Unmarshal([]byte(file(t, ".goreleaser.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Builds) != 1 || len(c.Archives) != 2 {
		t.Fatalf("%d builds and %d kinds of archives", len(c.Builds), len(c.Archives))
	}
	build, program := c.Builds[0], c.Archives[0]
	script := file(t, ".ci/release")
	line := " go build " + strings.Join(build.Flags, " ") + ` -ldflags "` + strings.ReplaceAll(strings.Join(build.Ldflags, " "), "v{{ .Version }}", "$1") + `" `
	for _, word := range append(build.Env, line) {
		if !strings.Contains(script, word) {
			t.Errorf(".ci/release does not have %s", word)
		}
	}
	var platforms []string
	for _, os := range build.Goos {
		for _, arch := range build.Goarch {
			platforms = append(platforms, os+"/"+arch)
		}
	}
	if !strings.Contains(script, "set -- "+strings.Join(platforms, " ")+"\n") {
		t.Errorf(".ci/release has not the platforms %s", platforms)
	}
	const name = "regsweep_{{ .Os }}_{{ .Arch }}"
	if !slices.Equal(program.Formats, []string{"binary"}) || program.NameTemplate != name {
		t.Errorf("the action downloads %s, published is %s", name, program.NameTemplate)
	}
	if hook := `.ci/release verify "{{ .Path }}" {{ .Tag }}/` + name + "{{ .Ext }}"; !strings.Contains(strings.Join(build.Hooks.Post, "\n"), hook) {
		t.Errorf("no build is followed by %s", hook)
	}
}

// TestWorkflows checks that each action is pinned by its commit and has the same version everywhere, as goreleaser has.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there is no workflow: %v", err)
	}
	uses := regexp.MustCompile(`\buses:.*`)
	pinned := regexp.MustCompile(`^uses: (\./[\w./-]+|([\w./-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	goreleaser := regexp.MustCompile(`goreleaser/v2@(v[\d.]+)\n`).FindStringSubmatch(file(t, "Makefile"))
	seen := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range uses.FindAllString(string(text), -1) {
			m := pinned.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s: %s is not pinned as OWNER/ACTION@SHA # v1.2.3", path, line)
			} else if before := seen[m[2]]; m[2] != "" && before != "" && before != line {
				t.Errorf("%s: %s, elsewhere %s", path, line, before)
			} else {
				seen[m[2]] = line
			}
		}
		for _, m := range regexp.MustCompile(`(?m)goreleaser-action@.*\n\s+with:\n\s+version: (\S+)$`).FindAllStringSubmatch(string(text), -1) {
			if goreleaser == nil || m[1] != goreleaser[1] {
				t.Errorf("%s: goreleaser %s, the Makefile has %s", path, m[1], goreleaser)
			}
		}
	}
	if len(seen) < 3 {
		t.Errorf("seen: %s", seen)
	}
}

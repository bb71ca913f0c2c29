package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/snippet"
)

// pages are the README and all pages of docs/.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	read := func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		out[path] = string(text)
		return err
	}
	for _, root := range []string{"README.md", "docs"} {
		if err := filepath.WalkDir(root, read); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// snippets are the blocks of the pages that are of a kind.
func snippets(t *testing.T, kind snippet.Kind) []snippet.Block {
	t.Helper()
	out, err := snippet.Of(os.DirFS("."), kind)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// runners are the tests that run the blocks of each kind, all that there are on any page.
var runners = map[snippet.Kind][]struct{ file, test string }{
	snippet.Shell:    {{"docs_test.go", "TestDocsCommands"}, {"e2e/snippet_shell_test.go", "TestSnippetsShell"}, {"e2e/bench/report_test.go", "TestPageCommands"}},
	snippet.Console:  {{"docs_test.go", "TestDocsCommands"}},
	snippet.Example:  {{"internal/retain/docs_test.go", "TestDocs"}},
	snippet.Policy:   {{"internal/policy/docs_test.go", "TestPolicyDocs"}},
	snippet.Message:  {{"internal/policy/docs_test.go", "TestPolicyDocs"}},
	snippet.InUse:    {{"docs_test.go", "TestDocsInUse"}},
	snippet.Action:   {{"e2e/snippet_test.go", "TestSnippetsInputs"}, {"e2e/snippet_test.go", "TestRunnerSnippetsAction"}},
	snippet.GitLab:   {{"e2e/snippet_test.go", "TestSnippetsInputs"}, {"e2e/runner_gitlab_test.go", "TestRunnerGitLab"}},
	snippet.Jenkins:  {{"e2e/snippet_test.go", "TestRunnerSnippetsJenkins"}},
	snippet.Pipeline: {{"e2e/runner_pages_test.go", "TestRunnerPages"}},
	snippet.Registry: {{"e2e/snippet_test.go", "TestSnippetsRegistry"}},
}

// TestDocsSnippets holds that each block of each page is of a kind that a test runs.
func TestDocsSnippets(t *testing.T) {
	t.Parallel()
	all, err := snippet.Find(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 60 {
		t.Errorf("%d blocks", len(all))
	}
	for _, b := range all {
		if runners[b.Kind] == nil {
			t.Errorf("%s: no test runs a block of %q with this in it:\n%s", b, b.Language, b.Text)
		}
	}
	for kind, tests := range runners {
		for _, r := range tests {
			text, err := os.ReadFile(r.file)
			if err != nil || !strings.Contains(string(text), "\nfunc "+r.test+"(t *testing.T) {") {
				t.Errorf("%s: %s has no %s: %v", kind, r.file, r.test, err)
			}
		}
	}
}

var (
	called = regexp.MustCompile(`(?m)(?:^|\| |&& )\s*(regsweep .*)$`)
	prompt = regexp.MustCompile(`(?m)^\$ (.*)$`)
	link   = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
)

// TestDocsCommands parses each regsweep command in a block of shell text or behind a prompt. A shell without programs
// splits it into words, and nothing is run.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	commands := 0
	for _, b := range append(snippets(t, snippet.Shell), snippets(t, snippet.Console)...) {
		text := b.Text
		if b.Kind == snippet.Console {
			text = ""
			for _, line := range prompt.FindAllStringSubmatch(b.Text, -1) {
				text += line[1] + "\n"
			}
		}
		for _, command := range called.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", " "), -1) {
			commands++
			if err := parse(t, strings.TrimSuffix(strings.TrimSpace(command[1]), "&&")); err != nil {
				t.Errorf("%s: %s: %v", b, command[1], err)
			}
		}
	}
	if commands < 25 {
		t.Errorf("%d commands", commands)
	}
}

// TestDocsInUse reads the lists by hand: each line names an image, and its comment is the reason.
func TestDocsInUse(t *testing.T) {
	t.Parallel()
	for _, b := range snippets(t, snippet.InUse) {
		for line := range strings.Lines(b.Text) {
			name, comment, _ := strings.Cut(strings.TrimSpace(line), "   # ")
			list := filepath.Join(t.TempDir(), "keep.txt")
			reg := registrytest.New(t, registrytest.Options{})
			images := reg.Pusher(t, "team/app")
			digests := builds(images, 3)
			text := strings.ReplaceAll(line, "registry.example.com", reg.Host())
			if strings.HasPrefix(name, "sha256:") {
				text = strings.Replace(text, name, digests[0].String(), 1) // the first image stands for one that is not here
			} else {
				images.Tag(digests[0], name[strings.LastIndex(name, ":")+1:])
			}
			if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			got := sweepFrom(t, reg, "", "HOST/team/app", "--keep-last", "1", "--protect-file", list, "--dry-run")
			if want := "in use (" + list + ":1: " + comment + ")"; got.code != exitDone || comment == "" || !strings.Contains(got.stdout, want) {
				t.Errorf("%s: exit %d, no %q in\n%s%s", b, got.code, want, got.stdout, got.stderr)
			}
		}
	}
}

func parse(t *testing.T, command string) error {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", `regsweep() { printf '%s\0' "$@" >words; }; `+command)
	shell.Dir, shell.Env = t.TempDir(), []string{"PATH="}
	said, err := shell.CombinedOutput()
	words, unread := os.ReadFile(filepath.Join(shell.Dir, "words"))
	if unread != nil {
		t.Fatalf("%s: %v: %s", command, err, said)
	}
	parser, err := kong.New(&cli{}, kong.Vars{"version": ""}, kong.Exit(func(int) {}), kong.Writers(&bytes.Buffer{}, &bytes.Buffer{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00"))
	return err
}

// foreign are the messages in docs/troubleshooting.md that other programs print.
var foreign = []string{"manifest unknown", "Layer already exists"}

// TestDocsMessages holds that each message that docs/troubleshooting.md quotes as a symptom is in the program, or in
// what a script has seen it say. "…" stands for any text.
func TestDocsMessages(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	for _, pattern := range []string{"*.go", "internal/*/*.go", "e2e/testdata/script/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			said.Write(text)
		}
	}
	// A script writes a message as a regular expression between quotes.
	all := strings.NewReplacer("''", "'", `\.`, ".").Replace(said.String())
	messages := 0
	for line := range strings.Lines(pages(t)[filepath.Join("docs", "troubleshooting.md")]) {
		symptom, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !strings.HasPrefix(line, "| ") || regexp.MustCompile(`^[0-9]+$`).MatchString(symptom) { // an exit code
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(symptom, -1) {
			messages++
			for part := range strings.SplitSeq(m[1], "…") {
				code, _ := strconv.Atoi(strings.SplitN(part, " ", 2)[0])
				status := code != 0 && strings.HasSuffix(part, http.StatusText(code)) // which the program takes from there
				if !strings.Contains(all, strings.TrimSpace(part)) && !status && !slices.Contains(foreign, m[1]) {
					t.Errorf("nothing says %q of %q", part, m[1])
				}
			}
		}
	}
	if messages < 30 {
		t.Errorf("%d messages", messages)
	}
}

// TestDocsLinks follows each link to a file, and sees that the index names every page.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	indexed := []string{"README.md", filepath.Join("docs", "README.md")}
	for path, text := range all {
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			to := filepath.Join(filepath.Dir(path), l[1])
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if path == indexed[1] {
				indexed = append(indexed, to)
			}
		}
	}
	for path := range all {
		if !slices.Contains(indexed, path) {
			t.Errorf("docs/README.md does not name %s", path)
		}
	}
}

package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
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

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	called     = regexp.MustCompile(`(?m)(?:^|\| |&& )\s*(regsweep .*)$`)
	link       = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
)

// TestDocsCommands parses each regsweep command in a block of shell text. A shell without programs splits it into words,
// and nothing is run.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	commands := 0
	for path, text := range pages(t) {
		for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
			for _, command := range called.FindAllStringSubmatch(strings.ReplaceAll(block[1], "\\\n", " "), -1) {
				commands++
				if err := parse(t, strings.TrimSuffix(strings.TrimSpace(command[1]), "&&")); err != nil {
					t.Errorf("%s: %s: %v", path, command[1], err)
				}
			}
		}
	}
	if commands < 20 {
		t.Errorf("%d commands", commands)
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

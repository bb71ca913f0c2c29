package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/doctest"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// projectRoot leads from this package's folder to the project's top level.
const projectRoot = "."

// blocks returns the blocks of the pages that are of a kind.
func blocks(t *testing.T, kind doctest.Kind) []doctest.Block {
	t.Helper()
	out, err := doctest.Of(os.DirFS(projectRoot), kind)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	called = regexp.MustCompile(`(?m)(?:^|\| |&& )\s*(regsweep .*)$`)
	prompt = regexp.MustCompile(`(?m)^\$ (.*)$`)
)

// TestDocsCommands parses each regsweep command in a block of shell text or behind a prompt. A shell without programs
// splits it into words, and nothing is run.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("/bin/sh"); err != nil || runtime.GOOS == "windows" { // where sh splits arguments by its own rules
		if os.Getenv("REGSWEEP_CI") == "1" {
			t.Fatal("a shell is missing")
		}
		t.Skip("a shell is missing")
	}
	commands := 0
	for _, b := range append(blocks(t, doctest.Shell), blocks(t, doctest.Console)...) {
		text := b.Text
		if b.Kind == doctest.Console {
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
	for _, b := range blocks(t, doctest.InUse) {
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
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": ""}, kong.Exit(func(int) {}), kong.Writers(&bytes.Buffer{}, &bytes.Buffer{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00"))
	return err
}

package cli

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// completion writes the script of a shell into a folder that also has a file, a folder, and the program as regsweep. It
// returns the path of the script. Without the shell the test is skipped; with REGSWEEP_CI=1 it fails.
func completion(t *testing.T, shell string) string {
	t.Helper()
	_, err := exec.LookPath(shell)
	if runtime.GOOS == "windows" {
		err = errors.New("the shells of Windows are others")
	}
	if err != nil {
		if os.Getenv("REGSWEEP_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got := start(t.Context(), World{Args: []string{"completion", shell}})
	if got.code != exitDone || got.stderr != "" {
		t.Fatalf("exit code %d, says %s", got.code, got.stderr)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"script": got.stdout, "a policy.yml": "", "pages/a policy.yml": "",
		"bin/regsweep": "#!/bin/sh\n" + asProgram + "=1 exec '" + program + "' \"$@\"\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "script")
}

// says runs a shell's program in the folder of the script and returns the lines that it prints.
func says(t *testing.T, script, shell string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir = filepath.Dir(script)
	cmd.Env = append(os.Environ(),
		"HOME="+cmd.Dir, "PATH="+filepath.Join(cmd.Dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %q: %v\n%s%s", shell, args, err, out, &stderr)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

// completions are what a shell offers for the last word of a line.
var completions = []struct {
	line string
	want []string
}{
	{"regsweep r", []string{"rank", "report"}},
	{"regsweep ", []string{"check", "gc", "prune", "rank", "report"}},
	{"regsweep --keep-l", []string{"--keep-last"}},
	{"regsweep localhost:5000/app --keep-l", []string{"--keep-last"}},
	{"regsweep prune --keep-l", []string{"--keep-last"}},
	{"regsweep rank --keep-l", nil},
	{"regsweep rank --to", []string{"--top"}},
	{"regsweep check --pro", []string{"--probe"}},
	{"regsweep gc --output ", []string{"json", "markdown", "table"}},
	{"regsweep --sort n", []string{"name"}},
	{"regsweep --delete-by=t", []string{"tags-first"}},
	{"regsweep --policy a", []string{"a policy.yml"}},
	{"regsweep --state-dir p", []string{"pages"}},
	{"regsweep report a", []string{"a policy.yml"}},
	{"regsweep --keep-last ", nil},
	{"regsweep --output json --he", []string{"--help"}},
}

func TestCompletionBash(t *testing.T) {
	t.Parallel()
	script := completion(t, "bash")
	for _, c := range completions {
		// Bash cuts the line into words at = and : as well (COMP_WORDBREAKS), and hands them on with these.
		const program = `source ./script
			COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
			[[ $(complete -p regsweep) == *_regsweep* ]] && _regsweep && printf '%s\n' "${COMPREPLY[@]}"`
		words := strings.Split(strings.ReplaceAll(strings.ReplaceAll(c.line, "=", " = "), ":", " : "), " ")
		got := says(t, script, "bash", append([]string{"-c", program, "bash"}, words...)...)
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.line, got, c.want)
		}
	}
}

func TestCompletionFish(t *testing.T) {
	t.Parallel()
	script := completion(t, "fish")
	says(t, script, "fish", "--no-execute", script)
	for _, c := range completions {
		got := says(t, script, "fish", "--no-config", "-c", "source ./script; complete -C '"+c.line+"'")
		for i, line := range got {
			line, _, _ = strings.Cut(line, "\t")
			got[i] = strings.TrimSuffix(strings.ReplaceAll(line, `\ `, " "), "/")
			if _, value, ok := strings.Cut(got[i], "="); ok {
				got[i] = value
			}
		}
		slices.Sort(got)
		// Fish offers folders wherever it offers files, and finds letters inside of words.
		if c.line == "regsweep --policy a" || c.line == "regsweep report a" {
			got = slices.DeleteFunc(got, func(s string) bool { return s == "pages" })
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.line, got, c.want)
		}
	}
}

// TestCompletionZsh runs the script with stand-ins for the functions that need a terminal, sourced and out of $fpath.
func TestCompletionZsh(t *testing.T) {
	t.Parallel()
	script := completion(t, "zsh")
	says(t, script, "zsh", "-n", script)
	const standIns = `compdef() { print compdef "$@" }; compset() { : }; _files() { print files "$@" }; _describe() { print -rl -- "${(@P)2}" }
		words=("$@"); CURRENT=$#; `
	source := standIns + "source ./script; _regsweep"
	for line, want := range map[string][]string{
		"regsweep r":                           {"rank:Show which repositories of a registry use the most space", "report:Merge the JSON reports of several runs into one"},
		"regsweep --keep-l":                    {"--keep-last:Keep the newest N images"},
		"regsweep localhost:5000/app --keep-l": {"--keep-last:Keep the newest N images"},
		"regsweep rank --keep-l":               nil,
		"regsweep --output=j":                  {"json"},
		"regsweep gc --output ":                {"table", "markdown", "json"},
		"regsweep --policy a":                  {"files"},
		"regsweep --state-dir p":               {"files -/"},
		"regsweep report ":                     {"files"},
		"regsweep --keep-last ":                nil,
	} {
		got := says(t, script, "zsh", append([]string{"-f", "-c", source + " || :", "zsh"}, strings.Split(line, " ")...)...)
		if len(got) == 0 || got[0] != "compdef _regsweep regsweep" || !slices.Equal(got[1:], want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	if err := os.Rename(script, filepath.Join(filepath.Dir(script), "_regsweep")); err != nil {
		t.Fatal(err)
	}
	const autoload = standIns + "fpath=(.); autoload -U _regsweep; _regsweep"
	if got := says(t, script, "zsh", "-f", "-c", autoload, "zsh", "regsweep", "--keep-l"); len(got) != 1 {
		t.Errorf("out of $fpath it says %q", got)
	}
}

// TestCompletionWords compares the values that are offered with what the command line accepts.
func TestCompletionWords(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, command := range parser.Model.Children {
		for _, f := range slices.Concat(command.AllFlags(true)...) {
			for _, line := range completeValue(f, "") {
				if line == anyFile || line == anyDirectory {
					continue
				}
				read++
				if _, err := parser.Parse([]string{command.Name, "--" + f.Name, strings.TrimSpace(line), "x"}); err != nil {
					t.Errorf("%s --%s %s: %v", command.Name, f.Name, line, err)
				}
			}
		}
	}
	if read < 20 {
		t.Errorf("%d values", read)
	}
}

func TestHeadline(t *testing.T) {
	t.Parallel()
	for help, want := range map[string]string{
		"Client key (PEM).":              "Client key (PEM)",
		"What it means: one, or another": "What it means",
		"Keep N; of each. The end.":      "Keep N",
		"The system's 4.3.2 certificate": "The system's 4.3.2 certificate",
	} {
		if got := headline(help); got != want {
			t.Errorf("%q: got %q, want %q", help, got, want)
		}
	}
}

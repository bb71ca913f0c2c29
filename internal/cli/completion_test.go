package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// completion writes the script for a shell into a folder with a file and a folder in it, and returns the script's path.
// Without the shell the test is skipped, and fails where everything has to be there.
func completion(t *testing.T, shell string) string {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		if os.Getenv("REGSWEEP_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	got := start(t.Context(), World{Args: []string{"completion", shell}})
	if got.code != exitDone || got.stderr != "" {
		t.Fatalf("exit code %d, says %s", got.code, got.stderr)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"script": got.stdout, "a policy.yml": "", "pages/a policy.yml": ""} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "script")
}

// says runs a shell's program in the folder of the script and returns the lines that it prints.
func says(t *testing.T, script, shell string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir, cmd.Env = filepath.Dir(script), append(os.Environ(), "HOME="+filepath.Dir(script))
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
	{"regsweep ", []string{"gc", "prune", "rank", "report"}},
	{"regsweep --keep-l", []string{"--keep-last"}},
	{"regsweep localhost:5000/app --keep-l", []string{"--keep-last"}},
	{"regsweep prune --keep-l", []string{"--keep-last"}},
	{"regsweep rank --keep-l", nil},
	{"regsweep rank --to", []string{"--top"}},
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
		got := says(t, script, "fish", "--no-config", "-c", "source ./script; complete -C "+fishQuote(c.line))
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

// TestCompletionZsh has zsh read the script both ways, and run it with stand-ins for the functions that need a terminal.
func TestCompletionZsh(t *testing.T) {
	t.Parallel()
	script := completion(t, "zsh")
	says(t, script, "zsh", "-n", script)
	const stand = `compdef() { print compdef "$@" }; _describe() { print -rl -- "${(@P)2%%:*}" }; _arguments() { print -rl -- "$@" }
		source ./script; words=("$@"); CURRENT=$#; _regsweep`
	for _, c := range []struct{ line, has, not string }{
		{"regsweep r", "report", "--keep-last"},
		{"regsweep --k", "--keep-last=[Keep the newest N images]:N: ", "--top"},
		{"regsweep localhost/app --k", "*--report=[Also write a report to FILE]:FILE:_files", "--top"},
		{"regsweep prune --k", "--dry-run[Report the plan and delete nothing]", "--top"},
		{"regsweep prune --k", "--state-dir=[Folder for what the next run needs]:DIR:_files -/", "--top"},
		{"regsweep rank --t", "--output=[Format on standard output]:FORMAT:(table markdown json)", "--keep-last"},
		{"regsweep report ", "*:file:_files", "--keep-last"},
	} {
		got := says(t, script, "zsh", append([]string{"-f", "-c", stand, "zsh"}, strings.Split(c.line, " ")...)...)
		said := func(word string) bool {
			return slices.ContainsFunc(got, func(l string) bool { return l == word || strings.HasPrefix(l, word+"=") })
		}
		if got[0] != "compdef _regsweep regsweep" || !said(c.has) || said(c.not) {
			t.Errorf("%q: got\n%s\nwant %s and no %s", c.line, strings.Join(got, "\n"), c.has, c.not)
		}
	}
	if err := os.Rename(script, filepath.Join(filepath.Dir(script), "_regsweep")); err != nil {
		t.Fatal(err)
	}
	const autoload = `_arguments() { print -rl -- "$@" }; fpath=(.); autoload -U _regsweep; words=(regsweep --k); CURRENT=2; _regsweep`
	if got := says(t, script, "zsh", "-f", "-c", autoload); len(got) < 30 {
		t.Errorf("out of $fpath it says %q", got)
	}
}

// TestCompletionWords holds the values that are offered to what the command line reads.
func TestCompletionWords(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, c := range offers(parser.Model) {
		for _, f := range c.flags {
			for _, v := range f.values {
				read++
				if _, err := parser.Parse([]string{c.command, f.name, v, "x"}); err != nil {
					t.Errorf("%s %s %s: %v", c.command, f.name, v, err)
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

package gc

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// nasty are words that a shell would act upon.
var nasty = []string{"", " ", "'", `"`, `\`, "''", "; rm -rf /", "$(id)", "`id`", "$HOME", "*", "~", "#", "!!", "a\nb", "-n", "é\xff", "&& true", "|", "<x", "'\\''", "%s"}

// needsShell skips a test that runs commands with sh on Windows, which does not have it. A collection is run from there
// on other machines alone.
func needsShell(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "windows" {
		return
	}
	if os.Getenv("REGSWEEP_CI") == "1" {
		t.Fatal("Windows has no sh")
	}
	t.Skip("Windows has no sh")
}

// readBack has a shell read a quoted list and returns the words that it found.
func readBack(t *testing.T, args []string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `for a in `+quote(args)+`; do printf '%s\001' "$a"; done`).Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	words := strings.Split(string(out), "\x01")
	return words[:len(words)-1]
}

func TestQuote(t *testing.T) {
	t.Parallel()
	needsShell(t)
	if got := readBack(t, nasty); !slices.Equal(got, nasty) {
		t.Errorf("got  %q\nwant %q", got, nasty)
	}
	if got := quote([]string{"sh", "-c", "echo it's"}); got != `sh -c 'echo it'\''s'` {
		t.Errorf("got %s", got)
	}
}

func FuzzQuote(f *testing.F) {
	for _, n := range nasty {
		f.Add(n, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		needsShell(t)
		if strings.ContainsAny(a+b, "\x00\x01") { // no argument can have the first, and the second is the test's own
			t.Skip()
		}
		want := []string{a, b}
		if got := readBack(t, want); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// expectation is what a run has to come to.
type expectation struct {
	codes []int
	says  []string // pieces of what it says, whatever the case of letters
	gone  []string // exactly these are deleted, by name; nil: nothing has changed
}

// hostileCase is one way in which a registry is not as a client expects it.
type hostileCase struct {
	name string
	set  func(t *testing.T, h *hostile) // pushes, and sets the front
	args []string                       // instead of --keep-last 2
	// login gives the program a name and a password.
	login bool
	expectation
	or    *expectation // another way that is right too
	never []string     // what it must not say, in no output
	// after looks at the registry when the run has ended.
	after func(t *testing.T, h *hostile)
}

// memoryBound is the most data that a run may hold, whatever a registry sends. The kernel holds it to that (RLIMIT_DATA):
// the most that a process has used, which it also counts, begins with what its parent had used.
const memoryBound = 256 << 20

// hostileTimeout is how long a case may take; none waits for it.
const hostileTimeout = 90 * time.Second

// hostilePassword has characters that take other forms in addresses and in JSON.
const hostilePassword = `p4ss/w0rd+"q"&=é`

func TestHostile(t *testing.T) {
	t.Parallel()
	for _, cases := range [][]hostileCase{absenceCases, listingCases, manifestCases, datingCases, deletionCases, loginCases, boundCases} {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.try(t)
			})
		}
	}
}

func (c hostileCase) try(t *testing.T) {
	h := newHostile(t)
	c.set(t, h)
	h.ready()
	dir, err := os.MkdirTemp("", "regsweep-hostile-") // the test's own would have the case's name, with its commas
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, text := range h.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := slices.Clone(c.args)
	if args == nil {
		args = []string{h.host() + "/team/app", "--keep-last", "2"}
	}
	for i := range args {
		args[i] = strings.NewReplacer("HOST", h.host(), "DIR", dir).Replace(args[i])
	}
	args = append(args, "--state-dir", filepath.Join(dir, "state"), "--report", filepath.Join(dir, "report.json"), "--report", filepath.Join(dir, "report.md"))
	limited := []string{"-c", fmt.Sprintf(`ulimit -d %d && exec "$@"`, memoryBound>>10), "sh", program}
	cmd := exec.Command("sh", append(limited, args...)...)
	cmd.Env = []string{"HOME=" + dir}
	if c.login {
		cmd.Args = append(cmd.Args, "--username", username)
		cmd.Env = append(cmd.Env, "REGSWEEP_PASSWORD="+hostilePassword)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	bound := time.AfterFunc(hostileTimeout, func() {
		t.Errorf("it did not end in %v", hostileTimeout)
		_ = cmd.Process.Signal(syscall.SIGQUIT)
	})
	_ = cmd.Wait() // the exit code says how it ended
	bound.Stop()
	said := stdout.String() + stderr.String()
	reports := readAll(t, dir)
	c.judge(t, h, cmd.ProcessState.ExitCode(), said)
	for _, secret := range c.never {
		for where, text := range map[string]string{"what it says": said, "a report": reports} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%q is in %s: … %s", secret, where, text[max(0, i-200):min(len(text), i+len(secret)+50)])
			}
		}
	}
	if strings.Contains(said, "panic:") || strings.Contains(said, "fatal error:") {
		t.Errorf("it crashed:\n%s", said)
	}
	if c.after != nil {
		c.after(t, h)
	}
}

// judge compares a run with what is expected of it.
func (c hostileCase) judge(t *testing.T, h *hostile, code int, said string) {
	t.Helper()
	wrong := c.wrong(h, code, said)
	if len(wrong) > 0 && c.or != nil && len(c.or.wrong(h, code, said)) == 0 {
		wrong = nil
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if len(wrong) > 0 {
		t.Logf("exit code %d, deleted %q, it said:\n%s", code, h.gone(), said)
	}
}

func (e expectation) wrong(h *hostile, code int, said string) []string {
	var out []string
	if !slices.Contains(e.codes, code) {
		out = append(out, "the exit code is another one than expected")
	}
	for _, piece := range e.says {
		piece = strings.ReplaceAll(piece, "HOST", h.host())
		if !strings.Contains(strings.ToLower(said), strings.ToLower(piece)) {
			out = append(out, "it does not say "+piece)
		}
	}
	want := slices.Clone(e.gone)
	slices.Sort(want)
	if !slices.Equal(h.gone(), want) {
		out = append(out, "something else was deleted than "+strings.Join(want, ", "))
	}
	return out
}

// readAll returns the reports, and finds a JSON report that is not valid.
func readAll(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	for _, name := range []string{"report.json", "report.md"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && strings.HasSuffix(name, ".json") && !json.Valid(text) {
			t.Errorf("the JSON report is not valid: %q", text)
		}
		out.Write(text)
	}
	return out.String()
}

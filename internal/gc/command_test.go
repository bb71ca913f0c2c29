package gc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestCommandHints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		program string
		code    int
		said    string
		hint    string
	}{
		{"ssh", 127, "bash: line 1: docker: command not found", "docker is not on the PATH that ssh gives to commands there"},
		{"ssh", 127, "sh: docker: not found", "docker is not on the PATH that ssh gives"},
		{"docker", 1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", "docker does not reach its daemon there"},
		{"ssh", 1, "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock", "docker does not reach its daemon there"},
		{"docker", 127, `OCI runtime create failed: exec: "sleep": executable file not found in $PATH`, "the registry's image has no shell"},
		{"ssh", 255, "Host key verification failed.", "--gc-known-hosts names"},
		{"ssh", 255, "ci@host: Permission denied (publickey).", "--gc-ssh-key names"},
		{"kubectl", 1, `Error from server (Forbidden): deployments.apps "reg" is forbidden`, "the login of kubectl needs rights there"},
		{"kubectl", 1, `Error from server (NotFound): deployments.apps "reg" not found`, "kubectl config current-context names the cluster"},
		{"sh", 1, "no", ""},
	} {
		err := fmt.Errorf("x: %w", exited(c.program, c.code, c.said))
		if got := hintOf(err); !strings.HasPrefix(got, c.hint) || (c.hint == "") != (got == "") {
			t.Errorf("%s: got the hint %q, want %q", c.said, got, c.hint)
		}
	}
	err := (&Target{exec: runProcess}).command("no-such-program").run(t.Context())
	if got := hintOf(err); got != "no-such-program is not on the PATH of this machine: install it, or run regsweep where it is" {
		t.Errorf("got %q", got)
	}
}

func TestRunProcess(t *testing.T) {
	t.Parallel()
	needsShell(t)
	target := &Target{host: &shellHost{via: localMachine{}}, exec: runProcess}
	out, err := target.command("sh", "-c", "echo out; echo err >&2").output(t.Context())
	if err != nil || out != "out\n" {
		t.Errorf("got %q, %v", out, err)
	}
	var failed *CommandError
	long := strings.Repeat("x", 2*maxTail)
	err = target.command("sh", "-c", "echo "+long+"; echo one >&2; echo '"+long+"' >&2; printf 'l\\303\\251st\\033[0m\\r\\n' >&2; exit 7").run(t.Context())
	if !errors.As(err, &failed) || failed.Code != 7 || len(failed.Said) > maxTail+8 || !strings.HasSuffix(err.Error(), "x / lést [0m") {
		t.Errorf("got %v", err)
	}
	if err := target.command("/no/such/program").run(t.Context()); !errors.As(err, &failed) || failed.Code != -1 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if err := target.command("sleep", "60").run(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

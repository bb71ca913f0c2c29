package gc

import (
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// recorder takes the place of the programs on this machine: it notes their arguments and standard input, and answers.

type recorder struct {
	calls  []string
	stdins []string
	answer func(call string) (string, error)
}

func (r *recorder) exec(_ context.Context, c command) error {
	args := slices.Clone(c.args)
	for i, a := range args {
		if strings.Contains(a, "\n") {
			args[i] = "SCRIPT"
		}
	}
	call := strings.Join(args, " ")
	r.calls = append(r.calls, call)
	if c.stdin != nil {
		text, err := io.ReadAll(c.stdin)
		if err != nil {
			return err
		}
		r.stdins = append(r.stdins, string(text))
	}
	out, err := r.answer(call)
	if c.out != nil {
		if _, err := io.WriteString(c.out, out); err != nil {
			return err
		}
	}
	return err
}

// recorded is a target whose programs are recorded.

func recorded(t *testing.T, text string, o TargetOptions, answer func(call string) (string, error)) (*Target, *recorder) {
	t.Helper()
	target, err := ParseTarget(text, o)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{answer: answer}
	target.exec = r.exec
	return target, r
}

func exited(program string, code int, said string) error {
	return &CommandError{program, code, said, errors.New("exit status")}
}

func wantCalls(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A container that cannot be started again, or that something else starts, is told before it is stopped.

// What a person sees first has a hint: a program that is not there, or one that does not reach what it is for.

// A container that is not found is answered with those that are there.

// With buckets the helper is there before the stop, and stays until the end: its name is the lock.

// A helper that exists is another run's: it is refused before the stop, and never removed.

func TestShellHost(t *testing.T) {
	t.Parallel()
	calls := 0
	target, _ := recorded(t, "ssh://host", TargetOptions{Stop: "systemctl stop registry", Start: "systemctl start registry"}, func(string) (string, error) {
		if calls++; calls == 2 {
			return "", exited("ssh", 5, "no unit")
		}
		return "", nil
	})
	h, ctx := target.host, t.Context()
	if err := errors.Join(h.open(ctx), h.stop(ctx, "/srv"), h.close(ctx)); err != nil {
		t.Error(err)
	}
	if err := h.start(ctx, "/srv"); err == nil || err.Error() != `--gc-start "systemctl start registry": ssh exited with 5: no unit` {
		t.Errorf("got %v", err)
	}
	if h.startCommand() != "systemctl start registry" || !reflect.DeepEqual(h.facts(), facts{}) {
		t.Errorf("got %s, %+v", h.startCommand(), h.facts())
	}
}

// The operator's command is run by a shell as it is written, and what it prints goes into a file.

func TestShellHostRunsTheCommand(t *testing.T) {
	t.Parallel()
	needsShell(t)
	dir := t.TempDir()
	target, err := ParseTarget("local:", TargetOptions{Stop: "echo \"it's $((1+1))\"", Start: "echo no; exit 3", Environment: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.host.stop(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(dir + "/.regsweep-gc-stop.log"); err != nil || string(text) != "it's 2\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := target.host.start(t.Context(), dir); err == nil || !strings.HasSuffix(err.Error(), ": sh exited with 3: no") {
		t.Errorf("got %v", err)
	}
}

// The kind of an error decides the exit code, wherever the error is wrapped.

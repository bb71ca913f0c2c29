package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// patience is how long a command may take. The longest, which makes a container image, takes about two minutes beside the other
// tests on two processors.
const patience = 10 * time.Minute

// bounded is a command that is ended when the test is over or patience is. So a command that hangs fails its own test. A Go
// program then says where it hangs, because SIGQUIT makes it print its goroutines.
func bounded(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = 10 * time.Second // for a process that it has started and that holds its output
	return cmd
}

// sweep is a command that runs the program under test.
func sweep(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return bounded(t, filepath.Join(program, "regsweep"), args...)
}

// Package product builds regsweep from the sources beside this module and runs it as a CI does: the real program, in a
// process of its own, with an environment that holds only what it is given.
package product

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Build compiles regsweep into dir and returns the program's path.
func Build(ctx context.Context, dir string) (string, error) {
	var root bytes.Buffer
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/regsweep/regsweep")
	list.Stdout, list.Stderr = &root, os.Stderr
	if err := list.Run(); err != nil {
		return "", fmt.Errorf("find the sources of regsweep: %w", err)
	}
	return compile(ctx, strings.TrimSpace(root.String()), ".", filepath.Join(dir, "regsweep"))
}

// BuildPeak compiles the command e2e/bench/peak into dir and returns its path.
func BuildPeak(ctx context.Context, dir string) (string, error) {
	return compile(ctx, ".", "github.com/regsweep/regsweep/e2e/bench/peak", filepath.Join(dir, "peak"))
}

// BuildContestant compiles the command e2e/bench/contestant into dir and returns its path.
func BuildContestant(ctx context.Context, dir string) (string, error) {
	return compile(ctx, ".", "github.com/regsweep/regsweep/e2e/bench/contestant", filepath.Join(dir, "contestant"))
}

// compile builds a package in the module that holds the folder. Go itself says what is wrong with the sources.
func compile(ctx context.Context, folder, pkg, binary string) (string, error) {
	build := exec.CommandContext(ctx, "go", "build", "-C", folder, "-o", binary, pkg)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", filepath.Base(binary), err)
	}
	return binary, nil
}

// Command returns a run of a program with home as its home folder and the environment of that alone. When ctx is
// cancelled the program gets one SIGTERM and all the time it needs to finish and to report. It is in a process group of
// its own, because the terminal would send it Ctrl-C besides, and a second signal ends regsweep at once.
func Command(ctx context.Context, home, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	return cmd
}

//go:build unix

package gc

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a program into a process group of its own: a terminal sends Ctrl-C to the whole group, and the registry has
// to be started again after that.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

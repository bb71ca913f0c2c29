package gc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
	"unicode"
)

// command is one run of a program on this machine.
type command struct {
	args  []string
	env   []string  // nil is the environment of this process
	stdin io.Reader // nil is empty
	out   io.Writer // nil discards
	exec  func(context.Context, command) error
}

// CommandError is a command that failed, with the last lines of its standard error.
type CommandError struct {
	Program string // the name of the program on this machine, such as ssh
	Code    int    // the exit code; -1 when it was ended by a signal or could not be started
	Said    string // the end of its standard error, one line
	err     error
}

func (e *CommandError) Error() string {
	text := e.Program + " "
	if e.Code >= 0 {
		text += fmt.Sprintf("exited with %d", e.Code)
	} else {
		text += e.err.Error()
	}
	if e.Said != "" {
		text += ": " + e.Said
	}
	return text
}

func (e *CommandError) Unwrap() error { return e.err }

// lostCode is the exit code of ssh when ssh itself failed, not the remote command (ssh(1), EXIT STATUS).
const lostCode = 255

// run runs the command to its end. A cancelled ctx ends it and is the error then.
func (c command) run(ctx context.Context) error { return c.exec(ctx, c) }

// runProcess runs a command as a process of this machine.
func runProcess(ctx context.Context, c command) error {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	var said tail
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.env, c.stdin, c.out, &said
	cmd.WaitDelay = 2 * time.Second // for a process that inherited a pipe
	ownGroup(cmd)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit):
		return &CommandError{c.args[0], exit.ExitCode(), said.String(), err}
	}
	return &CommandError{c.args[0], -1, said.String(), err}
}

// output runs the command and returns what it printed.
func (c command) output(ctx context.Context) (string, error) {
	var b bytes.Buffer
	c.out = &b
	err := c.run(ctx)
	return b.String(), err
}

// maxTail bounds how much of a program's standard error is kept.
const maxTail = 600

// tail keeps the end of what is written to it.
type tail struct{ end []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.end = append(t.end, p...)
	if over := len(t.end) - maxTail; over > 0 {
		t.end = append(t.end[:0], t.end[over:]...)
	}
	return len(p), nil
}

// String returns the end as one line.
func (t *tail) String() string { return oneLine(string(t.end)) }

// oneLine joins the lines of a text and takes out what a terminal would act upon.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " / ")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, ""))
	return strings.TrimSpace(text)
}

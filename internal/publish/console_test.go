package publish_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/publish"
)

// wordy is a message that no terminal has a line for.
var wordy = strings.TrimSpace(strings.Repeat("a message that is longer than the line of any terminal ", 20))

// In a log, each message is one line, whatever is in it and however long it is.
func TestMessagesInLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		say  func(c *publish.Console)
		want string
	}{
		{"an error", func(c *publish.Console) { c.Errorf("%s: %v", "h/a", errors.New("it is gone")) }, "h/a: it is gone"},
		{"a hint", func(c *publish.Console) { c.Hintf("look at %d", 7) }, "hint: look at 7"},
		{"a warning", func(c *publish.Console) { c.Warningf("%v", "x") }, "warning: x"},
		{"a note", func(c *publish.Console) { c.Notef("x") }, "x"},
		{"a long one", func(c *publish.Console) { c.Errorf("%s", wordy) }, wordy},
		{"lines", func(c *publish.Console) { c.Errorf("a\r\nregsweep: b\n") }, `a\r\nregsweep: b\n`},
		{"an escape sequence", func(c *publish.Console) { c.Warningf("\x1b[2J%s\a", "\u009b31m") }, `warning: \x1b[2J\u009b31m\x07`},
		{"commands of CI systems", func(c *publish.Console) { c.Hintf("##vso[x] ##[error]y\n::error::z") }, `hint: \x23#vso[x] \x23#[error]y\n::error::z`},
		{"a command at the beginning", func(c *publish.Console) { c.Notef("::stop-commands::x") }, `\x3a:stop-commands::x`},
		{"two in one", func(c *publish.Console) {
			c.Together(func(c *publish.Console) { c.Errorf("a\x1b%s", wordy); c.Hintf("b") })
		}, `a\x1b` + wordy + "\nregsweep: hint: b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			c.say(publish.NewConsole(&log, now))
			if got, want := log.String(), "regsweep: "+c.want+"\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// What is said together reaches the log in one piece, or not at all if nothing is said.
func TestTogetherIsOneWrite(t *testing.T) {
	t.Parallel()
	var log writes
	c := publish.NewConsole(&log, now)
	c.Together(func(c *publish.Console) { c.Errorf("a"); c.Hintf("b") })
	c.Together(func(*publish.Console) {})
	if got := strings.Join(log, "|"); strings.TrimSuffix(got, "|") != "regsweep: a\nregsweep: hint: b\n" {
		t.Errorf("got %q", got)
	}
}

// writes are what was written to it, write by write.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

// Only the CI system's commands are written as they are.
func TestRaw(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	publish.NewConsole(&log, now).Raw("::debug::x\n\x1b[0K")
	if got := log.String(); got != "::debug::x\n\x1b[0K" {
		t.Errorf("got %q", got)
	}
}

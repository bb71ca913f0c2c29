package gc

import (
	"context"
	"errors"
	"fmt"
)

// Kind is what kind of failure an error of this package is. It is what an exit code depends on.
type Kind string

// The kinds.
const (
	KindFailed    Kind = "failed"    // the registry, its host or its garbage collection failed
	KindBadInput  Kind = "bad input" // a target or a log that the user named cannot be meant
	KindRefused   Kind = "refused"   // a guard refused: nothing was stopped
	KindCancelled Kind = "cancelled" // the context was cancelled; the registry serves again
)

// KindOf returns the kind of an error of this package, KindFailed for any other. A registry that is down and kept images
// that are broken count more than the reason that led to it.
func KindOf(err error) Kind {
	var refusal *Refusal
	var log *LogError
	switch {
	case IsDisaster(err):
		return KindFailed
	case errors.As(err, &refusal):
		return KindRefused
	case errors.Is(err, context.Canceled):
		return KindCancelled
	case errors.Is(err, ErrTarget):
		return KindBadInput
	case errors.As(err, &log):
		return KindBadInput
	}
	return KindFailed
}

// IsDisaster reports whether an error says that the registry is down, or that kept images are broken.
func IsDisaster(err error) bool {
	var down *NotBackError
	var broken *MissingError
	return errors.As(err, &down) || errors.As(err, &broken)
}

// Refusal is a garbage collection that was not begun: nothing was stopped.
type Refusal struct{ Why, Advice string }

func (r *Refusal) Error() string { return "refused: " + r.Why + "; nothing was stopped" }

// Hint says what to do about it; "" when there is nothing to say.
func (r *Refusal) Hint() string { return r.Advice }

// NotBackError is the most severe failure: the registry was stopped and does not serve again.
type NotBackError struct {
	// Started is how it was started.
	Started string
	// Cause is what was seen last.
	Cause error
	// Collecting is true when the garbage collection may still be running. Then the registry was not started: a registry
	// that serves during a garbage collection corrupts images.
	Collecting bool
}

func (e *NotBackError) Error() string {
	if e.Collecting {
		return "the registry is stopped and was not started, because its garbage collection may still be running: " + e.Cause.Error()
	}
	return "the registry is not back; it was started by " + e.Started + ": " + e.Cause.Error()
}

func (e *NotBackError) Unwrap() error { return e.Cause }

// Hint says what to do by hand.
func (e *NotBackError) Hint() string {
	if e.Collecting {
		return "make sure that no garbage-collect is running there, then start the registry: " + e.Started
	}
	return "check the registry's own log, then start the registry: " + e.Started
}

// MissingError says that kept images are no longer whole after a garbage collection.
type MissingError struct{ Missing []Missing }

func (e *MissingError) Error() string {
	text := "kept images are no longer whole: " + e.Missing[0].Repository.String() + " lacks " + e.Missing[0].Digest.String()
	if n := len(e.Missing) - 1; n > 0 {
		text += " (and " + count(n, "more digest", "more digests") + ")"
	}
	return text
}

// Hint says what to do by hand.
func (e *MissingError) Hint() string {
	return "push these images again, now that the registry has been restarted"
}

// ErrTarget matches every [TargetError].
var ErrTarget = errors.New("not a valid target")

// TargetError is a target that cannot be meant.
type TargetError struct {
	// Text is the target as it was written, without a password.
	Text    string
	Problem string
	// DryRun is true for a target that stops nothing.
	DryRun bool
}

func (e *TargetError) Error() string {
	return fmt.Sprintf("%q is %v: %s", e.Text, ErrTarget, e.Problem)
}

func (e *TargetError) Unwrap() error { return ErrTarget }

// Hint shows targets that are right.
func (e *TargetError) Hint() string {
	if e.DryRun {
		return "for example --gc-via docker://registry or ssh://user@host (docs/garbage-collection.md); a dry run stops nothing"
	}
	return "for example --gc-via docker://registry, or ssh://user@host with --gc-stop and --gc-start (docs/garbage-collection.md)"
}

// hinted is an error with a hint of its own.
type hinted struct {
	error
	hint string
}

func (h hinted) Hint() string  { return h.hint }
func (h hinted) Unwrap() error { return h.error }

// hintOf is the hint of an error, "" when it has none.
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

var (
	errTimeout = errors.New("it took longer than --gc-timeout")
	errServing = errors.New("something still answers at the registry's address")
)

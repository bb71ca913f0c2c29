// Package gc has a registry collect its garbage: where the registry runs, in its own process space, with the registry
// stopped meanwhile and started again whatever happens. It measures what was freed and checks that every kept image is
// still whole.
//
// Three things go wrong when a collection is typed by hand, and this package exists for them. Whatever is pushed while a
// registry collects can lose its layers. The serving process remembers blobs that are gone, and the next push is told
// that they are there. And 2.x with --delete-untagged deletes the parts of multi-arch images.
// (https://distribution.github.io/distribution/about/garbage-collection/,
// https://github.com/distribution/distribution/issues/1803, https://github.com/distribution/distribution/issues/3178)
package gc

import (
	"context"
	"errors"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Mode says whether the registry serves while it is collected.
type Mode string

// The modes.
const (
	Offline Mode = "offline" // stopped, collected, started
	Live    Mode = "live"    // collected, then restarted: what is pushed meanwhile can be lost
)

// Options of a collection. The zero value is the safe one.
type Options struct {
	// Binary is the registry's program; "" looks for it.
	Binary string
	// Config is the registry's configuration file; "" looks where the images keep it.
	Config string
	// Mode is Offline unless Live is asked for by name.
	Mode Mode
	// DeleteUntagged deletes manifests without a tag as well. On 2.x that destroys multi-arch images, and is refused
	// unless DestroysMultiArch says that this is known.
	DeleteUntagged, DestroysMultiArch bool
	// Timeout bounds the collection alone; 0 is an hour.
	Timeout time.Duration
	// Wait bounds how long the registry may take to answer once it is started; 0 is a minute.
	Wait time.Duration
	// BreakLock takes a lock that an earlier run has left behind, unless its collection still runs.
	BreakLock bool
	// Owner says in the lock who collects.
	Owner string
	// RetryBase is the first pause before something is tried again; 0 is a second.
	RetryBase time.Duration
	// Untagged are kept images that no tag leads to, in whatever way.
	Untagged []oci.Digest
	// Say is told what a person who waits wants to know; nil is not.
	Say func(text string)
}

// Front is the registry as its clients see it.
type Front interface {
	// Answers asks once whether the registry serves.
	Answers(ctx context.Context) error
	// Verify asks for everything that the kept images are made of.
	Verify(ctx context.Context) (Check, error)
}

// Check is what became of the kept images.
type Check struct {
	Images  int // that were looked at
	Missing []Missing
}

// Missing is a manifest or blob that a kept image needs and the registry does not have.
type Missing struct {
	Repository oci.Repository
	Digest     oci.Digest
}

// Result is what became of a collection. Its zero value has collected nothing.
type Result struct {
	Via     string
	Mode    Mode
	Version string // of the registry's binary
	// Skipped says why there was no collection though one was asked for; "" when there was.
	Skipped string
	// Collected is true when the registry's collection ran to its end.
	Collected bool
	// Log is what it printed.
	Log Log
	// Measured is true when the bytes below are known.
	Measured bool
	// Freed is how much less the blobs' files hold, StorageFreed by how much the storage takes up less of the disk.
	Freed, StorageFreed int64
	// FreeBefore and FreeAfter are what the disk had to spare.
	FreeBefore, FreeAfter int64
	// Stopped is true once the registry was told to stop, Restarted once it answers again after that.
	Stopped, Restarted bool
	// Away is how long it did not answer, Collecting how long of that its own collection took.
	Away, Collecting time.Duration
	Elapsed          time.Duration
	// Verified is true when the kept images were looked at; Check says what was found, without what was missing before.
	Verified bool
	Check    Check
	// Lock is the folder of the lock.
	Lock  string
	Notes []string
	// Err is why the collection failed; nil when all went well.
	Err error
}

// Refusal is a collection that is not begun: nothing was stopped.
type Refusal struct{ Why, Advice string }

func (r *Refusal) Error() string { return "refused: " + r.Why + "; nothing was stopped" }

// Hint says what to do about it; "" when there is nothing to say.
func (r *Refusal) Hint() string { return r.Advice }

// hinted is an error with advice.
type hinted struct {
	error
	advice string
}

func (h hinted) Hint() string  { return h.advice }
func (h hinted) Unwrap() error { return h.error }

// NotBackError is the gravest end: the registry was stopped and does not serve again.
type NotBackError struct {
	// Started is how it was started.
	Started string
	// Cause is what was seen last.
	Cause error
	// Collecting is true when it could not be made sure that the collection is over. Then the registry was not
	// started: a registry that serves while it is collected corrupts images.
	Collecting bool
}

func (e *NotBackError) Error() string {
	if e.Collecting {
		return "the registry is stopped and was not started, because its collection may still run: " + e.Cause.Error()
	}
	return "the registry is not back; it was started by " + e.Started + ": " + e.Cause.Error()
}

func (e *NotBackError) Unwrap() error { return e.Cause }

// Hint says what is to be done by hand.
func (e *NotBackError) Hint() string {
	if e.Collecting {
		return "make sure that no garbage-collect runs there, then start it: " + e.Started
	}
	return "look at the registry's own log, and start it: " + e.Started
}

// MissingError is a collection after which kept images are no longer whole.
type MissingError struct{ Missing []Missing }

func (e *MissingError) Error() string {
	text := "kept images are no longer whole: " + e.Missing[0].Repository.String() + " lacks " + e.Missing[0].Digest.String()
	if n := len(e.Missing) - 1; n > 0 {
		text += " (and " + count(n, "more digest", "more digests") + ")"
	}
	return text
}

// Hint says what is to be done by hand.
func (e *MissingError) Hint() string {
	return "push these images again, now that the registry has been restarted"
}

var (
	errTimeout = errors.New("it took longer than --gc-timeout")
	errServing = errors.New("something still answers for the registry")
)

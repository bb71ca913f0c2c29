// Package gc runs the registry's own garbage collection next to the registry, with the registry stopped meanwhile and
// started again whatever happens. It measures what was freed and checks that every kept image is still whole.
//
// Three things go wrong when somebody types the command by hand, and this package exists for them. What is pushed during
// the garbage collection can lose its layers. The serving process remembers blobs that are gone, and tells the next push
// that they are there. And 2.x with --delete-untagged deletes the parts of multi-arch images, so that option is given to dry
// runs alone, which delete nothing.
// (https://distribution.github.io/distribution/about/garbage-collection/,
// https://github.com/distribution/distribution/issues/1803, https://github.com/distribution/distribution/issues/3178)
package gc

import (
	"context"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Mode says whether the registry serves during the garbage collection.
type Mode string

// The modes.
const (
	Offline Mode = "offline" // stop, collect, start
	Live    Mode = "live"    // collect, then restart: what is pushed meanwhile can be lost
)

// Options of a garbage collection. The zero value is the safe one.
type Options struct {
	// Binary is the registry's program; "" looks for it.
	Binary string
	// Config is the registry's configuration file; "" looks where the images keep it.
	Config string
	// Mode is Offline unless Live is asked for by name.
	Mode Mode
	// Timeout bounds the garbage collection alone; 0 is an hour.
	Timeout time.Duration
	// Wait bounds how long the registry may take to answer after its start; 0 is a minute.
	Wait time.Duration
	// BreakLock takes a lock that an earlier run has left, unless that run's garbage collection is still running.
	BreakLock bool
	// Owner is written into the lock, for whoever finds it.
	Owner string
	// RetryBase is the first pause before something is tried again; 0 is a second.
	RetryBase time.Duration
	// Remover removes tags and manifests while the registry is stopped, right before its garbage collection; nil removes none.
	// It needs Offline, and a storage that is a folder.
	Remover Remover
	// Say receives the steps of a run, for a person who waits; nil discards them.
	Say func(text string)
}

// Client is the registry as its clients see it.
type Client interface {
	// Answers asks once whether the registry serves.
	Answers(ctx context.Context) error
	// Verify asks for everything that the kept images are made of.
	Verify(ctx context.Context) (Check, error)
	// Sample returns what the registry's storage must hold: a kept image of each repository, or the first repository of
	// the catalog where no image is kept. It is empty when the registry holds nothing.
	Sample(ctx context.Context) ([]Held, error)
}

// Held is a manifest that a registry serves; Digest is "" for a repository of which no manifest is known.
type Held struct {
	Repository oci.Repository
	Digest     oci.Digest
}

// Check is the state of the kept images.
type Check struct {
	Images  int // that were asked for
	Digests int // that these images are made of and the registry has: manifests, configs and layers, each once
	Missing []Missing
}

// Missing is a manifest or blob that a kept image needs and the registry does not have.
type Missing struct {
	Repository oci.Repository
	Digest     oci.Digest
}

// Result is the outcome of a garbage collection. Its zero value has collected nothing.
type Result struct {
	Via     string
	Mode    Mode
	Version string // of the registry's binary
	// Skipped says why nothing was collected although a garbage collection was asked for; "" when one was run.
	Skipped string
	// Collected is true when the registry's garbage collection ran to its end.
	Collected bool
	// Log is what it printed; its numbers are not known when LogIncomplete is true.
	Log Log
	// LogIncomplete is true when the garbage collection ran to its end and a full disk cut its log off.
	LogIncomplete bool
	// Measured is true when the bytes below are known.
	Measured bool
	// Freed is how many bytes less the blobs' files hold, StorageFreed how many less the storage takes up on the disk.
	Freed, StorageFreed int64
	// FreeBefore and FreeAfter are the free bytes of the disk.
	FreeBefore, FreeAfter int64
	// Stopped is true once the registry was told to stop, Restarted once it answers again after that.
	Stopped, Restarted bool
	// Away is how long it did not answer, Collecting how long of that its own garbage collection took.
	Away, Collecting time.Duration
	Elapsed          time.Duration
	// Verified is true when the kept images were checked; Check is the outcome, without what was missing before.
	Verified bool
	Check    Check
	// Lock is the folder of the lock.
	Lock  string
	Notes []string
	// Err is why the garbage collection failed; nil when all went well.
	Err error
}

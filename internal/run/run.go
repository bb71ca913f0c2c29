// Package run prunes and ranks repositories and runs garbage collections. It uses no flags, no environment and no terminal:
// it takes a [Job] and returns a summary, and reports its progress as events.
package run

import (
	"context"
	"errors"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/state"
)

// Job is what a prune has to do.
type Job struct {
	// Images are the repositories, which may be patterns, and what the pipeline has just pushed to them.
	Images oci.Pushes
	// Absent returns what helps where a registry does not know a repository, or has nothing in it; it may be nil, and return
	// "".
	Absent func(oci.Repository) string
	// Policy returns what a repository keeps.
	Policy func(oci.Repository) (retain.Policy, error)
	// Shard is the part of the repositories for this run; the zero value means all of them. The run sets Of.
	Shard report.Shard
	// DryRun means that the run plans but deletes nothing.
	DryRun bool
	// Explain is the tag or digest of an image whose verdict is to be explained; "" for none.
	Explain string
	// Method is how images are deleted.
	Method prune.Method
	// Workers is the maximum number of parallel deletions; 0 means prune's default.
	Workers int
	// Timeout ends the run after this long; 0 means that the run has no time limit.
	Timeout time.Duration
	// GC is the garbage collection after the deletions; nil means none.
	GC *GCJob
}

// World is what a run may touch.
type World struct {
	// Open returns the client of a registry. The run calls it several times for the same host.
	Open func(host string) (registry.Registry, error)
	// State is the state folder, in which the next run finds what this one leaves. Without one (nil), the run deletes by
	// digest.
	State *state.Dir
	// Now is the clock.
	Now func() time.Time
	// Deadline ends a context after so long with a cause; nil does so by the system's clock.
	Deadline func(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc)
	// Drain is how long a cancelled run may finish what it has begun; 0 means [registry.DrainTime]. Hurry, which may be nil,
	// ends that time early when it is closed.
	Drain time.Duration
	Hurry <-chan struct{}
	// Confirm is asked before anything is deleted, with the plans of all repositories as the summary of a dry run, when
	// there is something to delete. Nothing is deleted when it returns false. It may be nil; then each repository is
	// executed as soon as it was read.
	Confirm func(ctx context.Context, plan report.Summary) bool
	// Events receives what happens during the run, from several goroutines; it may be nil.
	Events func(Event)
}

// Event is something that happens during a run: [Progress], [RepositoryDone], [ShardChosen], [CatalogSkipped] or [GCStep].
type Event interface{ event() }

// Progress says how many of all units, such as "deletions", are done for a repository or a registry.
type Progress struct {
	Name, Unit string
	Done, All  int
}

// RepositoryDone says that the work on a repository has ended, with or without an error.
type RepositoryDone struct{ report.Outcome }

// ShardChosen says which part of the repositories this run prunes.
type ShardChosen struct {
	report.Shard
	Own int // how many repositories belong to the part
}

// CatalogSkipped says which names in a registry's catalog match a pattern and cannot be repositories, such as the folders
// that a network storage puts next to the registry's own.
type CatalogSkipped struct {
	Host  string
	Names []string
}

// GCStep describes the current step of a garbage collection.
type GCStep struct {
	Text string
	// Warning is true for what the reader should know before it happens.
	Warning bool
}

func (Progress) event()       {}
func (RepositoryDone) event() {}
func (ShardChosen) event()    {}
func (CatalogSkipped) event() {}
func (GCStep) event()         {}

func (w World) deadline(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if w.Deadline != nil {
		return w.Deadline(ctx, d, report.ErrTimeout)
	}
	return context.WithTimeoutCause(ctx, d, report.ErrTimeout)
}

func (w World) tell(e Event) {
	if w.Events != nil {
		w.Events(e)
	}
}

// ErrNotLookedAt is the error of a repository that the run did not reach before it was cancelled or its time was over.
var ErrNotLookedAt = errors.New("not looked at")

// ErrNothingRead is the cause of a run whose time was over before it read any repository. It wraps [report.ErrTimeout].
var ErrNothingRead error = nothingRead{}

// ErrDeclined is what ended a run whose plan was not confirmed. It wraps [context.Canceled].
var ErrDeclined error = declined{}

type declined struct{}

func (declined) Error() string { return "the plan was not confirmed" }
func (declined) Unwrap() error { return context.Canceled }

type nothingRead struct{}

func (nothingRead) Error() string { return report.ErrTimeout.Error() + ", and no repository was read" }
func (nothingRead) Unwrap() error { return report.ErrTimeout }

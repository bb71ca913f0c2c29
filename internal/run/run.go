// Package run does the whole job for the repositories that it is given: it reads them, decides, deletes, has the registry
// collect its garbage and ranks repositories. It knows neither flags nor environment nor terminal: a [Job] goes in, a
// summary comes out, and what happens on the way are events.
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

// Job is what a prune is asked to do.
type Job struct {
	// Images are the repositories, which may be patterns, and what the pipeline has just pushed to them.
	Images oci.Pushes
	// Policy returns what a repository keeps.
	Policy func(oci.Repository) (retain.Policy, error)
	// Shard is the part of the repositories that is for this run; the zero value is all. Of is filled in by the run.
	Shard report.Shard
	// DryRun plans and deletes nothing.
	DryRun bool
	// Method is how images are deleted.
	Method prune.Way
	// Workers bounds the deletions that run in parallel; 0 means prune's default.
	Workers int
	// Timeout ends the run after this long; 0 never does.
	Timeout time.Duration
	// GC is the garbage collection after the deletions; nil for none.
	GC *GCJob
}

// World is what a run may touch.
type World struct {
	// Open returns the client of a registry; it is called for each host as often as the run needs it.
	Open func(host string) (registry.Registry, error)
	// State is the folder in which the next run finds what this one leaves; nil where there is none, and then images are
	// deleted by digest.
	State *state.Dir
	// Now is the clock.
	Now func() time.Time
	// Confirm is asked before anything is deleted, with the plans of all repositories as the summary of a dry run, when
	// there is something to delete. Nothing is deleted when it returns false. nil is not asked, and then each repository is
	// worked on as soon as it was read.
	Confirm func(ctx context.Context, plan report.Summary) bool
	// Events is told what happens, by several goroutines; nil is not.
	Events func(Event)
}

// Event is something that happens during a run: [Progress], [RepositoryDone], [ShardChosen] or [GCStep].
type Event interface{ event() }

// Progress says that so many of all units, such as "deletions", are done for a repository or a registry.
type Progress struct {
	Name, Unit string
	Done, All  int
}

// RepositoryDone says that the work on a repository has ended, for better or worse.
type RepositoryDone struct{ report.Outcome }

// ShardChosen says which part of the repositories is for this run.
type ShardChosen struct {
	report.Shard
	Own int // how many of the repositories they are
}

// GCStep says in words how far a garbage collection is.
type GCStep struct{ Text string }

func (Progress) event()       {}
func (RepositoryDone) event() {}
func (ShardChosen) event()    {}
func (GCStep) event()         {}

func (w World) tell(e Event) {
	if w.Events != nil {
		w.Events(e)
	}
}

// ErrNotLookedAt is the error of a repository that a cancel or the end of the run's time came before.
var ErrNotLookedAt = errors.New("not looked at")

// ErrNothingRead is what ended a run whose time was over before any repository was read. It wraps [report.ErrTimeout].
var ErrNothingRead error = nothingRead{}

// ErrDeclined is what ended a run whose plan was not confirmed. It wraps [context.Canceled].
var ErrDeclined error = declined{}

type declined struct{}

func (declined) Error() string { return "the plan was not confirmed" }
func (declined) Unwrap() error { return context.Canceled }

type nothingRead struct{}

func (nothingRead) Error() string { return report.ErrTimeout.Error() + ", and no repository was read" }
func (nothingRead) Unwrap() error { return report.ErrTimeout }

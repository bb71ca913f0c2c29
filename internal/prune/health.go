package prune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/regsweep/regsweep/internal/registry"
)

// maxFailures is how many deletions in a row may fail, each after its own retries, before the registry counts as
// broken: it is not asked a thousand times more.
const maxFailures = 5

// health is whether deleting goes on. It is safe for use by several goroutines.
type health struct {
	mu       sync.Mutex
	answered bool  // the registry has accepted a deletion
	failures int   // deletions in a row that failed
	err      error // why nothing else is begun
	broken   bool  // nothing more is deleted, not even the parts of what is gone
}

// begins reports whether something else may be begun, and notes a cancel.
func (h *health) begins(ctx context.Context) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil && ctx.Err() != nil {
		h.err = context.Cause(ctx)
	}
	return h.err == nil
}

// finishes reports whether what has begun may be finished.
func (h *health) finishes(ctx context.Context) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.broken && ctx.Err() == nil
}

// cause is why what has begun may not be finished; nil when it may.
func (h *health) cause(ctx context.Context) error {
	if h.finishes(ctx) {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return cmp.Or(h.err, context.Cause(ctx))
}

// hasAnswered reports whether the registry has accepted a deletion. Until then one request asks at a time: where the
// registry deletes nothing, one request has asked instead of one for each worker.
func (h *health) hasAnswered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.answered
}

// asksAgain lets one request ask at a time again: another kind of deletion begins, which the registry has not accepted yet.
func (h *health) asksAgain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered = false
}

// cancelled notes that the run ended before something else was begun.
func (h *health) cancelled(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = cmp.Or(h.err, context.Cause(ctx))
}

// fails notes why nothing else is begun.
func (h *health) fails(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = cmp.Or(h.err, err)
}

// breaks notes what nothing survives. It says more than a cancel before it, after which what has begun could still be
// finished.
func (h *health) breaks(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil || errors.Is(err, h.err) {
		h.err = err
	}
	h.broken = true
}

// learn draws from the answer to one deletion whether the others are worth trying. deletes says that the same request has
// deleted something else.
func (h *health) learn(ctx context.Context, err error, deletes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.answered, h.failures = true, 0
	case h.broken, h.answered && (errors.Is(err, registry.ErrForbidden) || errors.Is(err, registry.ErrInUse)): // one image's own protection
	case isInUse(err), errors.Is(err, registry.ErrRetained):
		h.answered = true // it deletes, but not this
	case errors.Is(err, registry.ErrLimited):
		h.err = cmp.Or(h.err, err)
	case ctx.Err() != nil:
		h.err = cmp.Or(h.err, context.Cause(ctx))
	case !(h.answered && errors.Is(err, registry.ErrIntercepted)) && (stops(err) || errors.Is(err, registry.ErrForbidden)):
		h.err, h.broken = err, true
	case deletes: // the failure is of this one alone
	default:
		if h.failures++; h.failures >= maxFailures {
			h.broken = true
			h.err = fmt.Errorf("%d deletions in a row failed, the last one: %w", h.failures, err)
		}
	}
}

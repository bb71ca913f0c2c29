package registry

import (
	"context"
	"time"
)

// DrainTime is how long requests that change something, and the deletion of parts, may go on after a run is cancelled.
// Untagged parts are in no listing: left behind, they are found by nobody but the journal.
const DrainTime = 20 * time.Second

type drainKey struct{}

// WithDrain returns a context whose requests that change something, once they are on their way, end with drain instead:
// an answer that nobody waits for leaves behind what is not known. Both ends bound a run.
func WithDrain(ctx, drain context.Context) context.Context {
	return context.WithValue(ctx, drainKey{}, drain)
}

// Drain returns the context that [WithDrain] gave to ctx, else one that ends [DrainTime] after ctx. The caller calls
// the function when it is done with the context.
func Drain(ctx context.Context) (context.Context, context.CancelFunc) {
	if drain, ok := ctx.Value(drainKey{}).(context.Context); ok {
		return drain, func() {}
	}
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(DrainTime, func() { cancel(context.Cause(ctx)) })
	})
	return out, func() {
		stop()
		cancel(context.Canceled)
	}
}

package registry

import (
	"context"
	"time"
)

type waitKey struct{}

// WithWait returns a context in which [Wait] calls wait. Tests count the time that a client waits instead of spending it.
func WithWait(ctx context.Context, wait func(ctx context.Context, d time.Duration) error) context.Context {
	return context.WithValue(ctx, waitKey{}, wait)
}

// Wait waits until a limit of the registry lets a client go on. It returns the cause of a context that ends first.
func Wait(ctx context.Context, d time.Duration) error {
	if wait, ok := ctx.Value(waitKey{}).(func(context.Context, time.Duration) error); ok {
		return wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

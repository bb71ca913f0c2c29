package run

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
)

// withDrain returns ctx with the time in which a cancelled run finishes what it has begun: that of the world, or until it
// hurries. After --timeout nobody kills the run, so it has [registry.DrainTime]. The caller calls the function at the end.
func (w World) withDrain(ctx context.Context) (context.Context, context.CancelFunc) {
	drain, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		left := cmp.Or(w.Drain, registry.DrainTime)
		if errors.Is(context.Cause(ctx), report.ErrTimeout) {
			left = registry.DrainTime
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-w.Hurry:
		case <-drain.Done():
		}
		cancel(context.Cause(ctx))
	})
	return registry.WithDrain(ctx, drain), func() {
		stop()
		cancel(context.Canceled)
	}
}

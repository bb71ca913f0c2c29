package run

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
)

// A cancelled run finishes what it has begun within the time that its CI leaves it, or until a second signal.
func TestDrain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		drain   time.Duration
		signals int
		cause   error
		want    time.Duration
	}{
		"by hand":            {0, 1, context.Canceled, registry.DrainTime},
		"in a CI":            {5 * time.Second, 1, context.Canceled, 5 * time.Second},
		"by --timeout":       {5 * time.Second, 0, report.ErrTimeout, registry.DrainTime},
		"by a second signal": {5 * time.Second, 2, context.Canceled, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				hurry := make(chan struct{})
				ctx, end := World{Drain: test.drain, Hurry: hurry}.withDrain(ctx)
				defer end()
				drain, done := registry.Drain(ctx)
				defer done()
				synctest.Wait()
				if drain.Err() != nil {
					t.Fatal("the drain ends before the run")
				}
				begun := time.Now()
				cancel(test.cause)
				if test.signals > 1 {
					synctest.Wait()
					close(hurry)
				}
				<-drain.Done()
				if got := time.Since(begun); got != test.want {
					t.Errorf("drains for %s, want %s", got, test.want)
				}
			})
		})
	}
}

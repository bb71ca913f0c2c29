package registry

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	t.Parallel()
	if err := Wait(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the run is over")
	cancel(cause)
	if err := Wait(ctx, time.Hour); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	var asked time.Duration
	counted := WithWait(t.Context(), func(_ context.Context, d time.Duration) error {
		asked += d
		return nil
	})
	if err := Wait(counted, time.Hour); err != nil || asked != time.Hour {
		t.Errorf("got %v, %v", err, asked)
	}
}

package gc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

const (
	// maxFailures is how often a command that fails is tried. A command that is wrong stays wrong.
	maxFailures = 3
	// maxPause bounds the pause between two tries over a lost connection.
	maxPause = 30 * time.Second
)

// retry tries until it succeeds, has failed too often, or ctx is over. A lost connection does not count as a failure,
// because hosts come back.
func (r *run) retry(ctx context.Context, try func() error) error {
	wait, failures := r.o.RetryBase, 0
	for {
		err := try()
		if err == nil {
			return nil
		}
		if !lost(err) {
			failures++
		}
		if failures >= maxFailures || pause(ctx, wait) != nil {
			return err
		}
		wait = min(2*wait, maxPause)
	}
}

// lost reports whether an error is ssh's own. The remote command may not have been run at all, or may still run.
func lost(err error) bool {
	var failed *CommandError
	return errors.As(err, &failed) && failed.Program == "ssh" && failed.Code == lostCode
}

// pause waits, or returns why ctx is over.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// token tells one run from another.
func token() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

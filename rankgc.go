package main

import (
	"context"
	"errors"
	"strings"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/rank"
)

// dryRun returns what ranks by a dry run of the registry's own collection, next to the registry, which goes on serving.
func (c *rankCommand) dryRun(p process, say talk) (func(context.Context) rank.Ranking, error) {
	target, err := c.target(gc.TargetOptions{DryRun: true})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) rank.Ranking {
		began := p.now()
		log, err := gc.DryRun(ctx, target, gc.Options{Binary: c.Binary, Config: c.Config, Timeout: c.Timeout})
		r := rank.OfLog(c.Via, log)
		r.Elapsed = p.now().Sub(began)
		if err != nil {
			r.ExitCode = failedDryRun(err, say)
		}
		return r
	}, nil
}

// failedDryRun says why a dry run failed and returns the exit code.
func failedDryRun(err error, say talk) int {
	if errors.Is(err, context.Canceled) {
		say.errorf("--gc-via: cancelled: %v", err)
		return exitCancelled
	}
	say.errorf("--gc-via: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	var advice interface{ Hint() string }
	text := "--gc-binary and --gc-config say what to run there; a log that was made by hand goes to --from"
	if errors.As(err, &advice) && advice.Hint() != "" {
		text = advice.Hint()
	}
	say.hintf("%s", text)
	return exitRegistry
}

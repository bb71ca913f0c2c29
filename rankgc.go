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
			r.ExitCode = failedDryRun(err, c.Via, say)
		}
		return r
	}, nil
}

// failedDryRun says why a dry run failed and returns the exit code.
func failedDryRun(err error, via string, say talk) int {
	if errors.Is(err, context.Canceled) {
		say.errorf("%s: cancelled: %v", via, err)
		return exitCancelled
	}
	say.errorf("%s: %s", via, strings.ReplaceAll(err.Error(), "\n", "; "))
	var advice interface{ Hint() string }
	if errors.As(err, &advice) && advice.Hint() != "" {
		say.hintf("%s", advice.Hint())
	}
	return exitRegistry
}

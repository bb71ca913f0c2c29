package main

import (
	"fmt"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/report"
)

// session reads what the command line and the environment ask for. Whatever is wrong with it is found here, before
// anything is sent to a registry.
func (c *pruneCommand) session(p process, say talk) (*session, error) {
	s := &session{process: p, say: say, started: p.now().UTC(), form: report.Form(c.Output), dryRun: c.DryRun, workers: int(c.Workers), timeout: c.Timeout}
	var err error
	inUse, err := c.inUse(p.stdin)
	if err != nil {
		return nil, err
	}
	if s.policies, err = policy.Read(c.Rules, c.Policy, inUse); err != nil {
		return nil, err
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("--timeout: %s is no time at all", c.Timeout)
	}
	if s.system, err = ci.Detect(p.getenv, c.CI); err != nil {
		return nil, fmt.Errorf("--ci: %w", err)
	}
	if s.images, err = c.findImages(p, s.system); err != nil {
		return nil, err
	}
	if err := c.shard(s); err != nil {
		return nil, err
	}
	if err := c.afterPrune.check(c.collection, s); err != nil {
		return nil, err
	}
	s.collects = c.afterPrune.GC
	if s.memo, err = openState(c.StateDir, p.getenv, say); err != nil {
		return nil, err
	}
	if s.deleteBy = c.DeleteBy; s.memo.err != nil && (s.deleteBy == prune.TagsFirst || s.deleteBy == prune.Retag) {
		return nil, fmt.Errorf("--delete-by %s: %w: %w", s.deleteBy, prune.ErrNoJournal, s.memo.err)
	}
	if s.clients, err = c.clients(p.getenv, s.images.Repositories, s.memo); err != nil {
		return nil, err
	}
	if s.outputs, err = openOutputs(c.Report, report.FormOf); err != nil {
		return nil, err
	}
	s.progress, s.resultsDir = newProgress(p, "deletions"), c.ResultsDir
	s.debug()
	return s, nil
}

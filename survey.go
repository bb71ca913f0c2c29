package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/rank"
	"github.com/regsweep/regsweep/internal/registry"
)

// survey is one run of rank over a registry.
type survey struct {
	host     string // as it was given
	asked    oci.Repository
	clients  *clients
	say      talk
	now      func() time.Time
	progress *progress

	ledger  rank.Ledger
	ranking rank.Ranking // what the ledger does not know
	started time.Time
	silent  int // repositories in a row of which the registry said nothing at all
}

// mostSilent is how many repositories in a row may be without an answer, after all tries, before the registry counts as
// gone: as many as are read at once. Else a thousand of them would be waited for one after the other.
const mostSilent = 8

// errSilent ends a survey of a registry that has gone away.
var errSilent = errors.New("the registry has stopped to answer")

// rank reads all repositories that are asked for.
func (s *survey) rank(ctx context.Context) rank.Ranking {
	s.started = s.now().UTC()
	paths, err := s.paths(ctx)
	if err != nil {
		s.failed(s.host, err)
		return s.finish(0)
	}
	client, err := s.clients.of(s.asked.Host)
	if err != nil {
		s.failed(s.host, err)
		return s.finish(len(paths))
	}
	done := 0
	step := s.progress.of(s.host)
	err = client.Survey(ctx, paths, func(path string, snapshot oci.Snapshot, err error) error {
		done++
		step(done, len(paths))
		return s.visit(path, snapshot, err)
	})
	s.progress.settle(nil)
	if err != nil {
		s.failed(s.host, err)
	}
	return s.finish(len(paths))
}

// paths lists the repositories. A whole registry may have none.
func (s *survey) paths(ctx context.Context) ([]string, error) {
	names, err := s.clients.expand(ctx, s.asked)
	if errors.Is(err, errNoMatch) && s.asked.Path == everything {
		return nil, nil
	}
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = name.Path
	}
	return out, err
}

// visit counts a repository, or notes why it cannot be counted.
func (s *survey) visit(path string, snapshot oci.Snapshot, err error) error {
	switch {
	case err == nil:
		s.silent = 0
		s.ledger.Add(snapshot, s.started)
		return nil
	case errors.Is(err, registry.ErrUnknownRepository) && s.asked.IsPattern(): // the catalog lists it all the same
		s.silent = 0
		s.ranking.Gone = append(s.ranking.Gone, path)
		return nil
	}
	s.ranking.Unread = append(s.ranking.Unread, rank.Unread{Path: path, Err: err})
	var answer *registry.Error
	if errors.As(err, &answer) || errors.Is(err, registry.ErrIncomplete) {
		s.silent = 0
	} else if s.silent++; s.silent >= mostSilent {
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	return nil
}

// failed says what ended the run, or kept it from beginning.
func (s *survey) failed(name string, err error) {
	s.say.errorf("%s: %s", name, explain(err))
	if h := rankHint(err); h != "" {
		s.say.hintf("%s", h)
	}
	s.ranking.Err = err
	code := exitRegistry
	switch {
	case errors.Is(err, context.Canceled):
		code = exitCancelled
	case errors.Is(err, errNoMatch), errors.Is(err, registry.ErrUnknownRepository):
		code = exitUsage
	}
	s.ranking.ExitCode = worse(s.ranking.ExitCode, code)
}

// finish puts the ranking together after so many repositories were asked for.
func (s *survey) finish(asked int) rank.Ranking {
	r := s.ledger.Ranking(s.host)
	r.Unread, r.Gone = s.ranking.Unread, s.ranking.Gone
	slices.SortFunc(r.Unread, func(a, b rank.Unread) int { return oci.NaturalCompare(a.Path, b.Path) })
	slices.SortFunc(r.Gone, oci.NaturalCompare)
	r.NotLookedAt = asked - len(r.Repositories) - len(r.Unread) - len(r.Gone)
	r.Started, r.Elapsed = s.started, s.now().Sub(s.started)
	switch n := len(r.Unread); {
	case n == 0 || s.ranking.ExitCode != exitDone:
	case len(r.Repositories) == 0: // then all is as it is with the first
		s.failed(oci.Repository{Host: s.asked.Host, Path: r.Unread[0].Path}.String(), r.Unread[0].Err)
	default:
		s.say.errorf("%s: %d of %d repositories could not be read, the report says why", s.host, n, asked)
		s.ranking.ExitCode = exitFailed
	}
	r.ExitCode, r.Err = s.ranking.ExitCode, s.ranking.Err
	return r
}

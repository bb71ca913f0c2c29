package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/rank"
	"github.com/regsweep/regsweep/internal/registry"
)

// Everything is the pattern that all repositories of a registry match.
const Everything = "**"

// maxSilent is how many repositories in a row may be without an answer, after all tries, before the registry counts as
// gone: as many as are read at once. Otherwise a run waits for a thousand of them one after the other.
const maxSilent = 8

// errSilent ends the reading of a registry that has gone away.
var errSilent = errors.New("the registry does not answer any more")

// Rank reads all repositories that a name stands for and ranks them. host is what the user called them. What could not be
// read is in the ranking, and so is the error that ended the reading.
func Rank(ctx context.Context, host string, asked oci.Repository, w World) rank.Ranking {
	r := &ranker{World: w, host: host, asked: asked, started: w.Now().UTC()}
	paths, err := r.paths(ctx)
	if err != nil {
		return r.finish(0, err)
	}
	client, err := w.Open(asked.Host)
	if err != nil {
		return r.finish(len(paths), err)
	}
	done := 0
	err = registry.ReadAll(ctx, client, paths, func(path string, snapshot oci.Snapshot, err error) error {
		done++
		w.tell(Progress{host, "repositories", done, len(paths)})
		return r.visit(path, snapshot, err)
	})
	return r.finish(len(paths), err)
}

// ranker is a ranking on its way.
type ranker struct {
	World
	host    string
	asked   oci.Repository
	started time.Time
	ledger  rank.Ledger
	unread  []rank.Unread
	gone    []string
	silent  int // repositories in a row of which the registry said nothing at all
}

// paths lists the repositories. A whole registry may have none.
func (r *ranker) paths(ctx context.Context) ([]string, error) {
	names, err := r.expand(ctx, r.asked)
	if errors.Is(err, ErrNoMatch) && r.asked.Path == Everything {
		return nil, nil
	}
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = name.Path
	}
	return out, err
}

// visit counts a repository, or notes why it cannot be counted.
func (r *ranker) visit(path string, snapshot oci.Snapshot, err error) error {
	switch {
	case err == nil:
		r.silent = 0
		r.ledger.Add(snapshot, r.started)
		return nil
	case errors.Is(err, registry.ErrUnknownRepository) && r.asked.IsPattern(): // the catalog lists it all the same
		r.silent = 0
		r.gone = append(r.gone, path)
		return nil
	}
	r.unread = append(r.unread, rank.Unread{Path: path, Err: err})
	var answer *registry.Error
	if errors.As(err, &answer) || errors.Is(err, registry.ErrIncomplete) {
		r.silent = 0
	} else if r.silent++; r.silent >= maxSilent {
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	return nil
}

// finish puts the ranking together after so many repositories were asked for and err, which may be nil, ended that.
func (r *ranker) finish(asked int, err error) rank.Ranking {
	out := r.ledger.Ranking(r.host)
	out.Unread, out.Gone = r.unread, r.gone
	slices.SortFunc(out.Unread, func(a, b rank.Unread) int { return oci.NaturalCompare(a.Path, b.Path) })
	slices.SortFunc(out.Gone, oci.NaturalCompare)
	out.Left = asked - len(out.Repositories) - len(out.Unread) - len(out.Gone)
	out.Started, out.Elapsed = r.started, r.Now().Sub(r.started)
	if err == nil && len(out.Unread) > 0 && len(out.Repositories) == 0 { // then all are like the first
		first := oci.Repository{Host: r.asked.Host, Path: out.Unread[0].Path}
		out.Err = fmt.Errorf("%s: %w", first, out.Unread[0].Err)
	} else if err != nil {
		out.Err = fmt.Errorf("%s: %w", r.host, err)
	}
	return out
}

// RankDryRun ranks by a dry run of the registry's own collection, next to the registry, which goes on serving. via is what
// the user called it.
func RankDryRun(ctx context.Context, via string, target *gc.Target, o gc.Options, w World) rank.Ranking {
	began := w.Now()
	log, err := gc.DryRun(ctx, target, o)
	out := rank.OfLog(via, log)
	out.Elapsed, out.Err = w.Now().Sub(began), err
	return out
}

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

// Everything is the pattern that matches all repositories of a registry.
const Everything = "**"

// maxSilent is the number of repositories in a row without an answer, after all retries, after which the registry counts as
// gone: as many as are read at the same time. Without it, a run would wait for a thousand of them, one after the other.
const maxSilent = 8

// errSilent ends the reading of a registry that no longer answers.
var errSilent = errors.New("the registry no longer answers")

// ListUntagged returns what the storage of a registry says of manifests without a tag; see [gc.ListUntagged].
type ListUntagged func(context.Context) (gc.Listing, error)

// Rank reads all repositories that a name matches, and ranks them. host is the name that the user gave. list, which may be
// nil, names manifests that no tag leads to, which are ranked as well. The ranking lists the repositories that could not be
// read, and has the error that ended the reading.
func Rank(ctx context.Context, host string, asked oci.Repository, list ListUntagged, w World) rank.Ranking {
	r := &ranker{World: w, host: host, asked: asked, started: w.Now().UTC()}
	paths, err := r.paths(ctx)
	if err != nil {
		return r.finish(0, err)
	}
	client, err := w.Open(asked.Host)
	if err == nil {
		err = r.listUntagged(ctx, list)
	}
	if err != nil {
		return r.finish(len(paths), err)
	}
	done := 0
	err = registry.ReadAll(ctx, client, paths, r.query, func(path string, snapshot oci.Snapshot, err error) error {
		done++
		w.tell(Progress{host, "repositories", done, len(paths)})
		if err == nil {
			err = r.untagged.apply(&snapshot)
		}
		return r.visit(path, snapshot, err)
	})
	r.knows = r.untagged != nil || client.Traits().ListsUntagged
	return r.finish(len(paths), err)
}

// ranker is the state of a ranking.
type ranker struct {
	World
	host    string
	asked   oci.Repository
	started time.Time
	ledger  rank.Ledger
	unread  []rank.Unread
	gone    []string
	// untagged names manifests without a tag; nil where nobody was asked for them.
	untagged *storageList
	knows    bool // untagged manifests are among what was read
	silent   int  // repositories in a row without any answer of the registry
}

// listUntagged asks the storage, where that can be asked.
func (r *ranker) listUntagged(ctx context.Context, list ListUntagged) error {
	if list == nil {
		return nil
	}
	r.tell(GCStep{Text: lookingForUntagged})
	listing, err := list(ctx)
	if err != nil {
		return fmt.Errorf("list the manifests without a tag: %w", err)
	}
	r.untagged = &storageList{Listing: listing, at: r.Now()}
	return nil
}

// query is what is asked of a repository.
func (r *ranker) query(path string) registry.Query {
	return registry.Query{Digests: r.untagged.candidates(oci.Repository{Host: r.asked.Host, Path: path})}
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
	case errors.Is(err, registry.ErrUnknownRepository) && r.asked.IsPattern(): // the catalog still lists it
		r.silent = 0
		r.gone = append(r.gone, path)
		return nil
	}
	r.unread = append(r.unread, rank.Unread{Path: path, Err: err})
	var answer *registry.Error
	var disagreement *DisagreementError
	if errors.As(err, &answer) || errors.As(err, &disagreement) || errors.Is(err, registry.ErrIncomplete) {
		r.silent = 0
	} else if r.silent++; r.silent >= maxSilent {
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	return nil
}

// finish makes the ranking. asked is the number of repositories that the run wanted to read; err, which may be nil, ended
// the reading.
func (r *ranker) finish(asked int, err error) rank.Ranking {
	out := r.ledger.Ranking(r.host)
	out.Unread, out.Gone, out.KnowsUntagged = r.unread, r.gone, r.knows
	slices.SortFunc(out.Unread, func(a, b rank.Unread) int { return oci.NaturalCompare(a.Path, b.Path) })
	slices.SortFunc(out.Gone, oci.NaturalCompare)
	out.NotLookedAt = asked - len(out.Repositories) - len(out.Unread) - len(out.Gone)
	out.Started, out.Elapsed = r.started, r.Now().Sub(r.started)
	if err == nil && len(out.Unread) > 0 && len(out.Repositories) == 0 { // all have failed, probably like the first
		first := oci.Repository{Host: r.asked.Host, Path: out.Unread[0].Path}
		out.Err = fmt.Errorf("%s: %w", first, out.Unread[0].Err)
	} else if err != nil {
		out.Err = fmt.Errorf("%s: %w", r.host, cancelled(err))
	}
	return out
}

// RankDryRun ranks by a dry run of the registry's own garbage collection, on the registry's host. The registry keeps
// serving. via is the target as the user wrote it.
func RankDryRun(ctx context.Context, via string, target *gc.Target, o gc.Options, w World) rank.Ranking {
	began := w.Now()
	log, err := gc.DryRun(ctx, target, o)
	out := rank.OfLog(via, log)
	out.Elapsed, out.Err = w.Now().Sub(began), err
	return out
}

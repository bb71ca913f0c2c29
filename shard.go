package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/report"
)

// errShardCollects is returned when each of several parallel jobs would stop the registry that the others talk to.
var errShardCollects = errors.New("--gc: this run is one of several side by side, and each would stop the registry while the others use it")

// shard finds out which part of the repositories is for this job: by --shard, else by what the CI says of parallel jobs
// when the run is about more than one repository. Those of one named repository are no parts of one task: all of them
// prune it, as without this.
func (c *pruneCommand) shard(s *session) error {
	var err error
	if c.Shard != "" {
		if s.shard, err = ci.ParseShard(c.Shard); err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
	} else if several(s.images.Repositories) {
		if s.shard, s.shardBy, err = s.system.Shard(s.process.getenv); err != nil {
			return err
		}
	}
	if c.GC && s.shard.Total > 1 {
		return errShardCollects
	}
	return nil
}

// several reports whether the names can stand for more than one repository.
func several(names []oci.Repository) bool {
	for _, name := range names {
		if name.IsPattern() || name != names[0] {
			return true
		}
	}
	return false
}

// share leaves of the repositories those of this job, in their order, and says which part they are.
func (s *session) share(names []oci.Repository) ([]oci.Repository, report.Shard) {
	if s.shard.Total == 0 {
		return names, report.Shard{}
	}
	var own []oci.Repository
	for _, name := range names {
		if shardOf(name.String(), s.shard.Total) == s.shard.Index {
			own = append(own, name)
		}
	}
	by := ""
	if s.shardBy != "" {
		by = " by " + s.shardBy + ", --shard 1/1 is all"
	}
	s.say.line("", "shard %s%s: %d of %d repositories", s.shard, by, len(own), len(names))
	return own, report.Shard{Index: s.shard.Index, Total: s.shard.Total, Of: len(names)}
}

// shardOf returns which of the shards 1 to total a repository belongs to, by rendezvous hashing: each shard has a weight
// for the repository, the SHA-256 of "name<newline>shard", and the greatest, compared as bytes, wins. It depends on
// nothing else, so that all jobs of a run agree without a word between them, and when a shard is added, only what that
// one wins moves, one in total repositories (https://www.eecs.umich.edu/techreports/cse/96/CSE-TR-316-96.pdf).
// It is part of the contract: what one version gives to a shard, the next does too.
func shardOf(repository string, total int) int {
	best, most := 1, [sha256.Size]byte{}
	text := append([]byte(repository), '\n')
	for i := 1; i <= total; i++ {
		weight := sha256.Sum256(strconv.AppendInt(text, int64(i), 10))
		if slices.Compare(weight[:], most[:]) > 0 {
			best, most = i, weight
		}
	}
	return best
}

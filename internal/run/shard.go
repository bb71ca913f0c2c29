package run

import (
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/report"
)

// share returns the repositories that belong to a shard, in their order, and the shard with the number of them all.
func share(names []oci.Repository, s report.Shard) ([]oci.Repository, report.Shard) {
	if s.Total == 0 {
		return names, s
	}
	var own []oci.Repository
	for _, name := range names {
		if shardOf(name.String(), s.Total) == s.Index {
			own = append(own, name)
		}
	}
	s.Of = len(names)
	return own, s
}

// shardOf returns which of the shards 1 to total a repository belongs to, by rendezvous hashing: each shard has a weight
// for the repository, the SHA-256 of "name<newline>shard", and the greatest, compared as bytes, wins. It depends on
// nothing else, so that all jobs of a run agree without communicating. When a shard is added, only the repositories that
// it wins move, one in total (https://www.eecs.umich.edu/techreports/cse/96/CSE-TR-316-96.pdf).
// The result is part of the contract: it stays the same in later versions.
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

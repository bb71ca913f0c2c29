// Package rank says which repositories of a registry hold the most, from what the registry's API tells or from what its
// garbage collection has printed. It is pure: values go in, a ranking comes out.
package rank

import (
	"cmp"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
)

// Source is where a ranking's numbers come from.
type Source string

const (
	// FromRegistry is a ranking by bytes, of what tags lead to.
	FromRegistry Source = "registry"
	// FromLog is a ranking by marked manifests. A collection knows those without a tag too, and prints no sizes.
	FromLog Source = "log"
)

// Ranking is which repositories hold the most.
type Ranking struct {
	Source  Source
	Asked   string    // the host, the pattern of repositories or the log that it is about
	Started time.Time // ages are counted from it; zero for a log
	Elapsed time.Duration
	// ExitCode is what the run ends with.
	ExitCode int
	// Err is what ended the run before its time, or kept it from beginning; nil when every repository was asked for.
	Err error
	// Repositories are sorted: those that hold the most come first.
	Repositories []Row
	// Unread are the repositories that could not be read, in natural order. What they hold is in no number.
	Unread []Unread
	// Gone are those that the registry lists and does not know, as distribution does with some that were emptied.
	Gone []string
	// NotLookedAt is how many were not looked at, because the run ended before.
	NotLookedAt int
	// KnowsUntagged says that manifests that no tag leads to are among the numbers; Untagged of each row counts them.
	KnowsUntagged bool
	// UntaggedBytes is the size of the blobs, each once, that nothing with a tag needs in any of the repositories.
	UntaggedBytes int64
	// Bytes is what all repositories hold, each blob once; Shared is the part that several of them use.
	Bytes, Shared int64
	// Together is what few repositories share and no other uses, such as images that were copied from one to another. Those
	// that share the most come first. It is empty for a log.
	Together []Together
	// Log is what the summary line of the log says; the zero value for a registry.
	Log gc.Log
}

// Row is what one repository holds.
type Row struct {
	Path      string
	Tags      int // as listed, attachments' and ghosts among them
	Manifests int // of every kind
	Blobs     int // configs and layers, each once
	// Own is the size of the blobs that no other of the repositories uses: without this one, and after a collection, they
	// are gone from the disk. Shared is that of the others.
	Own, Shared int64
	// Untagged is how many manifests no tag leads to, without what belongs to them. UntaggedBytes is the part of Own that is
	// theirs and their parts' alone.
	Untagged      int
	UntaggedBytes int64
	// Oldest and Newest are when the first and the last image was built, among those with a date; zero when none has one.
	Oldest, Newest time.Time
}

// Together is what a few repositories share.
type Together struct {
	Paths []string // two to four, in natural order
	Bytes int64    // of the blobs that exactly these use
}

// Unread is a repository that could not be read.
type Unread struct {
	Path string
	Err  error
}

// Manifests is the number of manifests of all repositories.
func (r Ranking) Manifests() int {
	n := 0
	for _, repository := range r.Repositories {
		n += repository.Manifests
	}
	return n
}

// Untagged is the number of manifests that no tag leads to.
func (r Ranking) Untagged() int {
	n := 0
	for _, repository := range r.Repositories {
		n += repository.Untagged
	}
	return n
}

// Own is the size of what only one repository uses.
func (r Ranking) Own() int64 { return r.Bytes - r.Shared }

// OfLog ranks the repositories of a log by marked manifests, and by marked blobs where those are equal: 3.x prints a
// blob that several have in the first of them only.
func OfLog(asked string, log gc.Log) Ranking {
	r := Ranking{Source: FromLog, Asked: asked, Log: log}
	for _, m := range log.Repositories {
		r.Repositories = append(r.Repositories, Row{Path: m.Name, Manifests: m.Manifests, Blobs: m.Blobs})
	}
	r.Log.Repositories = nil // they are above
	sort(r.Repositories)
	return r
}

// sort puts those first without which the most disk would be free.
func sort(repositories []Row) {
	slices.SortFunc(repositories, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Own, a.Own), cmp.Compare(b.Manifests, a.Manifests), cmp.Compare(b.Blobs, a.Blobs), oci.NaturalCompare(a.Path, b.Path))
	})
}

// Package bare has what regsweep is measured against: the script that it replaces, the loop that comes to mind first, the
// ways of other tools, and the least that a registry can be asked, with and without the looks that regsweep promises.
// Where no dates are read, the last tags of a listing are kept, whatever those are.
package bare

import (
	"context"
	"fmt"
)

// Task is what is to be done. Its JSON is the standard input of the command e2e/bench/contestant.
type Task struct {
	Contestant   string   // one of the names below
	URL          string   // of the registry
	Repositories []string // their paths
	Keep         int      // how many tags of each stay
	Workers      int      // of the floors and the peers, and of the naive loop unless that is 0; the others have their own number
	DeletesTags  bool     // whether the registry does, for the floors
	Referrers    bool     // whether the registry serves the referrers API and reads no tags for a deletion, for the safe floor
	Dates        string   // how the safe floor knows what is newest, one of the ways below
	File         string   // of the dates, for [DatesCached] and [Remember]
}

// The contestants.
const (
	Script = "script"
	Naive  = "naive"
	Floor  = "floor"
	Safe   = "safe"
	Peer   = "peer"
	// Remember only writes the dates down that [Safe] finds with [DatesCached].
	Remember = "remember"
)

// Run does the task.
func Run(ctx context.Context, t Task) error {
	switch t.Contestant {
	case Script:
		return script(ctx, t)
	case Naive:
		return naive(ctx, t)
	case Floor:
		return floor(ctx, t)
	case Safe:
		return safe(ctx, t)
	case Peer:
		return peer(ctx, t)
	case Remember:
		return remember(ctx, t)
	}
	return fmt.Errorf("no contestant is named %q", t.Contestant)
}

// base is the address of what is in a repository.
func (t Task) base(path string) string { return t.URL + "/v2/" + path }

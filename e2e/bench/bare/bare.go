// Package bare has what regsweep is measured against: the script that it replaces, the loop that comes to mind first, and
// the least that a registry can be asked. All of them keep the last tags of a listing, whatever those are.
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
	Workers      int      // of the floor; the others have their own number
	DeletesTags  bool     // whether the registry does, for the floor
}

// The contestants.
const (
	Script = "script"
	Naive  = "naive"
	Floor  = "floor"
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
	}
	return fmt.Errorf("no contestant is named %q", t.Contestant)
}

// base is the address of what is in a repository.
func (t Task) base(path string) string { return t.URL + "/v2/" + path }

package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/rank"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/run"
)

// teller says on standard error what happens during a run.
type teller struct {
	console *publish.Console
	shardBy string // the variable that chose the shard; "" for the flag
}

func (t teller) tell(event run.Event) {
	switch e := event.(type) {
	case run.Progress:
		t.console.Progress(e.Name, e.Unit, e.Done, e.All)
	case run.RepositoryDone:
		t.console.Together(func(c *publish.Console) { sayRepository(c, e.Outcome) })
	case run.ShardChosen:
		by := ""
		if t.shardBy != "" {
			by = " (from " + t.shardBy + "; --shard 1/1 prunes all)"
		}
		t.console.Notef("shard %d/%d%s: %d of %d repositories", e.Index, e.Total, by, e.Own, e.Of)
	case run.CatalogSkipped:
		first := e.Names[0]
		if len(first) > 255 { // the longest name of a folder
			first = first[:255] + " …"
		}
		t.console.Warningf("%s: the catalog lists %q, which cannot be a repository (%s in all); it is skipped", e.Host, first, plural(len(e.Names), "such name", "such names"))
	case run.GCStep:
		if e.Warning {
			t.console.Warningf("%s", e.Text)
		} else {
			t.console.Notef("garbage collection: %s", e.Text)
		}
	}
}

// sayWarnings prints the warnings of all repositories, one that several have once.
func sayWarnings(c *publish.Console, sum report.Summary) {
	for _, w := range sum.Warnings() {
		c.Warningf("%s: %s", w.About(), w.Text)
	}
}

// sayRepository prints the errors of a repository, which a person should see without opening the report.
func sayRepository(c *publish.Console, r report.Outcome) {
	for _, text := range r.Losses() {
		c.Errorf("%s: %s", r.Name, text)
	}
	switch {
	case r.Plan != nil && len(r.Plan.Refusals) > 0:
		for _, refusal := range r.Plan.Refusals {
			c.Errorf("%s: refused: %s; nothing was deleted", r.Name, refusal.Detail)
			c.Hintf("%s", refusal.Hint())
		}
	case errors.Is(r.Err, run.ErrNotLookedAt): // the repository before has said why
	case r.Plan == nil && errors.Is(r.Err, report.ErrTimeout):
		c.Warningf("%s: not read: %v", r.Name, r.Err)
	case r.Err != nil:
		sayError(c, fmt.Errorf("%s: %w; %s", r.Name, r.Err, r.Done()))
	default:
		t := r.Totals()
		if t.Failed > 0 {
			c.Errorf("%s: %s failed, the report says which", r.Name, plural(t.Failed, "deletion", "deletions"))
		}
		if t.Unsettled > 0 {
			c.Errorf("%s: %s sent and not answered; %s", r.Name, plural(t.Unsettled, "deletion was", "deletions were"), r.Settles())
		}
	}
}

func sayError(c *publish.Console, err error) {
	c.Errorf("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	if h := report.Hint(err); h != "" {
		c.Hintf("%s", h)
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// sayEnd says what a reader should know about a run, what ended it, and how its garbage collection went.
func sayEnd(c *publish.Console, sum report.Summary) {
	sayWarnings(c, sum)
	switch {
	case errors.Is(sum.Cause, run.ErrNothingRead):
		c.Errorf("%v", sum.Cause)
	case errors.Is(sum.Cause, run.ErrDeclined):
		c.Errorf("%v; nothing was deleted", sum.Cause)
	}
	if sum.GC == nil {
		return
	}
	for _, n := range sum.GC.Notes {
		c.Warningf("garbage collection: %s", n)
	}
	if sum.GC.Err == nil {
		return
	}
	again := ""
	var absent *gc.NotBackError
	if sum.GC.Restarted && !errors.As(sum.GC.Err, &absent) {
		again = "; the registry serves again"
	}
	sayError(c, fmt.Errorf("garbage collection: %w%s", sum.GC.Err, again))
}

// sayChecks says why a prune would fail.
func sayChecks(c *publish.Console, checks report.Checks) {
	for _, s := range checks.Sections {
		for _, l := range s.Problems() {
			c.Errorf("%s: %s", s.Name, strings.ReplaceAll(l.Text, "\n", "; "))
			if h := l.Hint(); h != "" {
				c.Hintf("%s", h)
			}
		}
	}
}

// sayRanking says what went wrong with a ranking.
func sayRanking(c *publish.Console, r rank.Ranking) {
	switch n := len(r.Unread); {
	case r.Err != nil:
		sayError(c, r.Err)
	case n > 0:
		c.Errorf("%s: %d of %d repositories could not be read, the report says why", r.Asked, n, n+len(r.Repositories)+len(r.Gone)+r.NotLookedAt)
	}
}

package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// done says what happened, in numbers: the last line of a table, the first of a job summary. bytes is what it says of
// them, from [Summary.unreferenced].
func done(t Totals, dryRun, trouble bool, bytes string) string {
	switch {
	case t.Deleted+t.Gone+t.Failed+t.Skipped+t.Planned == 0 && trouble:
		return fmt.Sprintf("nothing was deleted, kept %d", t.Kept)
	case t.Deleted+t.Gone+t.Failed+t.Skipped+t.Planned == 0:
		return fmt.Sprintf("nothing to delete, kept %d", t.Kept)
	case dryRun:
		text := fmt.Sprintf("would delete %s, keep %d", plural(t.Planned, "image", "images"), t.Kept)
		if t.Skipped > 0 {
			text += fmt.Sprintf(", skip %d", t.Skipped)
		}
		return text + bytes
	}
	text := "deleted " + plural(t.Deleted, "image", "images")
	if t.Manifests != t.Deleted {
		text += fmt.Sprintf(" (%s)", plural(t.Manifests, "manifest", "manifests"))
	}
	if t.Gone > 0 {
		text += fmt.Sprintf(", %d already gone", t.Gone)
	}
	text += fmt.Sprintf(", kept %d, failed %d", t.Kept, t.Failed)
	if t.Skipped > 0 {
		text += fmt.Sprintf(", skipped %d", t.Skipped)
	}
	return text + bytes
}

// unreferenced says what became of the bytes that only deleted images used. A collection is the whole registry's: what
// it freed is said of the run, and not of one of its several repositories.
func (s Summary) unreferenced(t Totals, whole bool) string {
	text := " · " + size(t.UniqueBytes)
	switch {
	case t.UniqueBytes == 0:
		return ""
	case s.DryRun:
		return text + " would become unreferenced"
	case s.GC == nil || !s.GC.Collected:
		return text + " unreferenced until the registry's garbage collection frees it"
	case !whole:
		return text + " unreferenced"
	case !s.GC.Measured:
		return text + " unreferenced, what garbage collection freed was not measured"
	}
	return text + " unreferenced, " + grown(s.GC.Freed) + " freed by garbage collection"
}

// condition is how a repository ended.
type condition int

const (
	finished condition = iota
	unread             // there is no plan
	refused            // a guard objected to the plan
	stopped            // the execution ended before its time
)

func (r Repository) condition() condition {
	switch {
	case r.Plan == nil:
		return unread
	case len(r.Plan.Refusals) > 0:
		return refused
	case r.Err != nil:
		return stopped
	}
	return finished
}

// objection says why a repository was not read, refused or stopped, fit for a line; "" when it was not.
func (r Repository) objection() string {
	switch r.condition() {
	case unread:
		if r.Err == nil {
			return "no cause is known"
		}
		return long(r.Err.Error())
	case refused:
		return objections(r.Plan.Refusals)
	case stopped:
		return long(r.Err.Error())
	}
	return ""
}

// hint says what helps against it; "" when nothing is known that does.
func (r Repository) hint() string {
	if r.condition() != refused {
		return long(Hint(r.Err))
	}
	var out []string
	for _, f := range r.Plan.Refusals {
		if h := long(f.Hint()); h != "" && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return strings.Join(out, "; ")
}

// late reports whether the run's time was over before the repository was read.
func (r Repository) late() bool { return r.Plan == nil && errors.Is(r.Err, ErrTimeout) }

// mostRefusals bounds a list that grows with the number of tags that a pipeline says it has pushed.
const mostRefusals = 5

func objections(refusals []retain.Refusal) string {
	var out []string
	shown, more := cut(refusals, mostRefusals)
	for _, f := range shown {
		out = append(out, long(f.Detail))
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("%d more objections", more))
	}
	return strings.Join(out, "; ")
}

// verdict is the sentence on one repository of a run.
func (v view) verdict(s Summary) string {
	switch v.condition() {
	case unread:
		return "not read: " + v.objection() + "; nothing was deleted"
	case refused:
		if s.DryRun {
			return "would be refused: " + v.objection()
		}
		return "refused: " + v.objection() + "; nothing was deleted"
	}
	if len(v.Plan.Decisions) == 0 {
		return "the repository is empty: nothing to keep, nothing to delete"
	}
	return done(v.totals, s.DryRun, v.condition() == stopped, s.unreferenced(v.totals, len(s.Repositories) == 1))
}

// verdict is the sentence on several repositories; t is the run's totals.
func (s Summary) verdict(t Totals) string {
	ended := map[condition]int{}
	for _, r := range s.Repositories {
		ended[r.condition()]++
	}
	if len(s.Repositories) == 0 && s.GC != nil && s.Shard.Total == 0 {
		return collected(s.GC)
	}
	if len(s.Repositories) == 0 && s.Shard.Total > 0 {
		return "no repository belongs to this shard, nothing was deleted"
	}
	if len(s.Repositories) == 0 {
		return "no repository was looked at, nothing was deleted"
	}
	out := plural(len(s.Repositories), "repository", "repositories") + ": " +
		done(t, s.DryRun, ended[finished] < len(s.Repositories), s.unreferenced(t, true))
	for _, c := range []struct {
		condition condition
		word      string
	}{{unread, "not read"}, {refused, "refused"}, {stopped, "stopped early"}} {
		if n := ended[c.condition]; n > 0 {
			out += fmt.Sprintf(" · %d %s", n, c.word)
		}
	}
	return out
}

// warnings are those of the plan and those of the run.
func (r Repository) warnings() []string {
	if r.Plan == nil {
		return r.Warnings
	}
	return slices.Concat(r.Plan.Warnings, r.Warnings)
}

// remarks are for a reader: the warnings, and what was special about the execution.
func (r Repository) remarks() []string {
	out := slices.Clone(r.warnings())
	if r.Way == prune.Retag {
		out = append(out, "tags were removed by pointing them at a placeholder, which was pushed for it and deleted (--delete-by retag)")
	}
	if n := len(r.Left); n > 0 {
		out = append(out, fmt.Sprintf("%s begun and not finished: no tag leads there any more; the next run with the same --state-dir deletes them", plural(n, "deletion was", "deletions were")))
	}
	return out
}

// pushed names what the pipeline has just pushed to the repository: what it surely has, and of what it probably has
// only what the plan found.
func (r Repository) pushed() []string {
	found := map[string]bool{}
	if r.Plan != nil {
		for i := range r.Plan.Decisions {
			for _, t := range r.Plan.Decisions[i].Image.Tags {
				found[t] = true
			}
		}
	}
	var out []string
	seen := map[string]bool{}
	for _, p := range r.Pushed {
		name := p.Tag
		if name == "" {
			name = retain.ShortDigest(p.Digest)
		}
		if seen[name] || (p.Assumed && !found[p.Tag]) {
			continue
		}
		seen[name] = true
		out = append(out, name)
	}
	return out
}

package report

import (
	"cmp"
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
	// Parts and attachments alone are to be deleted when a run finishes what an earlier one has begun.
	tried := t.Deleted + t.Gone + t.Failed + t.Unsettled + t.Skipped + t.Retained + t.Planned + t.Manifests + t.PartsGone + t.PartsLeft
	switch {
	case tried == 0 && trouble:
		return fmt.Sprintf("nothing was deleted, kept %d", t.Kept)
	case tried == 0:
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
	if t.Unsettled > 0 {
		text += fmt.Sprintf(", %d unsettled", t.Unsettled)
	}
	if t.Skipped > 0 {
		text += fmt.Sprintf(", skipped %d", t.Skipped)
	}
	if t.Retained > 0 {
		text += fmt.Sprintf(", %d retained by the registry", t.Retained)
	}
	return text + bytes
}

// Done says in a few words what is changed in the registry, for a message about what ended the work on the repository.
func (r Outcome) Done() string {
	t := r.Totals()
	var out []string
	if t.Manifests > 0 {
		out = append(out, plural(t.Manifests, "manifest had been deleted", "manifests had been deleted"))
	}
	switch { // perhaps by a deletion of this run whose answer was lost
	case t.Gone > 0:
		out = append(out, plural(t.Gone, "image was gone already", "images were gone already"))
	case t.PartsGone > 0:
		out = append(out, plural(t.PartsGone, "part of an image was gone already", "parts of images were gone already"))
	}
	if t.Unsettled > 0 {
		out = append(out, plural(t.Unsettled, "deletion was sent and not answered", "deletions were sent and not answered"))
	}
	if n := len(r.Untagged); n > 0 {
		out = append(out, plural(n, "image that was not deleted has lost tags", "images that were not deleted have lost tags"))
	}
	if len(out) == 0 {
		return "nothing was deleted"
	}
	return strings.Join(out, ", ")
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
	case s.GC == nil && s.frees():
		return text + " unreferenced, and the registry frees them by itself"
	case s.GC == nil || !s.GC.Collected:
		return text + " unreferenced until the registry's garbage collection frees it"
	case !whole:
		return text + " unreferenced"
	case !s.GC.Measured:
		return text + " unreferenced, what garbage collection freed was not measured"
	}
	return text + " unreferenced, " + grown(s.GC.Freed) + " freed by garbage collection"
}

// frees reports whether all registries of the run free by themselves what is deleted.
func (s Summary) frees() bool {
	return !slices.ContainsFunc(s.Repositories, func(r Outcome) bool { return r.Plan != nil && !r.Frees })
}

// condition is how a repository ended.
type condition int

const (
	finished condition = iota
	unread             // there is no plan
	refused            // a guard objected to the plan
	stopped            // the execution ended before its time
)

// String is what readers see.
func (c condition) String() string {
	return [...]string{finished: "finished", unread: "not read", refused: "refused", stopped: "stopped early"}[c]
}

func (r Outcome) condition() condition {
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
func (r Outcome) objection() string {
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
func (r Outcome) hint() string {
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
func (r Outcome) late() bool { return r.Plan == nil && errors.Is(r.Err, ErrTimeout) }

// maxRefusals bounds a list that grows with the number of tags that a pipeline says it has pushed.
const maxRefusals = 5

func objections(refusals []retain.Refusal) string {
	var out []string
	shown, more := cut(refusals, maxRefusals)
	for _, f := range shown {
		out = append(out, long(f.Detail))
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("%d more objections", more))
	}
	return strings.Join(out, "; ")
}

// verdict is the sentence on one repository of a run.
func (v view) verdict() string {
	switch v.condition() {
	case unread:
		return "not read: " + v.objection() + "; nothing was deleted"
	case refused:
		if v.run.DryRun {
			return "would be refused: " + v.objection()
		}
		return "refused: " + v.objection() + "; nothing was deleted"
	}
	if len(v.Plan.Decisions) == 0 {
		return "the repository is empty: nothing to keep, nothing to delete"
	}
	return done(v.totals, v.run.DryRun, v.condition() == stopped, v.run.unreferenced(v.totals, len(v.run.Repositories) == 1))
}

// headline is the verdict on the run, with the name of the repository when there is only one.
func (s sheet) headline() (name, verdict string) {
	if len(s.views) == 1 {
		return s.views[0].Name.String(), s.views[0].verdict()
	}
	return "", s.verdict()
}

// policy is what was asked of the run, or of its only repository.
func (s sheet) policy() string {
	if len(s.views) == 1 {
		return cmp.Or(s.views[0].Policy, s.Policy)
	}
	return s.Policy
}

// early marks a headline whose only repository was stopped; why is told below it.
func (s sheet) early() string {
	if len(s.views) == 1 && s.views[0].condition() == stopped {
		return " · " + stopped.String()
	}
	return ""
}

// verdict is the sentence on several repositories.
func (s sheet) verdict() string {
	ended := map[condition]int{}
	for _, r := range s.Repositories {
		ended[r.condition()]++
	}
	if len(s.Repositories) == 0 && s.GC != nil && s.Shard.Total == 0 {
		return gcVerdict(s.GC)
	}
	if len(s.Repositories) == 0 && s.Shard.Total > 0 {
		return "no repository belongs to this shard, nothing was deleted"
	}
	if len(s.Repositories) == 0 {
		return "no repository was looked at, nothing was deleted"
	}
	out := plural(len(s.Repositories), "repository", "repositories") + ": " +
		done(s.total, s.DryRun, ended[finished] < len(s.Repositories), s.unreferenced(s.total, true))
	for _, c := range []condition{unread, refused, stopped} {
		if n := ended[c]; n > 0 {
			out += fmt.Sprintf(" · %d %s", n, c)
		}
	}
	return out
}

// warnings are those of the plan and those of the run.
func (r Outcome) warnings() []string {
	if r.Plan == nil {
		return r.Warnings
	}
	return slices.Concat(r.Plan.Warnings, r.Warnings)
}

// remarks are for a reader: the warnings, and what was special about the execution.
func (r Outcome) remarks() []string {
	out := slices.Clone(r.warnings())
	if text := r.undatedRemark(); text != "" {
		out = append(out, text)
	}
	if text := r.untaggedRemark(); text != "" {
		out = append(out, text)
	}
	if r.Method == prune.Retag {
		became := "and then deleted "
		if r.Err != nil { // perhaps it is still there
			became = ""
		}
		out = append(out, "tags were removed by pointing them to a placeholder image, which was pushed for that "+became+"(--delete-by retag)")
	}
	if n := len(r.Unfinished); n > 0 {
		out = append(out, fmt.Sprintf("%s begun and not finished; the next run with the same --state-dir continues there", plural(n, "deletion was", "deletions were")))
	}
	return out
}

// undated is how many images stay because rules need a date and they have none.
func (r Outcome) undated() int {
	n := 0
	if r.Plan == nil {
		return n
	}
	for _, d := range r.Plan.Decisions {
		if counted(d.Image) && slices.ContainsFunc(d.Reasons, func(r retain.Reason) bool { return r.Rule == retain.RuleUndated }) {
			n++
		}
	}
	return n
}

// undatedRemark says what helps where images without a date hold a repository up: nothing goes, or half of what stays has
// none.
func (r Outcome) undatedRemark() string {
	n, t := r.undated(), r.Totals()
	goes := t.Deleted + t.Gone + t.Failed + t.Unsettled + t.Skipped + t.Retained + t.Planned
	if n == 0 || goes > 0 && 2*n < t.Kept {
		return ""
	}
	of := fmt.Sprintf("%d of %d kept images have", n, t.Kept)
	if n == t.Kept {
		of = plural(n, "kept image has", "kept images have")
	}
	help := "--sort semver or --sort name orders images by their tags, "
	if slices.ContainsFunc(r.Plan.Decisions, func(d retain.Decision) bool { return !d.Image.Pushed.IsZero() }) {
		help += "--sort pushed by the date at which the registry received them, "
	}
	return of + " no usable date, and the rules need one: " + help + "--undated oldest counts those without a date as the oldest"
}

// note is what the numbers of a repository's row do not say. strong and tags write a word and tags in the form's own way.
func (v view) note(strong func(string) string, tags func([]string) string) string {
	var out []string
	if c := v.condition(); c != finished {
		out = append(out, strong(c.String()))
	}
	if v.Plan == nil {
		return strings.Join(out, " · ")
	}
	if n := v.totals.Gone; n > 0 {
		out = append(out, fmt.Sprintf("%d already gone", n))
	}
	if n := v.totals.Skipped; n > 0 {
		out = append(out, fmt.Sprintf("%d skipped", n))
	}
	if n := v.totals.Retained; n > 0 {
		out = append(out, fmt.Sprintf("%d retained by the registry", n))
	}
	if len(v.Plan.Decisions) == 0 {
		out = append(out, "empty")
	}
	if names := v.pushed(); len(names) > 0 {
		out = append(out, "just built "+tags(names))
	}
	return strings.Join(out, " · ")
}

// pushed names what the pipeline has just pushed to the repository: what it surely has, and of what it probably has
// only what the plan found.
func (r Outcome) pushed() []string {
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

package run

import (
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/state"
)

// task is the work on one repository: what became of it so far, and what it goes on with.
type task struct {
	outcome    report.Outcome
	repository registry.Repository
	traits     registry.Traits
	journal    *journal
	explained  *report.Explained
	unfinished []oci.Digest // what the plan knows that an earlier run did not finish
}

// fail ends a task before anything was read.
func (t *task) fail(err error) *task {
	t.outcome.Err = err
	return t
}

// reopen opens the journal. A run without one deletes by digest.
func (t *task) reopen(dir *state.Dir) {
	var warnings []string
	if t.journal, warnings = openJournal(dir, t.outcome.Name); !slices.Equal(t.outcome.Warnings, warnings) {
		t.outcome.Warnings = append(t.outcome.Warnings, warnings...)
	}
	if t.planned() { // somebody has thought about the plan meanwhile
		t.journal.keepForeign(t.unfinished)
	}
	t.unfinished = t.journal.Unfinished()
}

// recognize goes on with the repository of the kind that the registry's first answer has told.
func (t *task) recognize(client registry.Registry) {
	if p, ok := client.(registry.Pager); ok {
		t.outcome.Page = p.Page(t.outcome.Name.Path)
	}
	if r, told := t.repository.(registry.Recognizer); told {
		t.repository, t.traits = r.Recognized()
	}
	t.outcome.Kind, t.outcome.Frees = t.traits.Kind, t.traits.Frees
}

func (t *task) close() {
	if t.journal != nil {
		t.journal.Close()
		t.journal = nil
	}
}

// planned reports whether the task has a plan that can be carried out.
func (t *task) planned() bool { return t.outcome.Plan != nil && t.outcome.Outcomes == nil }

// deletes reports whether the task deletes anything when it is carried out.
func (t *task) deletes() bool { return t.planned() && len(t.outcome.Plan.Deletions()) > 0 }

// skip gives up the plan of a task, if it has one.
func (t *task) skip(cause error) {
	if t.planned() {
		t.outcome.Outcomes = prune.Skip(*t.outcome.Plan, cause.Error()).Outcomes
	}
}

// outcomes are what became of some tasks. Explanations go to the summary.
func (p *pruner) outcomes(tasks []*task) []report.Outcome {
	out := make([]report.Outcome, len(tasks))
	for i, t := range tasks {
		out[i] = t.outcome
		if t.explained != nil {
			p.summary.Explained = append(p.summary.Explained, *t.explained)
		}
	}
	return out
}

// leave ends a task for a repository without a tag, whose manifests stay.
func (t *task) leave(manifests []oci.Digest) *task {
	n := len(manifests)
	text := "the repository has no tag, so 1 manifest without one stays"
	if n != 1 {
		text = fmt.Sprintf("the repository has no tag, so %d manifests without one stay", n)
	}
	t.outcome.Warnings = append(t.outcome.Warnings, text)
	t.outcome.Plan = &retain.Plan{Repository: t.outcome.Name}
	t.outcome.Outcomes = map[oci.Digest]prune.Outcome{}
	return t
}

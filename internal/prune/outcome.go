// Package prune executes a plan: it checks once more that nothing has come to depend on what is doomed, deletes in an
// order that never leaves an index without its children, and records one outcome for each deletion.
package prune

import (
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// Status is what became of one deletion; the names are part of the JSON report.
type Status string

// The statuses.
const (
	Deleted Status = "deleted" // the registry accepted the deletion
	Gone    Status = "gone"    // it was not there any more (404)
	Failed  Status = "failed"  // the registry refused, or did not answer
	Skipped Status = "skipped" // it was not tried, or it was spared
	Planned Status = "planned" // a dry run
)

// Outcome is what became of one deletion.
type Outcome struct {
	Status Status
	Detail string // why it failed or was skipped; "" otherwise
}

// Result is what became of a plan.
type Result struct {
	// Outcomes has one entry for each deletion of the plan.
	Outcomes map[oci.Digest]Outcome
	// Err is what ended the execution before its time; nil when every deletion was tried or spared. Deletions that
	// failed by themselves are outcomes, not errors.
	Err error
	// Method is how images were deleted; "" when none was.
	Method Method
	// Unfinished are the manifests without a name that a later run has to finish, as the journal has them.
	Unfinished []oci.Digest
	// Damage is what somebody has pushed meanwhile and that lacks a part which was deleted, or a tag that was removed and
	// is missed: it needs a person.
	Damage []string
	// Warnings are for a reader: what was done by another method than asked.
	Warnings []string
}

// Dry is the result of a plan that is only shown.
func Dry(p retain.Plan) Result { return all(p, Outcome{Status: Planned}) }

// Skip is the result of a plan that is not executed, and why.
func Skip(p retain.Plan, why string) Result { return all(p, Outcome{Skipped, why}) }

func all(p retain.Plan, o Outcome) Result {
	r := Result{Outcomes: map[oci.Digest]Outcome{}}
	for _, d := range p.Deletions() {
		r.Outcomes[d.Image.Digest] = o
	}
	return r
}

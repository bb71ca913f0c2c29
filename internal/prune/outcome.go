// Package prune executes a plan: it checks once more that nothing has come to depend on what is doomed, deletes in an
// order that never leaves an index without its children, and records one outcome for each deletion. Before that, it has
// the plan made with the attachments in view that no list has.
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
	// Retained is a deletion that the registry refused because it protects the image: locked, immutable, the last one of
	// its kind. It is not a failure, and no later run succeeds by trying again.
	Retained Status = "retained"
	// Unsettled is a deletion, or the removal of one of the image's tags, that was sent and not answered: nobody knows
	// whether the registry did it. What depends on it stays in the journal until a later look settles it.
	Unsettled Status = "unsettled"
)

// Outcome is what became of one deletion.
type Outcome struct {
	Status Status
	Detail string // why it failed, was skipped, is retained or unsettled; "" otherwise
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
	// Why says in words why [Auto] has chosen Method, with what it has measured; "" where there was nothing to choose.
	Why string
	// Unfinished are the manifests without a name that a later run has to finish, as the journal has them.
	Unfinished []oci.Digest
	// Untagged are tags that were removed, by the image that they pointed at. It lists only images that are perhaps still
	// there: their deletion failed, was skipped or is unsettled. Of an image that stays, these tags are lost until a later
	// run can put them back: the journal has them.
	Untagged map[oci.Digest][]string
	// Broken are images that somebody pushed during the execution and that now lack a part that the execution deleted.
	Broken []Broken
	// Warnings are for a reader: what was done by another method than asked.
	Warnings []string
}

// Broken is an image that lacks parts.
type Broken struct {
	// Name is its tag, or its digest when it has none.
	Name string
	// Digest is its own digest, and Missing are those of the parts that it lists and that are not there any more.
	Digest  oci.Digest
	Missing []oci.Digest
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

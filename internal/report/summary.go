// Package report turns the summary of a run into what people and machines read: a table for the terminal, Markdown
// for job summaries, JSON for programs. It is pure: it takes values and writes to an io.Writer.
package report

import (
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// Summary is everything a run has to say.
type Summary struct {
	DryRun   bool
	Started  time.Time // ages are counted from it
	Elapsed  time.Duration
	ExitCode int
	CI       CI
	Policy   string // the policy in English
	// Repositories are in the order in which they were asked for.
	Repositories []Outcome
	// Explained are the explanations that were asked for. Where there is one, people are shown it in place of the images.
	Explained []Explained
	// GC is what became of the registry's garbage collection; nil when none was asked for.
	GC *gc.Result
	// Cause is what ended the run before its time: it wraps [context.Canceled] or [ErrTimeout]. It is nil when the run
	// came to its end, and in a summary that was read back from a report.
	Cause error
	// Shard is the part of the repositories that the run was about; the zero value when it was about all.
	Shard Shard
}

// CI is the CI system of a run, as far as the report names it.
type CI struct {
	Name     string // "" outside of a CI
	BuildURL string // "" when unknown
	// ArtifactsPath follows the address of the build where another page has its reports; "" when there is none. No report
	// has it: the name tells.
	ArtifactsPath string
	// Mermaid says that the CI system draws diagrams of Mermaid in Markdown. No report has it: the system that shows a report
	// counts, and not the one of the run.
	Mermaid bool
}

// Outcome is what became of one repository.
type Outcome struct {
	Name oci.Repository
	// Kind is the kind of its registry, as --registry-kind has it; "" when that is not known.
	Kind string
	// Frees says that the registry frees by itself the space of what is deleted.
	Frees bool
	// Page is the address of the repository's page for people; "" when that is not known.
	Page string
	// Policy is the repository's policy in English; "" when none was found for it.
	Policy string
	// Plan is nil when the repository could not be read; Err says why.
	Plan *retain.Plan
	// Outcomes has one entry for each deletion of the plan.
	Outcomes map[oci.Digest]prune.Outcome
	// Untagged are tags that were removed, by the image that they pointed at, where the image is perhaps still there. Of an
	// image that is not in Unfinished they are lost until a later run can put them back.
	Untagged map[oci.Digest][]string
	// Broken are images that somebody pushed during the run and that now lack a part that the run deleted.
	Broken []prune.Broken
	// Method is how images were deleted; "" when none was.
	Method prune.Method
	// Why says why auto has chosen Method, with the times where it has measured; "" where there was nothing to choose.
	Why string
	// Unfinished are manifests that nothing leads to any more and that a later run has to delete, as the journal has them.
	Unfinished []oci.Digest
	// Err is why the repository was not read, refused or not finished; nil when all went well. Reports show its text and
	// its [Hint]. A refusal is told by the plan's refusals, and then the error is not shown a second time. It wraps
	// [ErrTimeout] when the run's time was over before the repository was read.
	Err error
	// Warnings are what else a reader must know about this repository of the run, in addition to the plan's warnings.
	Warnings []string
	// Pushed is what the pipeline has just pushed to the repository; empty when nothing is known of that.
	Pushed []oci.Pushed
	// KnownBytes is the UniqueBytes of a repository that was read back from a report, which names no blobs; nil when
	// the blobs are known.
	KnownBytes *int64
	// KnownInUse is the size of the blobs that a repository still uses which was read back from a report; nil when the blobs
	// are known, and when the report does not have it.
	KnownInUse *int64
	// KnownUntagged is what is known of untagged manifests in a repository that was read back from a report.
	KnownUntagged *UntaggedTotals
}

// UntaggedTotals counts the untagged manifests that stay.
type UntaggedTotals struct {
	Manifests int
	Bytes     int64 // of the blobs that only they and their parts use
}

// Totals are a repository's or a run's counts. They count images and indexes, the things that people push; children
// and attachments come and go with them and are counted in Manifests, and in Failed and Unsettled, because a failure is a
// failure.
type Totals struct {
	Kept, Deleted, Gone, Failed, Skipped, Planned, Unsettled int
	// Retained is the number of images that the registry itself refuses to delete.
	Retained int
	// Broken is the number of images that were pushed during the run and lack a part.
	Broken int
	// Manifests is the number of manifests deleted, of every kind.
	Manifests int
	// PartsGone is the number of children and attachments that were gone already, and PartsLeft that of those that were to
	// be deleted and were not tried, or are planned in a dry run.
	PartsGone, PartsLeft int
	// UniqueBytes is the size of the config and layer blobs that only deleted images used: deleted or gone ones, or
	// planned ones in a dry run. Each blob counts once. In the totals of a run it counts once for each registry,
	// because a registry stores a blob once however many of its repositories use it.
	UniqueBytes int64
	// Unmeasured is true when some manifest was not read, so that UniqueBytes leaves its repository out.
	Unmeasured bool
}

package kindtest

import (
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// Settled holds a run that came to its end to the books, and then holds a second run to the first: it has nothing to
// delete but what the service itself keeps.
func (b *Bench) Settled(run Run, p retain.Policy) {
	b.T.Helper()
	if run.Err != nil || run.Result.Err != nil {
		b.T.Fatalf("the run failed: %v, %v", run.Err, run.Result.Err)
	}
	b.Books(run)
	b.Again(p)
}

// Again holds a run that finds the repository in order to its promises: no error, nothing deleted, nothing left to do
// but what the service itself keeps.
func (b *Bench) Again(p retain.Policy) {
	b.T.Helper()
	deleted := len(b.Fake.Deleted())
	run := b.Sweep(p)
	if run.Err != nil || run.Result.Err != nil {
		b.T.Errorf("the second run failed: %v, %v", run.Err, run.Result.Err)
	}
	for d, o := range run.Result.Outcomes {
		if o.Status != prune.Retained {
			b.T.Errorf("the second run: %s: %+v", d, o)
		}
	}
	if len(run.Result.Unfinished) > 0 {
		b.T.Errorf("the second run leaves %v unfinished", run.Result.Unfinished)
	}
	if more := b.Fake.Deleted()[deleted:]; len(more) > 0 {
		b.T.Errorf("the second run deleted %+v", more)
	}
	b.Books(run)
}

// Books compares what a run says with what the service did: no image that the plan keeps was ever named in a deletion or
// lost a tag, each outcome is what became of the image, and nothing was deleted that no outcome tells of.
func (b *Bench) Books(run Run) {
	b.T.Helper()
	kept, doomed := map[oci.Digest]string{}, map[oci.Digest]bool{}
	for _, d := range run.Plan.Decisions {
		if d.Verdict == retain.Keep {
			kept[d.Image.Digest] = retain.Name(d.Image)
		} else {
			doomed[d.Image.Digest] = true
		}
	}
	deleted := map[oci.Digest]bool{}
	for _, d := range b.Fake.Deleted() {
		if name, is := kept[d.Digest]; is {
			b.T.Errorf("%s is kept and was deleted: %+v", name, d)
		}
		deleted[d.Digest] = deleted[d.Digest] || !d.TagOnly
	}
	for _, r := range b.Fake.Refused() {
		if name, is := kept[r.Digest]; is {
			b.T.Errorf("%s is kept and was named in a deletion: %+v", name, r)
		}
	}
	there := b.Fake.Manifests(b.Path)
	for d := range kept {
		if !slices.Contains(there, d) {
			b.T.Errorf("%s is kept and is not there any more", kept[d])
		}
	}
	along := map[oci.Digest]bool{} // what a service may have deleted together with an index
	for _, d := range run.Plan.Decisions {
		for _, child := range d.Image.Children {
			along[child] = along[child] || run.Result.Outcomes[d.Image.Digest].Status == prune.Deleted
		}
	}
	for d := range doomed {
		o := run.Result.Outcomes[d]
		if o.Status == prune.Failed && along[d] {
			continue // its own request failed after the service had deleted it, or before that
		}
		b.compare(d, o, deleted[d], slices.Contains(there, d))
	}
	if strays := b.Fake.Strays(); len(strays) > 0 {
		b.T.Errorf("requests that were for none of the service's hosts: %v", strays)
	}
}

// compare holds one outcome to what the service did.
func (b *Bench) compare(d oci.Digest, o prune.Outcome, deleted, there bool) {
	b.T.Helper()
	switch o.Status {
	case prune.Deleted:
		if !deleted || there {
			b.T.Errorf("%s is said to be deleted; deleted by the books %v, there %v", d, deleted, there)
		}
	case prune.Gone:
		if there {
			b.T.Errorf("%s is said to be gone and is there", d)
		}
	case prune.Retained, prune.Skipped, prune.Failed:
		if !there {
			b.T.Errorf("%s is said to be %s (%s) and is not there any more", d, o.Status, o.Detail)
		}
	case prune.Unsettled: // nobody knows
	default:
		b.T.Errorf("%s has no outcome: %+v", d, o)
	}
}

// There holds the repository to what is to stay and what is to go.
func (b *Bench) There(stay, gone []oci.Digest) {
	b.T.Helper()
	there := b.Fake.Manifests(b.Path)
	for n, d := range stay {
		if !slices.Contains(there, d) {
			b.T.Errorf("number %d of what stays, %s, is not there any more", n, d)
		}
	}
	for n, d := range gone {
		if slices.Contains(there, d) {
			b.T.Errorf("number %d of what goes, %s, is still there", n, d)
		}
	}
}

// Statuses counts outcomes.
func (r Run) Statuses() map[prune.Status]int {
	out := map[prune.Status]int{}
	for _, o := range r.Result.Outcomes {
		out[o.Status]++
	}
	return out
}

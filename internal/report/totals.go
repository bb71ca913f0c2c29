package report

import (
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// Totals counts what became of the repository. A repository that was not read counts nothing.
func (r Outcome) Totals() Totals {
	t := r.counts()
	if t.UniqueBytes = uniqueBytes(r); r.KnownBytes != nil {
		t.UniqueBytes = *r.KnownBytes
	}
	return t
}

// Totals counts what became of all repositories of the run. UniqueBytes can be less than the sum over the
// repositories: a base layer that nine repositories of a registry shared is stored, and freed, once, and not at all
// when a tenth still uses it. Of repositories read back from a report only the sum is known.
func (s Summary) Totals() Totals {
	var t Totals
	hosts := map[string][]Outcome{}
	for _, r := range s.Repositories {
		c := r.counts()
		t.Kept += c.Kept
		t.Deleted += c.Deleted
		t.Gone += c.Gone
		t.Failed += c.Failed
		t.Skipped += c.Skipped
		t.Planned += c.Planned
		t.Unsettled += c.Unsettled
		t.Retained += c.Retained
		t.Broken += c.Broken
		t.Manifests += c.Manifests
		t.PartsGone += c.PartsGone
		t.PartsLeft += c.PartsLeft
		t.Unmeasured = t.Unmeasured || c.Unmeasured
		if r.KnownBytes != nil {
			t.UniqueBytes += *r.KnownBytes
			continue
		}
		hosts[r.Name.Host] = append(hosts[r.Name.Host], r)
	}
	for _, repositories := range hosts {
		t.UniqueBytes += uniqueBytes(repositories...)
	}
	return t
}

// Troubled reports whether something failed although the work on the repository came to its end: a deletion failed or was
// not answered, a pushed image is broken, or an image that stays has lost a tag.
func (r Outcome) Troubled() bool {
	t := r.Totals()
	return t.Failed+t.Unsettled+t.Broken+len(r.lost()) > 0
}

// lost are the images that stay although tags of theirs were removed.
func (r Outcome) lost() []oci.Image {
	var out []oci.Image
	if r.Plan == nil || len(r.Untagged) == 0 {
		return out
	}
	for i := range r.Plan.Decisions {
		if image := r.Plan.Decisions[i].Image; len(r.Untagged[image.Digest]) > 0 && !slices.Contains(r.Unfinished, image.Digest) {
			out = append(out, image)
		}
	}
	return out
}

// Freed is what the run's garbage collection gave back: 0 when there was none, or when that was not measured.
func (s Summary) Freed() int64 {
	if s.GC == nil || !s.GC.Measured {
		return 0
	}
	return max(0, s.GC.Freed)
}

// counts returns the totals without the bytes.
func (r Outcome) counts() Totals {
	t := Totals{Broken: len(r.Broken)}
	if r.Plan == nil {
		return t
	}
	for i := range r.Plan.Decisions {
		d := &r.Plan.Decisions[i]
		status, one := r.status(d), 0
		t.Unmeasured = t.Unmeasured || d.Image.Unread
		if counted(d.Image) {
			one = 1
		}
		switch status {
		case kept:
			if !staysUntagged(d) {
				t.Kept += one
			}
		case prune.Deleted:
			t.Deleted += one
			t.Manifests++
		case prune.Gone:
			t.Gone += one
			t.PartsGone += 1 - one
		case prune.Failed:
			t.Failed++
		case prune.Unsettled:
			t.Unsettled++
		case prune.Skipped:
			t.Skipped += one
			t.PartsLeft += 1 - one
		case prune.Retained:
			t.Retained += one
			t.PartsLeft += 1 - one
		case prune.Planned:
			t.Planned += one
			t.PartsLeft += 1 - one
		}
	}
	return t
}

// kept is the status of an image that was not to be deleted; no outcome has it.
const kept prune.Status = ""

// status says what became of an image. A deletion without an outcome was not tried, whatever the cause, so it is
// skipped: a report must not call an image deleted on no evidence.
func (r Outcome) status(d *retain.Decision) prune.Status {
	if d.Verdict != retain.Delete {
		return kept
	}
	if o, ok := r.Outcomes[d.Image.Digest]; ok && o.Status != kept {
		return o.Status
	}
	return prune.Skipped
}

// counted reports whether the image is one that people push, and no part of another.
func counted(i oci.Image) bool { return i.Kind == oci.KindImage || i.Kind == oci.KindIndex }

// survives reports whether the registry still has, or after a dry run would still have, a manifest of that status.
func survives(s prune.Status) bool {
	return s != prune.Deleted && s != prune.Gone && s != prune.Planned
}

// uniqueBytes adds up the blobs of deleted images that no surviving image of the same repositories uses.
func uniqueBytes(repositories ...Outcome) int64 {
	return bytesOf(repositories, func(r Outcome, d *retain.Decision) bool { return !survives(r.status(d)) })
}

// bytesOf adds up the blobs of some images that no other image of the same repositories uses. When the manifest of any
// of them was not read, nothing is known of that: 0.
func bytesOf(repositories []Outcome, some func(Outcome, *retain.Decision) bool) int64 {
	for _, r := range repositories {
		if r.Plan != nil && slices.ContainsFunc(r.Plan.Decisions, func(d retain.Decision) bool { return d.Image.Unread }) {
			return 0
		}
	}
	only, others := map[oci.Digest]int64{}, map[oci.Digest]bool{}
	for _, r := range repositories {
		if r.Plan == nil {
			continue
		}
		for i := range r.Plan.Decisions {
			d := &r.Plan.Decisions[i]
			in := some(r, d)
			for _, b := range d.Image.Blobs {
				if in {
					only[b.Digest] = b.Size
				} else {
					others[b.Digest] = true
				}
			}
		}
	}
	var sum int64
	for d, size := range only {
		if !others[d] {
			sum += size
		}
	}
	return sum
}

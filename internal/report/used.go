package report

import "github.com/regsweep/regsweep/internal/oci"

// inUse is the size of the config and layer blobs that the repository still uses, or after a dry run would still use, each
// once. It is nil when that is not known: the repository was not read, or some manifest of it was not.
func (r Outcome) inUse() *int64 {
	switch {
	case r.Plan == nil:
		return nil
	case r.KnownBytes != nil:
		return r.KnownInUse
	}
	used := map[oci.Digest]int64{}
	for i := range r.Plan.Decisions {
		d := &r.Plan.Decisions[i]
		if d.Image.Unread {
			return nil
		}
		if survives(r.status(d)) {
			for _, b := range d.Image.Blobs {
				used[b.Digest] = b.Size
			}
		}
	}
	var sum int64
	for _, size := range used {
		sum += size
	}
	return &sum
}

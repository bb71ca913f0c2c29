package registry

import (
	"context"
	"fmt"

	"github.com/regsweep/regsweep/internal/oci"
)

// Reread looks at the repository again and returns what its tags point at now and what that needs. Tags that the caller
// looks at by itself are given with their digest, and are taken at their word if they are still listed. A digest that
// the earlier snapshot knows is not read again, because a digest's content does not change: the cost is one listing, one
// HEAD for each other tag and one GET for each manifest that is new. Dates, sizes and blobs are left out.
func (r *Repository) Reread(ctx context.Context, before oci.Snapshot, given map[string]oci.Digest) (oci.Snapshot, error) {
	tags, err := r.tags(ctx)
	if err != nil {
		return oci.Snapshot{}, err
	}
	targets := make([]oci.Digest, len(tags))
	err = r.each(ctx, len(tags), func(ctx context.Context, i int) (err error) {
		if targets[i] = given[tags[i]]; targets[i] != "" {
			return nil
		}
		if targets[i], err = r.Resolve(ctx, tags[i]); err != nil {
			return fmt.Errorf("%s: %w", tags[i], err)
		}
		return nil
	})
	if err != nil {
		return oci.Snapshot{}, err
	}
	g := newGathering(r)
	for _, i := range before.Images {
		m := manifest{digest: i.Digest, mediaType: i.MediaType, subject: i.Subject, placeholder: i.Kind == oci.KindPlaceholder}
		for _, c := range i.Children {
			m.children = append(m.children, child{digest: c})
		}
		g.manifests[i.Digest] = m
	}
	for i, d := range targets {
		if d == "" {
			g.ghosts = append(g.ghosts, tags[i])
			continue
		}
		g.tags[d] = append(g.tags[d], tags[i])
	}
	if err := g.readDigests(ctx, targets); err != nil {
		return oci.Snapshot{}, err
	}
	return g.snapshot(), nil
}

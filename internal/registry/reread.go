package registry

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
)

// Reread looks at the repository again and returns what its tags point at now and what that needs. Tags that the caller
// looks at by itself are given with their digest, and are taken at their word if they are still listed; those that it
// believes gone are given with "", and are asked for only if they are listed. A digest that
// the earlier snapshot knows is not read again, because a digest's content does not change: the cost is one listing, one
// HEAD for each other tag and one GET for each manifest that is new. Dates, sizes and blobs are left out.
func (r *Repository) Reread(ctx context.Context, before oci.Snapshot, given map[string]oci.Digest) (oci.Snapshot, error) {
	tags, targets, err := r.targets(ctx, before, given)
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

// targets lists the tags with what they point at, "" for nothing. Tags that were there before are asked for at the same
// time as the listing, which saves a round trip in the step after each push.
func (r *Repository) targets(ctx context.Context, before oci.Snapshot, given map[string]oci.Digest) (tags []string, targets []oci.Digest, err error) {
	found := map[string]oci.Digest{}
	for t, d := range given {
		if d != "" {
			found[t] = d
		}
	}
	var asked []string
	for _, i := range before.Images {
		for _, t := range i.Tags {
			if _, known := given[t]; !known {
				asked = append(asked, t)
			}
		}
	}
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		tags, err = r.tags(inner)
		return err
	})
	answers := make([]oci.Digest, len(asked))
	group.Go(func() error { return r.resolveEach(inner, asked, answers) })
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	for i, t := range asked {
		found[t] = answers[i]
	}
	var news []string
	for _, t := range tags {
		if _, known := found[t]; !known {
			news = append(news, t)
		}
	}
	answers = make([]oci.Digest, len(news))
	if err := r.resolveEach(ctx, news, answers); err != nil {
		return nil, nil, err
	}
	for i, t := range news {
		found[t] = answers[i]
	}
	for _, t := range tags {
		targets = append(targets, found[t])
	}
	return tags, targets, nil
}

// resolveEach resolves tags into answers, in their order.
func (r *Repository) resolveEach(ctx context.Context, tags []string, answers []oci.Digest) error {
	return r.each(ctx, len(tags), func(ctx context.Context, i int) (err error) {
		if answers[i], err = r.Resolve(ctx, tags[i]); err != nil {
			return fmt.Errorf("%s: %w", tags[i], err)
		}
		return nil
	})
}

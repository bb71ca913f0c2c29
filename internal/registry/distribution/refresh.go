package distribution

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
)

// Refresh looks at the repository again and returns what its tags point at now and what that needs. Tags that the caller
// looks at by itself are given with their digest, and are taken at their word if they are still listed; those that it
// believes gone are given with "", and are asked for only if they are listed. A digest that
// the earlier snapshot knows is not read again, because a digest's content does not change: the cost is one listing, one
// HEAD for each other tag and one GET for each manifest that is new. Dates, sizes and blobs are left out.
func (r *Repository) Refresh(ctx context.Context, before oci.Snapshot, given map[string]oci.Digest) (oci.Snapshot, error) {
	names, err := r.targets(ctx, before, given)
	if err != nil {
		return oci.Snapshot{}, r.client.HideIn(err)
	}
	g := newGathering(r)
	g.know(before)
	var digests []oci.Digest
	for i, m := range names.targets {
		if m.digest == "" {
			g.ghosts = append(g.ghosts, names.tags[i])
			continue
		}
		g.tags[m.digest] = append(g.tags[m.digest], names.tags[i])
		digests = append(digests, m.digest)
	}
	if err := g.readDigests(ctx, steps(digests)); err != nil {
		return oci.Snapshot{}, r.client.HideIn(err)
	}
	for _, d := range digests {
		if g.absent[d] { // some registries serve a tag of what they have deleted
			g.ghosts = append(g.ghosts, g.tags[d]...)
			delete(g.tags, d)
		}
	}
	return g.snapshot(), nil
}

// know takes the manifests of a snapshot for read.
func (g *gathering) know(s oci.Snapshot) {
	for _, i := range s.Images {
		m := manifest{digest: i.Digest, mediaType: i.MediaType, subject: i.Subject, placeholder: i.Kind == oci.KindPlaceholder}
		for _, c := range i.Children {
			m.children = append(m.children, child{digest: c})
		}
		g.manifests[i.Digest] = m
	}
}

// listing is what a listing says.
type listing struct {
	tags    []string
	targets []manifest // of the tags; one without a digest where the registry has none
	odd     []string   // names that cannot be tags
}

// targets lists the tags with what they point at.
func (r *Repository) targets(ctx context.Context, before oci.Snapshot, given map[string]oci.Digest) (listing, error) {
	if r.list != nil {
		return r.ownTargets(ctx, before, given)
	}
	var expected []string
	for _, i := range before.Images {
		for _, t := range i.Tags {
			if _, known := given[t]; !known {
				expected = append(expected, t)
			}
		}
	}
	return r.follow(ctx, expected, given, r.resolve)
}

// follow lists the tags and asks what they point at. Those that are expected to
// be listed are asked for at the same time, which saves a round trip in the step after each push; those that are given
// with a digest are not asked for.
func (r *Repository) follow(ctx context.Context, expected []string, given map[string]oci.Digest, ask func(context.Context, string) (manifest, error)) (l listing, err error) {
	found := map[string]manifest{}
	for t, d := range given {
		if d != "" {
			found[t] = manifest{digest: d, unread: true}
		}
	}
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		l.tags, l.odd, err = r.tags(inner)
		return err
	})
	early := make([]manifest, len(expected))
	group.Go(func() error {
		if err := r.askEach(inner, expected, early, ask); err != nil {
			return &earlyError{err}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return listing{}, err
	}
	for i, t := range expected {
		if early[i].digest != "" { // else, if it is listed, it has come back since
			found[t] = early[i]
		}
	}
	l.targets = make([]manifest, len(l.tags))
	var rest []string
	for _, t := range l.tags {
		if _, known := found[t]; !known {
			rest = append(rest, t)
		}
	}
	answers := make([]manifest, len(rest))
	if err := r.askEach(ctx, rest, answers, ask); err != nil {
		return listing{}, err
	}
	for i, t := range rest {
		found[t] = answers[i]
	}
	for i, t := range l.tags {
		l.targets[i] = found[t]
	}
	return l, nil
}

// earlyError is what was answered for a tag that was expected, and may not be listed.
type earlyError struct{ error }

func (e *earlyError) Unwrap() error { return e.error }

// askEach asks for tags into answers, in their order.
func (r *Repository) askEach(ctx context.Context, tags []string, answers []manifest, ask func(context.Context, string) (manifest, error)) error {
	return r.client.Each(ctx, len(tags), func(ctx context.Context, i int) (err error) {
		if answers[i], err = ask(ctx, tags[i]); err != nil && !errors.Is(err, errNoManifest) {
			return fmt.Errorf("%s: %w", tags[i], err)
		}
		return nil
	})
}

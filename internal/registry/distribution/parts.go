package distribution

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
)

// maxParts is how many manifests may belong to one tag, through however many indexes. A registry takes an index of 4 MiB,
// about 20,000 entries, and each of those may be an index again. Images have a few dozen parts.
const maxParts = 10_000

// step is a manifest to read, and the one at which the way there began.
type step struct{ digest, root oci.Digest }

// steps are the beginnings of ways.
func steps(digests []oci.Digest) []step {
	var out []step
	for _, d := range digests {
		out = append(out, step{d, d})
	}
	return out
}

// stepsFrom goes on from a root to what it lists.
func stepsFrom(root oci.Digest, parts []oci.Digest) []step {
	var out []step
	for _, d := range parts {
		out = append(out, step{d, root})
	}
	return out
}

// readDigests reads manifests by digest, and what they list, until nothing new turns up. What belongs to several roots counts
// for the first of them.
func (g *gathering) readDigests(ctx context.Context, next []step) error {
	parts := map[oci.Digest]int{} // by root
	for len(next) > 0 {
		roots := map[oci.Digest]oci.Digest{} // of what is to be read
		var later []step
		for _, s := range next {
			if _, known := g.manifests[s.digest]; s.digest == "" || known || g.absent[s.digest] || g.others[s.digest] || roots[s.digest] != "" {
				continue
			}
			if s.digest != s.root {
				if parts[s.root]++; parts[s.root] > maxParts {
					return incomplete(fmt.Errorf("%s: more than %d manifests belong to it", g.name(s.root), maxParts))
				}
			}
			if m, remembered := g.memory.manifests[s.digest]; remembered {
				later = append(later, stepsFrom(s.root, g.add(m))...)
				continue
			}
			roots[s.digest] = s.root
		}
		wanted := slices.Sorted(maps.Keys(roots))
		found, err := g.read(ctx, wanted, roots)
		if err != nil {
			return g.explain(err)
		}
		for _, m := range found {
			g.asked[m.digest] = true
			later = append(later, stepsFrom(roots[m.digest], g.add(m))...)
		}
		next = later
	}
	return nil
}

// read reads manifests by digest. It notes those that the registry does not have, and parts of indexes that are no
// manifests; what is its own root has to be one. An error is a partError.
func (g *gathering) read(ctx context.Context, digests []oci.Digest, roots map[oci.Digest]oci.Digest) ([]manifest, error) {
	g.news = g.news || len(digests) > 0
	all := make([]manifest, len(digests))
	errs := make([]error, len(digests))
	err := g.repository.client.Each(ctx, len(digests), func(ctx context.Context, i int) error {
		read := g.repository.part
		if digests[i] == roots[digests[i]] {
			read = g.repository.whole
		}
		all[i], errs[i] = read(ctx, digests[i])
		if err := errs[i]; err != nil && !errors.Is(err, errNoManifest) && !errors.Is(err, errNotManifest) {
			return &partError{digests[i], err}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []manifest
	for i, d := range digests {
		switch {
		case errors.Is(errs[i], errNoManifest):
			g.absent[d] = true
		case errs[i] != nil:
			g.others[d] = true
		default:
			out = append(out, all[i])
		}
	}
	return out, nil
}

// partError is why a manifest or config could not be read.
type partError struct {
	digest oci.Digest
	error
}

func (e *partError) Unwrap() error { return e.error }

// name is what a person calls a manifest: its first tag, or its digest.
func (g *gathering) name(d oci.Digest) string {
	if tags := g.tags[d]; len(tags) > 0 {
		return tags[0]
	}
	return d.String()
}

// explain names the way from a tag to what could not be read.
func (g *gathering) explain(err error) error {
	var part *partError
	if !errors.As(err, &part) {
		return err
	}
	way := g.name(part.digest)
	seen := map[oci.Digest]bool{}
	for d := part.digest; len(g.tags[d]) == 0 && !seen[d]; {
		seen[d] = true
		for _, whole := range slices.Sorted(maps.Keys(g.manifests)) {
			m := g.manifests[whole]
			if m.config.Digest == d || slices.ContainsFunc(m.children, func(c child) bool { return c.digest == d }) {
				way = g.name(whole) + ": its part " + way
				d = whole
				break
			}
		}
	}
	return fmt.Errorf("%s: %w", way, part.error)
}

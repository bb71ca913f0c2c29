package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
)

// Snapshot reads everything known of the repository: all tags, each manifest that they reach, and the dates. also
// names digests to read beside, because a pipeline can push without a tag and such a manifest is in no listing.
// Anything that cannot be read is an error, but for what the registry firmly says it does not have: a listed tag
// without a manifest is a ghost, a manifest or config that another refers to is noted as missing there.
func (r *Repository) Snapshot(ctx context.Context, also []oci.Digest) (oci.Snapshot, error) {
	tags, err := r.tags(ctx)
	if err != nil {
		return oci.Snapshot{}, err
	}
	g := newGathering(r)
	if err := g.readTags(ctx, tags); err != nil {
		return oci.Snapshot{}, err
	}
	if err := g.readDigests(ctx, also); err != nil {
		return oci.Snapshot{}, err
	}
	if err := g.readDates(ctx); err != nil {
		return oci.Snapshot{}, err
	}
	return g.snapshot(), nil
}

// gathering collects what a snapshot is made of.
type gathering struct {
	repository *Repository
	manifests  map[oci.Digest]manifest
	tags       map[oci.Digest][]string
	ghosts     []string
	dates      map[oci.Digest]time.Time // by config
	dated      map[oci.Digest]time.Time // by manifest, as far as date was asked
	absent     map[oci.Digest]bool      // manifests and configs that the registry does not have
}

func newGathering(r *Repository) *gathering {
	return &gathering{
		repository: r,
		manifests:  map[oci.Digest]manifest{},
		tags:       map[oci.Digest][]string{},
		dates:      map[oci.Digest]time.Time{},
		dated:      map[oci.Digest]time.Time{},
		absent:     map[oci.Digest]bool{},
	}
}

// each calls f for 0 to n-1 in parallel, bounded together with all others of the client, and returns the first error.
func (r *Repository) each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(r.client.options.readers())
	for i := range n {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			select {
			case r.client.reading <- struct{}{}:
			case <-inner.Done():
				return context.Cause(inner)
			}
			defer func() { <-r.client.reading }()
			return f(inner, i)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx) // a cancel between two calls fails none of them
}

// read reads manifests by tag or digest; an entry of the result is nil where the registry has none.
func (r *Repository) read(ctx context.Context, references []string) ([]*manifest, error) {
	out := make([]*manifest, len(references))
	err := r.each(ctx, len(references), func(ctx context.Context, i int) error {
		m, err := r.manifest(ctx, references[i])
		switch {
		case errors.Is(err, errNoManifest):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", references[i], err)
		}
		out[i] = &m
		return nil
	})
	return out, err
}

func (g *gathering) readTags(ctx context.Context, tags []string) error {
	found, err := g.repository.read(ctx, tags)
	if err != nil {
		return err
	}
	var next []oci.Digest
	for i, m := range found {
		if m == nil {
			g.ghosts = append(g.ghosts, tags[i])
			continue
		}
		g.tags[m.digest] = append(g.tags[m.digest], tags[i])
		next = append(next, g.add(*m)...)
	}
	return g.readDigests(ctx, next)
}

// readDigests reads manifests by digest, and what they list, until nothing new turns up.
func (g *gathering) readDigests(ctx context.Context, digests []oci.Digest) error {
	for len(digests) > 0 {
		var wanted []string
		for _, d := range digests {
			if _, known := g.manifests[d]; d != "" && !known && !g.absent[d] {
				wanted = append(wanted, d.String())
			}
		}
		slices.Sort(wanted)
		wanted = slices.Compact(wanted)
		found, err := g.repository.read(ctx, wanted)
		if err != nil {
			return err
		}
		digests = nil
		for i, m := range found {
			if m == nil {
				g.absent[oci.Digest(wanted[i])] = true
				continue
			}
			digests = append(digests, g.add(*m)...)
		}
	}
	return nil
}

// add notes a manifest and returns the manifests that it lists.
func (g *gathering) add(m manifest) []oci.Digest {
	if _, known := g.manifests[m.digest]; known {
		return nil
	}
	g.manifests[m.digest] = m
	var next []oci.Digest
	for _, c := range m.children {
		if !c.blob {
			next = append(next, c.digest)
		}
	}
	return next
}

// readDates reads the config of every image whose date matters and is not in its manifest, each config once.
// Attachments are never aged, and the date of an attestation inside an index says nothing of the image.
func (g *gathering) readDates(ctx context.Context) error {
	needed := map[oci.Digest]bool{}
	var need func(d oci.Digest)
	need = func(d oci.Digest) {
		m, ok := g.manifests[d]
		if !ok || needed[d] {
			return
		}
		needed[d] = true
		for _, c := range m.children {
			if m.created.IsZero() && !c.attestation {
				need(c.digest)
			}
		}
	}
	listed := g.listed()
	for d, m := range g.manifests {
		if !g.attached(m) && (len(g.tags[d]) > 0 || !listed[d]) {
			need(d)
		}
	}
	var configs []oci.Digest
	for d := range needed {
		if m := g.manifests[d]; m.config.Digest != "" && m.created.IsZero() {
			configs = append(configs, m.config.Digest)
		}
	}
	slices.Sort(configs)
	configs = slices.Compact(configs)
	dates := make([]time.Time, len(configs))
	absent := make([]bool, len(configs))
	err := g.repository.each(ctx, len(configs), func(ctx context.Context, i int) (err error) {
		dates[i], err = g.repository.configDate(ctx, configs[i])
		if errors.Is(err, errNoBlob) {
			absent[i], err = true, nil
		}
		return err
	})
	for i, c := range configs {
		g.dates[c] = dates[i]
		g.absent[c] = absent[i]
	}
	return err
}

// listed returns what indexes list.
func (g *gathering) listed() map[oci.Digest]bool {
	out := map[oci.Digest]bool{}
	for _, m := range g.manifests {
		for _, c := range m.children {
			out[c.digest] = true
		}
	}
	return out
}

// attached reports whether a manifest is an attachment: it has a subject, or all its tags name one.
func (g *gathering) attached(m manifest) bool {
	tags := g.tags[m.digest]
	return m.subject != "" || (len(tags) > 0 && !slices.ContainsFunc(tags, func(t string) bool {
		_, ok := oci.AttachmentSubject(t)
		return !ok
	}))
}

// snapshot puts together what was read.
func (g *gathering) snapshot() oci.Snapshot {
	listed := g.listed()
	s := oci.Snapshot{Repository: g.repository.name, Ghosts: g.ghosts, Images: make([]oci.Image, 0, len(g.manifests))}
	for d, m := range g.manifests {
		i := oci.Image{
			Digest: d, MediaType: m.mediaType, Tags: g.tags[d], Created: g.date(d),
			Size: m.size, Blobs: m.blobs, Subject: m.subject,
		}
		switch {
		case g.attached(m):
			i.Kind = oci.KindAttachment
		case len(i.Tags) == 0 && listed[d]:
			i.Kind = oci.KindChild
		case m.isIndex():
			i.Kind = oci.KindIndex
		default:
			i.Kind = oci.KindImage
		}
		for _, c := range m.children {
			i.Children = append(i.Children, c.digest)
			if g.absent[c.digest] {
				i.Missing = append(i.Missing, c.digest)
			}
		}
		i.ConfigMissing = g.absent[m.config.Digest]
		s.Images = append(s.Images, i)
	}
	slices.SortFunc(s.Images, func(a, b oci.Image) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	return s
}

// date returns when an image was built: what its manifest or config says, for an index the newest of its platforms.
// An index of which a platform is missing or undated has no usable date, because that one may be the newest. Each
// digest is dated once: indexes that list the same indexes again and again would take time without end.
func (g *gathering) date(d oci.Digest) time.Time {
	if t, known := g.dated[d]; known {
		return t
	}
	m := g.manifests[d]
	t := m.created
	switch {
	case !t.IsZero():
	case m.isIndex():
		t = g.newestPlatform(m)
	default:
		t = g.dates[m.config.Digest]
	}
	g.dated[d] = t
	return t
}

func (g *gathering) newestPlatform(m manifest) time.Time {
	var newest time.Time
	for _, c := range m.children {
		if c.attestation || c.blob {
			continue
		}
		t := g.date(c.digest)
		if t.IsZero() {
			return time.Time{}
		}
		if t.After(newest) {
			newest = t
		}
	}
	return newest
}

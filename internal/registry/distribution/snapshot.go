package distribution

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Snapshot reads everything known of the repository: all tags, each manifest that they reach, and the dates. What an
// earlier run has read of a digest is not read again. Anything that cannot be read is an error, but for what the
// registry firmly says it does not have: a listed tag without a manifest is a ghost, a manifest or config that another
// refers to is noted as missing there.
func (r *Repository) Snapshot(ctx context.Context, q registry.Query) (oci.Snapshot, error) {
	g := newGathering(r)
	g.recall()
	read := g.readTags
	if r.list != nil {
		read = g.readOwnList
	}
	err := read(ctx, q.SkipDates)
	if err == nil {
		err = g.readNamed(ctx, q.Digests)
	}
	if q.Untagged && err == nil {
		err = g.readNamed(ctx, g.overwritten())
	}
	if q.SkipDates {
		g.undated = true
	} else if err == nil {
		err = g.readDates(ctx, q.Dates)
	}
	if err != nil {
		return oci.Snapshot{}, r.client.HideIn(err)
	}
	g.save()
	for _, w := range g.warnSchema1() {
		g.warnings = append(g.warnings, r.client.Hide(w))
	}
	return g.snapshot(), nil
}

// gathering collects what a snapshot is made of.
type gathering struct {
	repository *Repository
	manifests  map[oci.Digest]manifest
	tags       map[oci.Digest][]string
	entries    map[oci.Digest]Entry // of the registry's own list
	ghosts     []string
	warnings   []string
	oldTags    []string                 // those whose manifests the registry itself cannot read any more, see schema1Unread
	dates      map[oci.Digest]time.Time // by config
	dated      map[oci.Digest]dating    // by manifest, as far as it was asked for
	absent     map[oci.Digest]bool      // manifests and configs that the registry does not have
	asked      map[oci.Digest]bool      // manifests that the registry itself has just answered with
	others     map[oci.Digest]bool      // parts of indexes that are no manifests, whatever the index says of them
	memory     memory
	undated    bool // dates are left out
	news       bool // something was read that the memory lacks
}

func newGathering(r *Repository) *gathering {
	return &gathering{
		repository: r,
		manifests:  map[oci.Digest]manifest{},
		entries:    map[oci.Digest]Entry{},
		tags:       map[oci.Digest][]string{},
		dates:      map[oci.Digest]time.Time{},
		dated:      map[oci.Digest]dating{},
		absent:     map[oci.Digest]bool{},
		asked:      map[oci.Digest]bool{},
		others:     map[oci.Digest]bool{},
	}
}

// readTags lists the tags and reads what they point at. A docker image manifest can refer to no other manifest: it has
// neither children nor a subject (docker's image manifest version 2, schema 2), so names alone do not need it.
func (g *gathering) readTags(ctx context.Context, namesOnly bool) error {
	ask := func(ctx context.Context, tag string) (manifest, error) {
		if namesOnly || g.memory.tags[tag] {
			return g.repository.resolve(ctx, tag)
		}
		return g.repository.manifest(ctx, tag) // a request less than to resolve it first
	}
	names, err := g.repository.follow(ctx, g.expected(), nil, ask)
	var early *earlyError
	if errors.As(err, &early) && ctx.Err() == nil { // of a tag that is gone anything may be said: the listing comes first
		names, err = g.repository.follow(ctx, nil, nil, ask)
	}
	if err != nil {
		return err
	}
	for _, w := range warnOdd(names.odd) {
		g.warnings = append(g.warnings, g.repository.client.Hide(w))
	}
	var next []step
	for i, m := range names.targets {
		_, remembered := g.memory.manifests[m.digest]
		switch {
		case m.digest == "":
			continue
		case !m.unread:
			g.news, g.asked[m.digest] = g.news || !remembered, true
			next = append(next, stepsFrom(m.digest, g.add(m))...)
		case namesOnly && !remembered && m.mediaType == typeDockerImage:
			g.add(m)
		}
		g.tags[m.digest] = append(g.tags[m.digest], names.tags[i])
		next = append(next, step{m.digest, m.digest})
	}
	if err := g.readDigests(ctx, next); err != nil {
		return err
	}
	for i, m := range names.targets {
		if m.digest == "" || g.absent[m.digest] {
			g.ghosts = append(g.ghosts, names.tags[i])
			delete(g.tags, m.digest)
			if isSchema1(m.mediaType) {
				g.oldTags = append(g.oldTags, names.tags[i])
			}
		}
	}
	if n := len(names.tags); n > 0 && len(g.ghosts) == n && len(g.oldTags) == 0 { // something in between hides manifests more often than all tags lose theirs
		return incomplete(fmt.Errorf("the registry lists tags, such as %s, and has no manifest for any of them (%d in all)", names.tags[0], n))
	}
	g.news = g.news || g.memory.open != g.repository.client.Anonymous() || !maps.Equal(g.memory.tags, g.tagged())
	return nil
}

// tagged are the tags that lead somewhere, and whether what they lead to is known.
func (g *gathering) tagged() map[string]bool {
	out := map[string]bool{}
	for d, tags := range g.tags {
		for _, t := range tags {
			out[t] = !g.manifests[d].unread
		}
	}
	return out
}

// expected are the tags to ask for while they are being listed: those of an earlier run, as far as they go in one round
// trip with the listing. Where requests need a login the listing goes alone, or each of them would be refused first.
func (g *gathering) expected() []string {
	if !g.memory.open || len(g.memory.tags) >= wire.FirstReads {
		return nil
	}
	return slices.Sorted(maps.Keys(g.memory.tags))
}

// readNamed reads digests that somebody names. What is remembered of them does not show that they are still there. What has
// just been read as a part of another is not read again.
func (g *gathering) readNamed(ctx context.Context, digests []oci.Digest) error {
	for _, d := range digests {
		if g.asked[d] {
			continue
		}
		if len(g.tags[d]) == 0 || g.manifests[d].unread {
			delete(g.memory.manifests, d)
			delete(g.manifests, d)
		}
	}
	return g.readDigests(ctx, steps(digests))
}

// overwritten are the manifests that an earlier run has read and that no tag leads to any more, sorted. Whether they are
// still there is not known.
func (g *gathering) overwritten() []oci.Digest {
	if g.repository.list != nil { // it has everything
		return nil
	}
	var out []oci.Digest
	for d := range g.memory.manifests {
		if _, reached := g.manifests[d]; !reached {
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out
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
// Attachments are never aged, and the date of an artifact inside an index says nothing of the image.
func (g *gathering) readDates(ctx context.Context, of registry.Dates) error {
	if of == registry.ManifestDates {
		return nil
	}
	tagged := of == registry.AllDates
	needed := map[oci.Digest]bool{}
	var need func(d oci.Digest)
	need = func(d oci.Digest) {
		m, ok := g.manifests[d]
		if !ok || needed[d] {
			return
		}
		needed[d] = true
		for _, c := range m.children {
			if part := g.manifests[c.digest]; m.created.IsZero() && !c.artifact && part.platform {
				need(c.digest)
			}
		}
	}
	listed := g.listed()
	for d, m := range g.manifests {
		if hasTag := len(g.tags[d]) > 0; !g.attached(m) && (hasTag && tagged || !hasTag && !listed[d]) {
			need(d)
		}
	}
	var configs []oci.Digest
	for d := range needed {
		m := g.manifests[d]
		if t, remembered := g.memory.dates[m.config.Digest]; remembered {
			g.dates[m.config.Digest] = t
		} else if m.config.Digest != "" && m.created.IsZero() {
			configs = append(configs, m.config.Digest)
		}
	}
	slices.Sort(configs)
	configs = slices.Compact(configs)
	dates := make([]time.Time, len(configs))
	absent := make([]bool, len(configs))
	err := g.repository.client.Each(ctx, len(configs), func(ctx context.Context, i int) (err error) {
		dates[i], err = g.repository.configDate(ctx, configs[i])
		if errors.Is(err, errNoBlob) {
			absent[i], err = true, nil
		}
		if err != nil {
			err = &partError{configs[i], err}
		}
		return err
	})
	for i, c := range configs {
		g.dates[c] = dates[i]
		g.absent[c] = absent[i]
	}
	g.news = g.news || len(configs) > 0
	return g.explain(err)
}

// recall takes up what earlier runs have read.
func (g *gathering) recall() {
	if s := g.repository.store; s != nil {
		g.memory = recall(s.Load(g.repository.name))
	}
}

// save leaves what was read for later runs, when there is anything new to it.
func (g *gathering) save() {
	if s := g.repository.store; s != nil && g.news && len(g.manifests) <= maxRemembered {
		s.Save(g.repository.name, g.remember())
	}
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
	s := oci.Snapshot{Repository: g.repository.name, Ghosts: g.ghosts, Warnings: g.warnings, Images: make([]oci.Image, 0, len(g.manifests))}
	for d, m := range g.manifests {
		i := oci.Image{
			Digest: d, MediaType: unique.Make(m.mediaType).Value(), Tags: g.tags[d], Created: g.date(d).at,
			Size: m.size, Blobs: m.blobs, Subject: m.subject, Unread: m.unread,
			Pushed: g.entries[d].Pushed.UTC(), Retained: g.entries[d].Retained,
		}
		if i.Size == 0 && !m.isIndex() {
			i.Size = g.entries[d].Size
		}
		switch {
		case m.placeholder:
			i.Kind = oci.KindPlaceholder
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

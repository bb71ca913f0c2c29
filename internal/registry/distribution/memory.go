package distribution

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// memory is what earlier runs have read of a repository's manifests and configs. It is addressed by digest, so it never
// grows stale: whether a tag points at a digest is asked in each run, what a digest is was answered once and for all.
type memory struct {
	manifests map[oci.Digest]manifest
	dates     map[oci.Digest]time.Time // by config
	// tags are those that were there, and whether the manifest they led to was known. They may be gone or moved: this says only
	// which are worth asking for, and how.
	tags map[string]bool
	open bool // no login was asked for
	// noReferrers is when the registry has last shown that it does not serve the referrers API.
	noReferrers time.Time
}

// maxRemembered bounds what is remembered of one repository. In one with more manifests the memory would cost more
// than it saves: what a prune leaves is far less, and to write 20,000 down takes 10 MB.
const maxRemembered = 15_000

// remembered is the form of a memory in a store, as JSON: every other encoding of the standard library would come on top of
// it in the program. Names are short, because a repository has tens of thousands of manifests. Blobs are in a table, because
// images share most of theirs.
type remembered struct {
	Form      int                  `json:"form"`
	Open      bool                 `json:"open"`
	Tags      map[string]bool      `json:"tags"`
	Blobs     []oci.Blob           `json:"blobs"`
	Manifests []rememberedManifest `json:"manifests"`
	Dates     []rememberedDate     `json:"dates"`
	// NoReferrers is when the registry has last shown that it does not serve the referrers API; the zero time says never.
	NoReferrers time.Time `json:"no_referrers"`
}

type (
	rememberedManifest struct {
		Digest    oci.Digest        `json:"d"`
		Subject   oci.Digest        `json:"s,omitempty"`
		MediaType string            `json:"m"`
		Blobs     []int             `json:"b,omitempty"` // in the table
		Config    int               `json:"c,omitempty"` // 1 + its place in the table, 0 without one
		Platform  bool              `json:"p,omitempty"`
		Children  []rememberedChild `json:"k,omitempty"`
		Created   time.Time         `json:"t,omitzero"`
	}
	rememberedChild struct {
		Digest   oci.Digest `json:"d"`
		Artifact bool       `json:"a,omitempty"`
		Blob     bool       `json:"b,omitempty"`
	}
	rememberedDate struct {
		Config  oci.Digest `json:"c"`
		Created time.Time  `json:"t,omitzero"`
	}
)

// rememberedForm changes when what is read of a manifest changes. Another form is no memory.
const rememberedForm = 5

// recall reads a memory. One that cannot be read, or that holds what no manifest can be, is empty.
func recall(content []byte) memory {
	empty := memory{manifests: map[oci.Digest]manifest{}, dates: map[oci.Digest]time.Time{}}
	in, ok := decode(content)
	if !ok {
		return empty
	}
	out := memory{make(map[oci.Digest]manifest, len(in.Manifests)), make(map[oci.Digest]time.Time, len(in.Dates)), in.Tags, in.Open, in.NoReferrers}
	for _, r := range in.Manifests {
		m, ok := r.manifest(in.Blobs)
		if !ok {
			return empty
		}
		out.manifests[m.digest] = m
	}
	for t := range in.Tags {
		if !oci.ValidTag(t) { // it would become part of a URL
			return empty
		}
	}
	for _, d := range in.Dates {
		out.dates[d.Config] = d.Created
	}
	return out
}

// decode reads the form of a memory and reports whether it is one.
func decode(content []byte) (in remembered, ok bool) {
	ok = json.Unmarshal(content, &in) == nil && in.Form == rememberedForm
	return in, ok
}

func (r rememberedManifest) manifest(table []oci.Blob) (manifest, bool) {
	m := manifest{digest: r.Digest, mediaType: r.MediaType, subject: r.Subject, platform: r.Platform, created: r.Created}
	for _, i := range r.Blobs {
		if i < 0 || i >= len(table) {
			return m, false
		}
		m.blobs = append(m.blobs, table[i])
		m.size += table[i].Size
	}
	if r.Config < 0 || r.Config > len(table) {
		return m, false
	}
	if r.Config > 0 {
		m.config = table[r.Config-1]
	}
	for _, c := range r.Children {
		m.children = append(m.children, child{c.Digest, c.Artifact, c.Blob})
	}
	return m, m.digest.Validate() == nil && (slices.Contains(manifestTypes, m.mediaType) || isSchema1(m.mediaType)) && m.validate() == nil
}

// remember writes a memory down. Manifests that refer to what the registry does not have are left out: that may be
// pushed again. What an earlier run has read and no tag leads to any more stays in it, because no listing has it.
func (g *gathering) remember() []byte {
	out := remembered{Form: rememberedForm, Open: g.repository.client.Anonymous(), Tags: g.tagged(), NoReferrers: g.memory.noReferrers}
	places := map[oci.Blob]int{}
	place := func(b oci.Blob) int {
		i, ok := places[b]
		if !ok {
			i = len(out.Blobs)
			places[b], out.Blobs = i, append(out.Blobs, b)
		}
		return i
	}
	known := maps.Clone(g.manifests)
	if lost := g.overwritten(); len(known)+len(lost) <= maxRemembered {
		for _, d := range lost {
			if !g.absent[d] {
				known[d] = g.memory.manifests[d]
			}
		}
	}
	for _, d := range slices.Sorted(maps.Keys(known)) {
		m := known[d]
		if m.unread || m.placeholder || g.absent[m.config.Digest] || slices.ContainsFunc(m.children, func(c child) bool { return g.absent[c.digest] }) {
			continue
		}
		r := rememberedManifest{Digest: d, Subject: m.subject, MediaType: m.mediaType, Platform: m.platform, Created: m.created}
		for _, b := range m.blobs {
			r.Blobs = append(r.Blobs, place(b))
		}
		if m.config.Digest != "" {
			r.Config = 1 + place(m.config)
		}
		for _, c := range m.children {
			r.Children = append(r.Children, rememberedChild{c.digest, c.artifact, c.blob || g.others[c.digest]})
		}
		out.Manifests = append(out.Manifests, r)
		t, read := g.dates[m.config.Digest]
		if !read { // dates that this run does not need
			t, read = g.memory.dates[m.config.Digest]
		}
		if read && m.config.Digest != "" {
			out.Dates = append(out.Dates, rememberedDate{m.config.Digest, t})
		}
	}
	return out.encode()
}

// encode is the opposite of decode.
func (r remembered) encode() []byte {
	text, err := json.Marshal(r)
	if err != nil { // a date of a year beyond 9999
		return nil
	}
	return text
}

// Forget drops what was deleted from what is remembered, because the next run would ask for tags that are gone. Their
// blobs and dates are left to the next run that reads something new.
func (r *Repository) Forget(digests map[oci.Digest]bool, tags map[string]bool) {
	store := r.store
	if store == nil {
		return
	}
	in, ok := decode(store.Load(r.name))
	if !ok {
		return
	}
	in.Manifests = slices.DeleteFunc(in.Manifests, func(m rememberedManifest) bool { return digests[m.Digest] })
	maps.DeleteFunc(in.Tags, func(t string, _ bool) bool { return tags[t] })
	store.Save(r.name, in.encode())
}

package vendors

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// holding is a manifest of a repository and what it refers to.
type holding struct {
	digest       oci.Digest
	mediaType    string
	artifactType string
	configType   string
	config       oci.Digest
	size         int64 // of the manifest, and of what its config and layers or children are said to have
	length       int64 // of the manifest alone
	children     []oci.Digest
	platforms    []json.RawMessage // of the children, in their order
	subject      oci.Digest
	pushed       time.Time
	tags         []string // sorted
}

// holdings reads all manifests of a repository.
func (s *selfHosted) holdings(path string) map[oci.Digest]*holding {
	all := map[oci.Digest]*holding{}
	for _, d := range s.Manifests(path) {
		m, ok := s.Manifest(path, d)
		if !ok {
			continue // it was deleted a moment ago
		}
		h := parseHolding(m.Body)
		h.digest, h.mediaType, h.pushed = d, m.MediaType, m.Pushed
		all[d] = h
	}
	tags := s.Tags(path)
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if h := all[tags[tag]]; h != nil {
			h.tags = append(h.tags, tag)
		}
	}
	return all
}

func parseHolding(body []byte) *holding {
	type descriptor struct {
		MediaType string
		Digest    oci.Digest
		Size      int64
		Platform  json.RawMessage
	}
	var m struct {
		ArtifactType string
		Config       *descriptor
		Layers       []descriptor
		Manifests    []descriptor
		Subject      *descriptor
	}
	if err := json.Unmarshal(body, &m); err != nil {
		panic(err) // the registry took it
	}
	h := &holding{artifactType: m.ArtifactType, length: int64(len(body)), size: int64(len(body))}
	if m.Manifests != nil {
		h.children = []oci.Digest{}
	}
	for _, c := range m.Manifests {
		h.children = append(h.children, c.Digest)
		h.platforms = append(h.platforms, c.Platform)
		h.size += c.Size
	}
	for _, l := range m.Layers {
		h.size += l.Size
	}
	if m.Config != nil {
		h.config, h.configType = m.Config.Digest, m.Config.MediaType
		h.size += m.Config.Size
	}
	if m.Subject != nil {
		h.subject = m.Subject.Digest
	}
	return h
}

// listedBy returns the indexes that list a manifest, sorted.
func listedBy(all map[oci.Digest]*holding, d oci.Digest) (indexes []oci.Digest) {
	for _, h := range all {
		if slices.Contains(h.children, d) {
			indexes = append(indexes, h.digest)
		}
	}
	slices.Sort(indexes)
	return indexes
}

// referrersOf returns the manifests whose subject is a manifest, sorted.
func referrersOf(all map[oci.Digest]*holding, d oci.Digest) (referrers []oci.Digest) {
	for _, h := range all {
		if h.subject == d {
			referrers = append(referrers, h.digest)
		}
	}
	slices.Sort(referrers)
	return referrers
}

// tagsOf returns the tags of a manifest, sorted.
func (s *selfHosted) tagsOf(path string, d oci.Digest) (tags []string) {
	for tag, at := range s.Tags(path) {
		if at == d {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}

package registrytest

import (
	"maps"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// TagTimes is what a registry with a database keeps of a tag.
type TagTimes struct {
	// Created is when the tag was pushed first, after it was last deleted.
	Created time.Time
	// Switched is when it was last moved to another manifest; zero when it never was.
	Switched time.Time
}

// TagTimes returns the times of a repository's tags. CNCF distribution does not keep them; the registries that do are
// built on this one.
func (reg *Registry) TagTimes(path string) map[string]TagTimes {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if repo, ok := reg.repos[path]; ok {
		return maps.Clone(repo.tagTimes)
	}
	return nil
}

// Overtaken returns the manifests that a tag was moved away from, sorted. Some registries drop such a manifest when it
// has no other tag.
func (reg *Registry) Overtaken(path string) []oci.Digest {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if repo, ok := reg.repos[path]; ok {
		return slices.Sorted(maps.Keys(repo.overtaken))
	}
	return nil
}

// noteTag keeps the times of a tag that is about to point at a digest.
func (r *repository) noteTag(tag string, d oci.Digest) {
	now := r.now()
	old, exists := r.tags[tag]
	times := r.tagTimes[tag]
	switch {
	case !exists:
		times = TagTimes{Created: now}
	case old != d:
		times.Switched = now
		r.overtaken[old] = true
	}
	r.tagTimes[tag] = times
}

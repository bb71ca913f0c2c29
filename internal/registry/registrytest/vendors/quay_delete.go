package vendors

import (
	"net/http"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// delete deletes a tag, or all tags of a digest. A digest without a tag of its own is unknown, even when an index lists
// it.
func (f *Quay) delete(w http.ResponseWriter, path, ref string) {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	if !slices.Contains(f.Repositories(), path) {
		f.refuse(w, f.refusal(path, ref, http.StatusNotFound, "NAME_UNKNOWN"), "repository name not known to registry")
		return
	}
	d, tags := oci.Digest(ref), []string{ref}
	isDigest := strings.Contains(ref, ":")
	if isDigest {
		tags = f.tagsOf(path, d)
	} else if d = f.Tags(path)[ref]; d == "" {
		tags = nil
	}
	switch {
	case len(tags) == 0:
		f.refuse(w, f.refusal(path, ref, http.StatusNotFound, "MANIFEST_UNKNOWN"), "manifest unknown")
		return
	case slices.ContainsFunc(tags, f.isImmutable):
		f.refuse(w, f.refusal(path, ref, http.StatusConflict, "TAG_IMMUTABLE"), "tag is immutable and cannot be overwritten")
		return
	}
	last := len(tags) == len(f.tagsOf(path, d))
	f.expireTags(path, tags)
	f.addDeletion(Deletion{Path: path, Digest: d, Tags: tags, TagOnly: !last})
	if last {
		f.expireSiblings(path, d)
	}
	w.WriteHeader(http.StatusAccepted)
}

func (f *Quay) isImmutable(tag string) bool { return slices.Contains(f.opts.Immutable, tag) }

// expireSiblings deletes the tags of cosign's attachments of a digest that has lost its last tag.
func (f *Quay) expireSiblings(path string, d oci.Digest) {
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		tag := strings.Replace(d.String(), ":", "-", 1) + suffix
		if at, ok := f.Tags(path)[tag]; ok {
			f.expireTags(path, []string{tag})
			f.addDeletion(Deletion{Path: path, Digest: at, Tags: []string{tag}, TagOnly: len(f.tagsOf(path, at)) > 0})
		}
	}
}

// expireTags moves tags to the time machine.
func (f *Quay) expireTags(path string, tags []string) {
	rows := f.tagRows(path)
	for _, tag := range tags {
		row := rows[tag]
		row.EndTS = f.now().Unix()
		f.mu.Lock()
		f.expired[path] = append(f.expired[path], row)
		f.mu.Unlock()
		f.Untag(path, tag)
	}
}

// Restore takes a tag out of the time machine, as "revert" does. It reports whether there was such a tag.
func (f *Quay) Restore(path, tag string) bool {
	f.mu.Lock()
	rows := f.expired[path]
	i := slices.IndexFunc(rows, func(r quayTag) bool { return r.Name == tag })
	if i < 0 {
		f.mu.Unlock()
		return false
	}
	row := rows[i]
	f.expired[path] = slices.Delete(slices.Clone(rows), i, i+1)
	f.mu.Unlock()
	f.SetTag(path, tag, row.ManifestDigest)
	return true
}

func (f *Quay) hasExpired(path, tag string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.expired[path], func(r quayTag) bool { return r.Name == tag })
}

// deletedDigests are the manifests whose tag was deleted.
func (f *Quay) deletedDigests(path string) map[oci.Digest]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	deleted := map[oci.Digest]bool{}
	for _, r := range f.expired[path] {
		deleted[r.ManifestDigest] = true
	}
	return deleted
}

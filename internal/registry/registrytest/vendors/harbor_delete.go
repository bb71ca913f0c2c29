package vendors

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// harborDeletion is one deletion with all that it takes along. Harbor does it in a transaction: when a part of it is
// refused, nothing is deleted.
type harborDeletion struct {
	immutable func(tag string) bool
	all       map[oci.Digest]*holding
	gone      []oci.Digest
	cut       map[[2]oci.Digest]bool // references from an index to a child that are deleted
}

// harborError is a refusal.
type harborError struct {
	status        int
	code, message string
}

// deeply deletes an artifact with its accessories and those of its children that nothing else has. A root is refused
// where a child is passed over.
func (x *harborDeletion) deeply(d oci.Digest, root bool) *harborError {
	h := x.all[d]
	if h == nil || slices.Contains(x.gone, d) || !root && len(h.tags) > 0 {
		return nil
	}
	if x.listed(d) {
		if root {
			return &harborError{http.StatusPreconditionFailed, "VIOLATE_FOREIGN_KEY_CONSTRAINT", "the deleting artifact is referenced by others"}
		}
		return nil
	}
	for _, a := range accessoriesOf(x.all, d) {
		if err := x.deeply(a, true); err != nil {
			return err
		}
	}
	for _, c := range h.children {
		x.cut[[2]oci.Digest{d, c}] = true
		if err := x.deeply(c, false); err != nil {
			return err
		}
	}
	if i := slices.IndexFunc(h.tags, x.immutable); i >= 0 {
		return immutableTag(h.tags[i])
	}
	x.gone = append(x.gone, d)
	return nil
}

// listed reports whether an index that is not being deleted lists an artifact.
func (x *harborDeletion) listed(d oci.Digest) bool {
	return slices.ContainsFunc(listedBy(x.all, d), func(index oci.Digest) bool { return !x.cut[[2]oci.Digest{index, d}] })
}

func immutableTag(tag string) *harborError {
	return &harborError{http.StatusPreconditionFailed, "PRECONDITION", fmt.Sprintf("the tag %s configured as immutable, cannot be deleted", tag)}
}

func (f *Harbor) isImmutable(tag string) bool {
	return slices.ContainsFunc(f.opts.Immutable, func(pattern string) bool {
		ok, err := path.Match(pattern, tag)
		return ok && err == nil
	})
}

// accessoriesOf returns what belongs to an artifact and goes with it: manifests with it as their subject, and cosign's
// signature by tag.
func accessoriesOf(all map[oci.Digest]*holding, d oci.Digest) []oci.Digest {
	accessories := referrersOf(all, d)
	for _, h := range all {
		if slices.Contains(h.tags, cosignTag(d)) && !slices.Contains(accessories, h.digest) {
			accessories = append(accessories, h.digest)
		}
	}
	slices.Sort(accessories)
	return accessories
}

func cosignTag(d oci.Digest) string { return strings.Replace(d.String(), ":", "-", 1) + ".sig" }

// deleteArtifact deletes an artifact and what goes with it, or answers with a refusal and returns false.
func (f *Harbor) deleteArtifact(w http.ResponseWriter, path string, d oci.Digest) bool {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	x := harborDeletion{immutable: f.isImmutable, all: f.holdings(path), cut: map[[2]oci.Digest]bool{}}
	if x.all[d] == nil {
		f.refuse(w, f.refusal(path, d.String(), http.StatusNotFound, "NOT_FOUND"), fmt.Sprintf("artifact %s@%s not found", path, d))
		return false
	}
	if err := x.deeply(d, true); err != nil {
		f.refuse(w, f.refusal(path, d.String(), err.status, err.code), err.message)
		return false
	}
	for _, gone := range x.gone {
		f.drop(path, gone)
	}
	return true
}

// deleteTag removes a tag of an artifact, or answers with a refusal and returns false.
func (f *Harbor) deleteTag(w http.ResponseWriter, path string, d oci.Digest, tag string) bool {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	if at, ok := f.Tags(path)[tag]; !ok || at != d {
		f.refuse(w, f.refusal(path, tag, http.StatusNotFound, "NOT_FOUND"), fmt.Sprintf("tag %s attached to artifact %s not found", tag, d))
		return false
	}
	if f.isImmutable(tag) {
		err := immutableTag(tag)
		f.refuse(w, f.refusal(path, tag, err.status, err.code), err.message)
		return false
	}
	f.dropTag(path, tag)
	return true
}

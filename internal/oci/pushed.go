package oci

import (
	"slices"
	"strings"
)

// Pushed is a reference that this pipeline has just pushed, and who said so.
type Pushed struct {
	Reference
	// Source is where the reference was found, such as "argument" or an environment variable's name.
	Source string
	// Assumed marks a tag that the pipeline probably, but not certainly, pushed: it is kept when it is there and
	// refuses nothing when it is not.
	Assumed bool
	// Doubt is what speaks against it, for the case that the registry does not have it.
	Doubt Doubt
}

// Doubt says why a pipeline may not have pushed what it is said to have pushed. The zero value says nothing.
type Doubt struct {
	Why  string // such as "this is a build of a pull request, and those usually do not push"
	Cure string // what to do about it
}

// Pushes are the repositories of a run and what the pipeline has just pushed to them.
type Pushes struct {
	// Repositories are those to prune, each once, in the order in which they were named. They may be patterns.
	Repositories []Repository
	// Pushed is everything that any source says was pushed to Repositories, each reference once, with a tag or a
	// digest. What could be in any repository of a pattern stands there with the pattern; see [Pushes.To].
	Pushed []Pushed
}

// To returns what was pushed, or assumed to be, to one repository.
func (p Pushes) To(r Repository) []Pushed {
	var out []Pushed
	for _, one := range p.Pushed {
		if one.Covers(r) {
			one.Repository = r
			out = append(out, one)
		}
	}
	return out
}

// Same reports whether two names are of one repository; hosts are compared without case.
func (r Repository) Same(other Repository) bool {
	return strings.EqualFold(r.Host, other.Host) && r.Path == other.Path
}

// Covers reports whether other is the repository or, when r is a pattern, one that it stands for.
func (r Repository) Covers(other Repository) bool {
	if !r.IsPattern() {
		return r.Same(other)
	}
	return strings.EqualFold(r.Host, other.Host) && r.Matches(other.Path)
}

// ResolveIDs returns what was pushed with the digests of images in place of their ids: --iidfile of podman, and docker's
// before it had image stores of its own, is the digest of an image's config. Two images of a snapshot may share one, and
// then both were built.
func ResolveIDs(pushed []Pushed, s Snapshot) []Pushed {
	var out []Pushed
	for _, p := range pushed {
		found := imagesOf(s, p.Reference)
		if len(found) == 0 {
			out = append(out, p)
		}
		for _, digest := range found {
			p.Digest = digest
			out = append(out, p)
		}
	}
	return out
}

// imagesOf returns the images that are made of the config that a reference has for its digest, and have its tag; none
// when the digest is an image's own.
func imagesOf(s Snapshot, ref Reference) []Digest {
	var out []Digest
	for _, image := range s.Images {
		switch {
		case ref.Digest == "" || image.Digest == ref.Digest:
			return nil
		case ref.Tag != "" && !slices.Contains(image.Tags, ref.Tag):
		case slices.ContainsFunc(image.Blobs, func(b Blob) bool { return b.Digest == ref.Digest }):
			out = append(out, image.Digest)
		}
	}
	return out
}

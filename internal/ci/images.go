package ci

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// Images are the repositories of a run and what the pipeline has just pushed to them.
type Images struct {
	// Repositories are those to prune, each once, in the order in which they were named. They may be patterns.
	Repositories []oci.Repository
	// Pushed is everything that any source says was pushed to Repositories, each reference once, with a tag or a
	// digest. What could be in any repository of a pattern stands there with the pattern; see [Images.PushedTo].
	Pushed []oci.Pushed
}

// NoImageError says that nothing names a repository.
type NoImageError struct {
	// Looked are the places that could have named one, in the order of precedence.
	Looked []string
}

func (e *NoImageError) Error() string { return "find image: no image is named" }

// Images finds the repositories to prune. The first source that names any decides; the others only add what was
// pushed to these repositories, because whatever the pipeline pushed is kept:
//
//   - arguments;
//   - REGSWEEP_IMAGES, INPUT_IMAGES, PLUGIN_IMAGES or PLUGIN_REPO, in docker/metadata-action's form;
//   - REGSWEEP_PUSHED, INPUT_TAGS or PLUGIN_TAGS, references that were pushed; a tag alone is one of the repository
//     when there is exactly one;
//   - what build tools wrote, where it has names;
//   - DOCKER_METADATA_OUTPUT_JSON and DOCKER_METADATA_OUTPUT_TAGS, which docker/metadata-action leaves;
//   - CI_REGISTRY_IMAGE, GitLab's;
//   - on Jenkins IMAGE, or IMAGE_NAME and IMAGE_TAG: names too common to trust elsewhere.
//
// REGSWEEP_DIGEST, INPUT_DIGEST or PLUGIN_DIGEST, digests without a name that build tools wrote, and GitLab's commit
// variables name no repository and add what was pushed. Names without a host are on REGSWEEP_REGISTRY, INPUT_REGISTRY
// or PLUGIN_REGISTRY, where somebody gave them to regsweep.
//
// Text that is not a reference is an error in what somebody gave to regsweep. In a variable that was not meant for it,
// it is an error while no repository is known, and is ignored otherwise. Every error is bad input; it is a
// [*NoImageError] when nothing names a repository.
func (s System) Images(getenv func(string) string, args []string, built Metadata) (Images, error) {
	var found Images
	given, err := readInputs(getenv, args, built)
	if err != nil {
		return Images{}, err
	}
	for _, source := range given.sources {
		found.add(source)
	}
	if err := found.addAmbient(getenv, s.ambient()); err != nil {
		return Images{}, err
	}
	if len(found.Repositories) == 0 {
		return Images{}, &NoImageError{Looked: s.looked()}
	}
	found.add(hubTags(getenv))
	if err := found.addTags(given.tags); err != nil {
		return Images{}, err
	}
	found.addDigests(given.digests)
	for _, p := range gitlabTags(getenv) {
		found.addToEach(p)
	}
	return found, nil
}

// looked are the places that could name a repository.
func (s System) looked() []string {
	places := []string{"arguments"}
	k := s.kind()
	if k.inputs != "" {
		places = append(places, k.inputs)
	}
	places = append(places, "REGSWEEP_IMAGES", "REGSWEEP_PUSHED", "--metadata", metadataJSON, metadataTags, gitlabImage)
	return append(places, k.images.variables...)
}

// source reads references from the environment. It returns what it could read and the first error.
type source func(getenv func(string) string) ([]oci.Pushed, error)

// habit is what the pipelines of one system call their images.
type habit struct {
	variables []string
	read      source
}

// ambient are the sources that were not made for regsweep.
func (s System) ambient() []source {
	out := []source{actionMetadata, gitlabRepository}
	if read := s.kind().images.read; read != nil {
		out = append(out, read)
	}
	return out
}

// addAmbient adds the ambient sources. An error counts while no repository is known, but names without a host only
// when no later source knows better.
func (i *Images) addAmbient(getenv func(string) string, sources []source) error {
	var short error
	for _, read := range sources {
		known := len(i.Repositories) > 0
		claims, err := read(getenv)
		switch {
		case known || err == nil:
		case !errors.Is(err, errShort):
			return err
		case short == nil:
			short = err
		}
		i.add(claims)
	}
	if len(i.Repositories) == 0 {
		return short
	}
	return nil
}

// add lets a source decide the repositories if none did before, and takes what it says was pushed to them. A claim
// without tag and digest only names its repository.
func (i *Images) add(claims []oci.Pushed) {
	if len(i.Repositories) == 0 {
		for _, c := range claims {
			if !slices.ContainsFunc(i.Repositories, func(r oci.Repository) bool { return same(r, c.Repository) }) {
				i.Repositories = append(i.Repositories, c.Repository)
			}
		}
	}
	for _, c := range claims {
		covered := slices.ContainsFunc(i.Repositories, func(r oci.Repository) bool { return covers(r, c.Repository) })
		if covered && (c.Tag != "" || c.Digest != "") {
			i.push(c)
		}
	}
}

// push records a reference once, by the first source that names it: those that are sure come before those that assume.
func (i *Images) push(p oci.Pushed) {
	known := slices.ContainsFunc(i.Pushed, func(q oci.Pushed) bool {
		return same(p.Repository, q.Repository) && p.Tag == q.Tag && p.Digest == q.Digest
	})
	if !known {
		i.Pushed = append(i.Pushed, p)
	}
}

func (i *Images) addToEach(p oci.Pushed) {
	for _, r := range i.Repositories {
		p.Repository = r
		i.push(p)
	}
}

// addTags adds tags that stand alone to the only repository.
func (i *Images) addTags(tags []oci.Pushed) error {
	for _, p := range tags {
		if len(i.Repositories) != 1 || i.Repositories[0].IsPattern() {
			return fmt.Errorf("read %s: the tag %s alone does not say which of several repositories it is in", p.Source, p.Tag)
		}
		i.addToEach(p)
	}
	return nil
}

// addDigests adds the digests of builds. One build may push to several repositories, and not to all that are pruned, so
// a digest must be in the repository only when there is just one. There the tags that came with it in the input tags are
// of the same build: each must point at the digest. Of several digests nobody knows which is of which tag.
func (i *Images) addDigests(digests []oci.Pushed) {
	assumed := len(i.Repositories) != 1 || i.Repositories[0].IsPattern()
	if !assumed && len(digests) == 1 {
		for n := range i.Pushed {
			if q := &i.Pushed[n]; q.Digest == "" && slices.Contains(pushedVariables, q.Source) {
				q.Digest = digests[0].Digest
			}
		}
	}
	for _, p := range digests {
		p.Assumed = assumed
		i.addToEach(p)
	}
}

// PushedTo returns what was pushed, or assumed to be, to one repository.
func (i Images) PushedTo(r oci.Repository) []oci.Pushed {
	var out []oci.Pushed
	for _, p := range i.Pushed {
		if covers(p.Repository, r) {
			p.Repository = r
			out = append(out, p)
		}
	}
	return out
}

// same reports whether two names are of one repository; hosts are compared without case.
func same(a, b oci.Repository) bool { return strings.EqualFold(a.Host, b.Host) && a.Path == b.Path }

// covers reports whether r is the repository or one that the pattern stands for.
func covers(pattern, r oci.Repository) bool {
	if !pattern.IsPattern() {
		return same(pattern, r)
	}
	return strings.EqualFold(pattern.Host, r.Host) && pattern.Matches(r.Path)
}

// ByID returns what was pushed with the digests of images in place of their ids: --iidfile of podman, and docker's
// before it had image stores of its own, is the digest of an image's config. Two images of a snapshot may share one, and
// then both were built.
func ByID(pushed []oci.Pushed, s oci.Snapshot) []oci.Pushed {
	var out []oci.Pushed
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
func imagesOf(s oci.Snapshot, ref oci.Reference) []oci.Digest {
	var out []oci.Digest
	for _, image := range s.Images {
		switch {
		case ref.Digest == "" || image.Digest == ref.Digest:
			return nil
		case ref.Tag != "" && !slices.Contains(image.Tags, ref.Tag):
		case slices.ContainsFunc(image.Blobs, func(b oci.Blob) bool { return b.Digest == ref.Digest }):
			out = append(out, image.Digest)
		}
	}
	return out
}

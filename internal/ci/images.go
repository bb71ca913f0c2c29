package ci

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// NoImageError says that nothing names a repository.
type NoImageError struct {
	// Looked are the places that could have named one, in the order of precedence.
	Looked []string
}

func (e *NoImageError) Error() string { return "find image: no image is named" }

// Hint says how to name an image, and where regsweep looked for one.
func (e *NoImageError) Hint() string {
	return "name it, as in regsweep registry.example.com/team/app --keep-last 5; looked at " + strings.Join(e.Looked, ", ")
}

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
func (s System) Images(getenv func(string) string, args []string, built Metadata) (oci.Pushes, error) {
	var found images
	given, err := readInputs(getenv, args, built)
	if err != nil {
		return oci.Pushes{}, err
	}
	for _, source := range given.sources {
		found.add(source)
	}
	if err := found.addAmbient(getenv, s.ambient()); err != nil {
		return oci.Pushes{}, err
	}
	if len(found.Repositories) == 0 {
		return oci.Pushes{}, &NoImageError{Looked: s.looked()}
	}
	found.add(hubTags(getenv))
	if err := found.addTags(given.tags); err != nil {
		return oci.Pushes{}, err
	}
	found.addDigests(given.digests)
	for _, p := range gitlabTags(getenv) {
		found.addToEach(p)
	}
	for i := range found.Pushed {
		found.Pushed[i].Doubt = s.doubt(getenv)
	}
	return found.Pushes, nil
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

// images are the repositories and pushes that were found so far.
type images struct{ oci.Pushes }

// addAmbient adds the ambient sources. An error counts while no repository is known, but names without a host only
// when no later source knows better.
func (i *images) addAmbient(getenv func(string) string, sources []source) error {
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
func (i *images) add(claims []oci.Pushed) {
	if len(i.Repositories) == 0 {
		for _, c := range claims {
			if !slices.ContainsFunc(i.Repositories, func(r oci.Repository) bool { return r.Same(c.Repository) }) {
				i.Repositories = append(i.Repositories, c.Repository)
			}
		}
	}
	for _, c := range claims {
		covered := slices.ContainsFunc(i.Repositories, func(r oci.Repository) bool { return r.Covers(c.Repository) })
		if covered && (c.Tag != "" || c.Digest != "") {
			i.push(c)
		}
	}
}

// push records a reference once, by the first source that names it: those that are sure come before those that assume.
func (i *images) push(p oci.Pushed) {
	known := slices.ContainsFunc(i.Pushed, func(q oci.Pushed) bool {
		return p.Repository.Same(q.Repository) && p.Tag == q.Tag && p.Digest == q.Digest
	})
	if !known {
		i.Pushed = append(i.Pushed, p)
	}
}

func (i *images) addToEach(p oci.Pushed) {
	for _, r := range i.Repositories {
		p.Repository = r
		i.push(p)
	}
}

// addTags adds tags that stand alone to the only repository.
func (i *images) addTags(tags []oci.Pushed) error {
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
func (i *images) addDigests(digests []oci.Pushed) {
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

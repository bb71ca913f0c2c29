package ci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// Metadata is what build tools wrote about the images that they pushed. The zero value says nothing.
type Metadata struct {
	refs    []oci.Pushed // with a tag, a digest or both
	digests []oci.Pushed // digests without a repository
}

// maxMetadata is more than any build tool writes: buildx includes the provenance, which lists the build's materials.
const maxMetadata = 32 << 20

// ReadMetadata reads what --metadata says: each value is JSON, which begins with a brace, or the paths of files,
// separated by commas or newlines. See [ParseMetadata] for what may be in them.
func ReadMetadata(values []string) (Metadata, error) {
	var out Metadata
	for _, value := range values {
		if strings.HasPrefix(strings.TrimSpace(value), "{") {
			m, err := ParseMetadata("--metadata", value)
			if err != nil {
				return Metadata{}, err
			}
			out.append(m)
			continue
		}
		files := list(value)
		if len(files) == 0 { // a variable that should have held something
			return Metadata{}, errors.New("no file is named")
		}
		for _, path := range files {
			text, err := readMetadata(path)
			if err != nil {
				return Metadata{}, err
			}
			m, err := ParseMetadata(path, text)
			if err != nil {
				return Metadata{}, err
			}
			out.append(m)
		}
	}
	return out, nil
}

func readMetadata(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var text strings.Builder
	n, err := io.Copy(&text, io.LimitReader(file, maxMetadata+1))
	if err != nil {
		return "", err
	}
	if n > maxMetadata {
		return "", fmt.Errorf("read %s: larger than %d MiB, which no build tool writes", path, maxMetadata>>20)
	}
	return text.String(), nil
}

// errForm is wrapped by the error about text in no known form.
var errForm = errors.New("no image in a known form: JSON of buildx, bake, imagetools, Jib or docker/metadata-action, or text of kaniko, ko, podman or Tekton (a digest, or references with a tag or digest)")

// ParseMetadata reads what a build tool wrote about the images that it pushed. It tells the forms apart by what is in
// them:
//
//   - docker buildx build, bake and imagetools create --metadata-file, which is also the output metadata of docker's
//     build-push-action and bake-action (https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file);
//   - the output json of docker/metadata-action (https://github.com/docker/metadata-action#outputs);
//   - Jib's jib-image.json;
//   - text with a reference or a digest on each line, or between commas: kaniko's --digest-file and
//     --image-name-with-digest-file, ko's --image-refs, --digestfile and --iidfile of podman, buildah and skopeo, and
//     the results of Tekton's tasks.
//
// A name without a host is Docker Hub's in all of them. What names no image at all is an error: the file is there to
// say what must be kept.
func ParseMetadata(source, text string) (Metadata, error) {
	m := Metadata{}
	var err error
	if text = strings.TrimSpace(text); strings.HasPrefix(text, "{") {
		err = m.json(source, text)
	} else {
		err = m.text(source, text)
	}
	if err == nil && len(m.refs)+len(m.digests) == 0 {
		err = errForm
	}
	if err != nil {
		return Metadata{}, fmt.Errorf("read %s: %w", source, err)
	}
	return m, nil
}

func (m *Metadata) append(more Metadata) {
	m.refs = append(m.refs, more.refs...)
	m.digests = append(m.digests, more.digests...)
}

// text reads references and digests.
func (m *Metadata) text(source, text string) error {
	for n, item := range list(text) {
		if digest := oci.Digest(item); digest.Validate() == nil {
			m.digests = append(m.digests, oci.Pushed{Reference: oci.Reference{Digest: digest}, Source: source})
			continue
		}
		if err := m.add(source, item, ""); err != nil {
			// Not the text: somebody may have named the wrong file, and that one may hold a secret.
			return fmt.Errorf("item %d is neither a digest nor a reference with a tag or digest (%w)", n+1, errForm)
		}
	}
	return nil
}

// add adds a reference, with the digest of its build where that is known.
func (m *Metadata) add(source, text string, digest oci.Digest) error {
	ref, err := oci.ParseReference(fromHub(text))
	if err != nil {
		return err
	}
	if digest != "" {
		ref.Digest = digest
	}
	if ref.Tag == "" && ref.Digest == "" {
		return fmt.Errorf("%s has neither tag nor digest", ref)
	}
	m.refs = append(m.refs, oci.Pushed{Reference: ref, Source: source})
	return nil
}

// fromHub completes a name without a host, which is Docker Hub's.
func fromHub(text string) string {
	if isShort(text) {
		return oci.DockerHub + "/" + text
	}
	return text
}

// buildkit is what buildx writes about one build.
type buildkit struct {
	Name       string     `json:"image.name"` // with commas between several
	Digest     oci.Digest `json:"containerimage.digest"`
	Descriptor struct {
		Digest oci.Digest `json:"digest"`
	} `json:"containerimage.descriptor"` // imagetools has nothing else
}

// jib is what Jib writes
// (https://github.com/GoogleContainerTools/jib/blob/master/jib-plugins-common/src/main/java/com/google/cloud/tools/jib/plugins/common/ImageMetadataOutput.java).
type jib struct {
	Image       string
	ImageDigest oci.Digest
	Tags        []string
	ImagePushed *bool // missing in old versions, which wrote the file after a push
}

// json reads an object; which form it has is told by its keys.
func (m *Metadata) json(source, text string) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		return fmt.Errorf("%w (%w)", err, errForm)
	}
	var err error
	switch {
	case has(keys, "imageDigest"):
		err = m.jib(source, text)
	case has(keys, "image.name", "containerimage.digest", "containerimage.descriptor"):
		err = m.buildkit(source, []byte(text))
	case has(keys, "tags"):
		var made struct{ Tags []string }
		if err = json.Unmarshal([]byte(text), &made); err == nil {
			err = m.addAll(source, made.Tags, "")
		}
	default: // bake: an object for each target, and others such as buildx.build.warnings
		err = m.bake(source, keys)
	}
	if err != nil && !errors.Is(err, errForm) {
		err = fmt.Errorf("%w (%w)", err, errForm)
	}
	return err
}

func has(keys map[string]json.RawMessage, names ...string) bool {
	for _, name := range names {
		if _, ok := keys[name]; ok {
			return true
		}
	}
	return false
}

func (m *Metadata) bake(source string, targets map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		var keys map[string]json.RawMessage
		if json.Unmarshal(targets[name], &keys) != nil || !has(keys, "image.name", "containerimage.digest", "containerimage.descriptor") {
			continue
		}
		if err := m.buildkit(source, targets[name]); err != nil {
			return fmt.Errorf("target %s: %w", name, err)
		}
	}
	return nil
}

func (m *Metadata) buildkit(source string, text []byte) error {
	var b buildkit
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	digest := b.Digest
	if digest == "" {
		digest = b.Descriptor.Digest
	}
	return m.build(source, list(b.Name), digest)
}

func (m *Metadata) jib(source, text string) error {
	var j jib
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	if j.ImagePushed != nil && !*j.ImagePushed {
		return errors.New("imagePushed is false: the image was not pushed")
	}
	names := []string{j.Image}
	ref, err := oci.ParseReference(fromHub(j.Image))
	for _, tag := range j.Tags {
		if err == nil && tag != ref.Tag {
			names = append(names, ref.Repository.String()+":"+tag)
		}
	}
	return m.build(source, names, j.ImageDigest)
}

// build adds the names and the digest of one build.
func (m *Metadata) build(source string, names []string, digest oci.Digest) error {
	if digest != "" {
		if err := digest.Validate(); err != nil {
			return fmt.Errorf("%q: %w", digest, err)
		}
		if len(names) == 0 {
			m.digests = append(m.digests, oci.Pushed{Reference: oci.Reference{Digest: digest}, Source: source})
		}
	}
	return m.addAll(source, names, digest)
}

func (m *Metadata) addAll(source string, names []string, digest oci.Digest) error {
	for _, name := range names {
		if err := m.add(source, name, digest); err != nil {
			return err
		}
	}
	return nil
}

// decisive are the references that may decide which repositories a run is about: those on Docker Hub, which has no
// deletion by this interface, only when there are no others.
func (m Metadata) decisive() []oci.Pushed {
	var out []oci.Pushed
	for _, p := range m.refs {
		if p.Host != oci.DockerHub {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return m.refs
	}
	return out
}

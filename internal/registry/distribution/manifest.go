package distribution

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// The manifest media types (OCI image-spec v1.1, media-types.md; docker's image manifest version 2, schema 2).
const (
	typeImage        = "application/vnd.oci.image.manifest.v1+json"
	typeIndex        = "application/vnd.oci.image.index.v1+json"
	typeArtifact     = "application/vnd.oci.artifact.manifest.v1+json"
	typeDockerImage  = "application/vnd.docker.distribution.manifest.v2+json"
	typeDockerList   = "application/vnd.docker.distribution.manifest.list.v2+json"
	configImage      = "application/vnd.oci.image.config.v1+json"
	configDocker     = "application/vnd.docker.container.image.v1+json"
	maxManifest      = 4 << 20 // the limit that the OCI distribution-spec v1.1 suggests to registries
	annotationMade   = "org.opencontainers.image.created"
	annotationAttest = "vnd.docker.reference.type"
)

// manifestTypes go into the Accept header of every read of a manifest. With fewer, distribution answers a tag of a
// docker manifest list with the linux/amd64 child's digest, and deleting that breaks the image.
var manifestTypes = []string{typeImage, typeIndex, typeDockerImage, typeDockerList, typeArtifact}

// acceptManifests is what goes into that header: one text, because it is sent with every read.
var acceptManifests = []string{strings.Join(manifestTypes, ", ")}

// errNoManifest is returned for a tag or digest that the registry has no manifest for.
var errNoManifest = errors.New("no such manifest")

// manifest is what a snapshot needs of a manifest.
type manifest struct {
	digest    oci.Digest
	mediaType string
	size      int64
	blobs     []oci.Blob
	children  []child
	subject   oci.Digest
	config    oci.Blob // the config to read the date from; zero when it cannot have one
	platform  bool     // it is an image by its config, or an index, and does not call itself another artifact
	created   time.Time
	unread    bool // only the digest and the media type are known
	// placeholder marks what this program has pushed to take tags along.
	placeholder bool
}

// child is an entry of an index.
type child struct {
	digest oci.Digest
	// artifact marks what is not a platform by its entry: its date says nothing of the image's.
	artifact bool
	// blob marks what is no manifest and is not read as one.
	blob bool
}

func (m manifest) isIndex() bool { return m.mediaType == typeIndex || m.mediaType == typeDockerList }

// manifest reads a manifest by tag or digest and proves the body against its digest. One without a digest is schema1Unread.
func (r *Repository) manifest(ctx context.Context, reference string) (manifest, error) {
	return r.readManifest(ctx, reference, nil)
}

// readManifest is manifest, with the answers that are final.
func (r *Repository) readManifest(ctx context.Context, reference string, final func(*registry.Error) bool) (manifest, error) {
	reply, err := r.client.Do(ctx, wire.Call{
		Method: http.MethodGet, URL: "/v2/" + r.name.Path + "/manifests/" + reference,
		Accept: acceptManifests, Scopes: r.scopes(), Limit: maxManifest, Final: final,
	})
	if m, ok := schema1Unread(reference, err); ok {
		return m, nil
	}
	if err != nil {
		return manifest{}, notFound(err, errNoManifest)
	}
	fail := func(err error) (manifest, error) {
		return manifest{}, incomplete(fmt.Errorf("read manifest %s: %w", reference, err))
	}
	claimed := oci.Digest(strings.Clone(reply.Header.Get("Docker-Content-Digest"))) // not the whole header with it
	if strings.Contains(reference, ":") {
		claimed = oci.Digest(reference)
	}
	if isSchema1(reply.Header.Get("Content-Type")) {
		m, err := r.schema1(ctx, reference, claimed, reply.Body)
		if err != nil {
			return fail(err)
		}
		return m, nil
	}
	d, err := proven(reply.Body, claimed)
	if err != nil {
		return fail(err)
	}
	m, err := parseManifest(reply.Body, reply.Header.Get("Content-Type"))
	if err != nil {
		return fail(err)
	}
	m.digest = d
	r.noteHeader(reply.Header, d)
	return m, nil
}

// resolve returns the digest that a tag points at and its media type, with the cheapest request. Registries need not
// send Docker-Content-Digest (OCI distribution-spec v1.1); then the manifest is read and hashed. It is also read in three
// other cases: the answer to HEAD is 404, because only a body shows that the registry itself sent it; HEAD is refused; or the
// media type is not one that was asked for.
func (r *Repository) resolve(ctx context.Context, tag string) (manifest, error) {
	if r.noHead.Load() {
		return r.manifest(ctx, tag)
	}
	reply, err := r.client.Do(ctx, wire.Call{
		Method: http.MethodHead, URL: "/v2/" + r.name.Path + "/manifests/" + tag,
		Accept: acceptManifests, Scopes: r.scopes(), Limit: maxManifest,
	})
	if err != nil && !r.saysNothing(err) {
		return manifest{}, err
	}
	mediaType, _, _ := mime.ParseMediaType(reply.Header.Get("Content-Type"))
	if d := oci.Digest(strings.Clone(reply.Header.Get("Docker-Content-Digest"))); err == nil && d.Validate() == nil && slices.Contains(manifestTypes, mediaType) {
		r.noteHeader(reply.Header, d)
		return manifest{digest: d, mediaType: mediaType, unread: true}, nil
	}
	return r.manifest(ctx, tag)
}

// saysNothing reports whether a failed HEAD has to be followed by a GET: without a body, a 404 is nobody's word, and some
// proxies and firewalls let GET alone pass. Where HEAD is refused it is not sent again.
func (r *Repository) saysNothing(err error) bool {
	var answer *registry.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Status {
	case http.StatusNotFound, http.StatusInternalServerError:
		return true
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		r.noHead.Store(true)
		return true
	}
	return false
}

// proven returns the digest of the body, which must be the claimed one where there is one.
func proven(body []byte, claimed oci.Digest) (oci.Digest, error) {
	if claimed == "" {
		return digest.FromBytes(body), nil
	}
	if err := claimed.Validate(); err != nil {
		return "", fmt.Errorf("the registry sends the digest %q: %w", claimed, err)
	}
	if actual := claimed.Algorithm().FromBytes(body); actual != claimed {
		return "", fmt.Errorf("the body has the digest %s, not %s", actual, claimed)
	}
	return claimed, nil
}

// document is the union of the manifests that are understood.
type document struct {
	MediaType   string            `json:"mediaType"`
	Config      *descriptor       `json:"config"`
	Layers      []descriptor      `json:"layers"`
	Blobs       []descriptor      `json:"blobs"` // of the artifact manifest of OCI 1.1's release candidates
	Manifests   []descriptor      `json:"manifests"`
	Subject     *descriptor       `json:"subject"`
	Artifact    string            `json:"artifactType"`
	Annotations map[string]string `json:"annotations"`
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      oci.Digest        `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls"`
	Artifact    string            `json:"artifactType"`
	Annotations map[string]string `json:"annotations"`
	Platform    *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
	} `json:"platform"`
}

var documentShape = shapeOf(reflect.TypeFor[document]())

// parseManifest reads a manifest's body. A media type that is not known is an error: what such a manifest depends on
// cannot be known either.
func parseManifest(body []byte, contentType string) (manifest, error) {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return manifest{}, fmt.Errorf("content type %q: %w", contentType, err)
	}
	if !slices.Contains(manifestTypes, mediaType) {
		return manifest{}, &registry.MediaTypeError{MediaType: mediaType}
	}
	var doc document
	if err := decodeStrict(body, &doc, documentShape); err != nil {
		return manifest{}, err
	}
	if doc.MediaType != "" && doc.MediaType != mediaType {
		return manifest{}, fmt.Errorf("the body says that it is %q, the header says %q", doc.MediaType, mediaType)
	}
	if index := mediaType == typeIndex || mediaType == typeDockerList; index && (doc.Config != nil || len(doc.Layers) > 0) || !index && len(doc.Manifests) > 0 {
		// https://github.com/opencontainers/distribution-spec/security/advisories/GHSA-mc8v-mgrf-8f4m
		return manifest{}, errors.New("it is an image and an index at once, which clients read differently")
	}
	m := manifest{mediaType: mediaType, created: parseDate(doc.Annotations[annotationMade])}
	if doc.Subject != nil {
		m.subject = doc.Subject.Digest
	}
	if m.isIndex() {
		m.addEntries(doc)
	} else {
		m.addBlobs(doc)
	}
	return m, m.validate()
}

// addEntries adds what an index lists. Every entry is a child, so that nothing that an index names is deleted under it.
// Not every entry is read: BuildKit's cache is an index of layers, which fail to be read as manifests.
func (m *manifest) addEntries(doc document) {
	m.platform = doc.Artifact == ""
	for _, e := range doc.Manifests {
		c := child{digest: e.Digest, artifact: e.Artifact != "" || e.attestation(), blob: e.isBlob()}
		m.children = append(m.children, c)
		if c.blob {
			m.addBlob(e)
		}
	}
}

// isBlob reports whether an entry of an index is not a manifest by its media type. What is not one of the known manifests, and
// does not call itself a manifest or an index either, is not read as one: distribution 2.8 finds a blob by the address of a
// manifest and fails. An entry without a media type is read.
func (d descriptor) isBlob() bool {
	mediaType, _, _ := mime.ParseMediaType(d.MediaType)
	return mediaType != "" && !strings.Contains(mediaType, "manifest") && !strings.Contains(mediaType, "index")
}

// emptyConfig is the digest of {}, which artifacts without a config have (OCI image-spec v1.1, "Guidance for an Empty
// Descriptor").
const emptyConfig = oci.Digest("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")

// mayHaveDate reports whether a config is worth reading: any JSON can have a date, such as that of a wasm module.
func (d descriptor) mayHaveDate() bool {
	mediaType, _, _ := mime.ParseMediaType(d.MediaType)
	return (strings.HasSuffix(mediaType, "+json") || mediaType == "application/json") &&
		d.Digest != emptyConfig && mediaType != configPlaceholder && d.Size <= maxConfig
}

// addBlobs adds the config and the layers. One base layer stands in thousands of images, whose digest is kept once; a config
// is an image's own.
func (m *manifest) addBlobs(doc document) {
	m.blobs = make([]oci.Blob, 0, 1+len(doc.Layers)+len(doc.Blobs))
	if c := doc.Config; c != nil {
		m.addBlob(*c)
		m.placeholder = c.MediaType == configPlaceholder
		m.platform = doc.Artifact == "" && (c.MediaType == configImage || c.MediaType == configDocker)
		if c.mayHaveDate() {
			m.config = oci.Blob{Digest: c.Digest, Size: c.Size}
		}
	}
	for _, d := range append(doc.Layers, doc.Blobs...) {
		if len(d.URLs) == 0 { // else it is elsewhere, as the base layers of Windows are, and distribution does not ask for it
			d.Digest = oci.Digest(unique.Make(string(d.Digest)).Value())
			m.addBlob(d)
		}
	}
}

// addBlob adds a blob, once.
func (m *manifest) addBlob(d descriptor) {
	if slices.ContainsFunc(m.blobs, func(b oci.Blob) bool { return b.Digest == d.Digest }) {
		return
	}
	m.size += d.Size
	m.blobs = append(m.blobs, oci.Blob{Digest: d.Digest, Size: d.Size})
}

func (d descriptor) attestation() bool {
	if d.Annotations[annotationAttest] != "" {
		return true
	}
	return d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

// validate reports a digest that is not one and a size below zero: the first would hide what the manifest depends on,
// the second would make sums lie.
func (m manifest) validate() error {
	for _, c := range m.children {
		if err := c.digest.Validate(); err != nil {
			return fmt.Errorf("it lists the manifest %q: %w", c.digest, err)
		}
	}
	for _, b := range m.blobs {
		if err := b.Digest.Validate(); err != nil || b.Size < 0 {
			return fmt.Errorf("it refers to the blob %q of %d bytes, which cannot be", b.Digest, b.Size)
		}
	}
	if m.subject != "" && m.subject.Validate() != nil {
		return fmt.Errorf("its subject is %q, which is not a digest", m.subject)
	}
	return nil
}

// notFound turns the registry's word that it does not have something into the sentinel.
func notFound(err, sentinel error) error {
	if errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("%w: %w", sentinel, err)
	}
	return err
}

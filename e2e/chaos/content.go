package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Media types of manifests and configs.
const (
	typeDockerImage = "application/vnd.docker.distribution.manifest.v2+json"
	typeDockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeOCIImage    = "application/vnd.oci.image.manifest.v1+json"
	typeOCIIndex    = "application/vnd.oci.image.index.v1+json"

	typeDockerConfig = "application/vnd.docker.container.image.v1+json"
	typeOCIConfig    = "application/vnd.oci.image.config.v1+json"
	typeLayer        = "application/vnd.oci.image.layer.v1.tar+gzip"
	typeDockerLayer  = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	typeEmpty        = "application/vnd.oci.empty.v1+json"
)

// content is a manifest with the blobs that have to be there before a registry takes it.
type content struct {
	digest    string
	mediaType string
	body      []byte
	blobs     map[string][]byte // by digest
	undated   bool              // its config has no date
	kind      string            // index, child, image or attachment: what a deletion of it is called in a schedule
}

// descriptor is how one manifest names another one, or a blob.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int               `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Platform     map[string]string `json:"platform,omitempty"`
}

// document is what this package writes into and reads from a manifest.
type document struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType,omitempty"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
	Subject       *descriptor  `json:"subject,omitempty"`
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// layer is in every image: what is in it does not matter to a prune.
var layer = []byte("a layer")

func seal(kind string, d document, blobs ...[]byte) content {
	body, err := json.Marshal(d)
	if err != nil {
		panic(err) // a document has nothing that cannot be encoded
	}
	c := content{digest: digestOf(body), mediaType: d.MediaType, body: body, blobs: map[string][]byte{}, kind: kind}
	for _, b := range blobs {
		c.blobs[digestOf(b)] = b
	}
	return c
}

// spec says how an image is made.
type spec struct {
	name     string // makes the content unique
	platform string
	created  time.Time // the zero value: the config has no date
	docker   bool
	kind     string
}

// image makes an image of one platform.
func image(s spec) content {
	config := map[string]any{"architecture": s.platform, "os": "linux", "config": map[string]any{"Labels": map[string]string{"name": s.name}}}
	if !s.created.IsZero() {
		config["created"] = s.created.UTC().Format(time.RFC3339)
	}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	manifest, conf, lay := typeOCIImage, typeOCIConfig, typeLayer
	if s.docker {
		manifest, conf, lay = typeDockerImage, typeDockerConfig, typeDockerLayer
	}
	c := seal(s.kind, document{
		SchemaVersion: 2, MediaType: manifest,
		Config: &descriptor{MediaType: conf, Digest: digestOf(text), Size: len(text)},
		Layers: []descriptor{{MediaType: lay, Digest: digestOf(layer), Size: len(layer)}},
	}, text, layer)
	c.undated = s.created.IsZero()
	return c
}

// refer is the descriptor of a manifest.
func refer(c content) descriptor {
	return descriptor{MediaType: c.mediaType, Digest: c.digest, Size: len(c.body)}
}

// index makes an index of children, each with the platform of the same place.
func index(docker bool, children []content, platforms []string) content {
	d := document{SchemaVersion: 2, MediaType: typeOCIIndex}
	if docker {
		d.MediaType = typeDockerIndex
	}
	for i, c := range children {
		r := refer(c)
		if i < len(platforms) {
			r.Platform = map[string]string{"os": "linux", "architecture": platforms[i]}
			if platforms[i] == "unknown" {
				r.Platform["os"] = "unknown"
			}
		}
		d.Manifests = append(d.Manifests, r)
	}
	return seal("index", d)
}

// signature makes an artifact that is attached to a manifest: by its subject, or else by the tag that it is to get.
func signature(name string, of content, bySubject bool) content {
	config, payload := []byte("{}"), fmt.Appendf(nil, "signature %s of %s", name, of.digest)
	d := document{
		SchemaVersion: 2, MediaType: typeOCIImage, ArtifactType: "application/vnd.example.signature",
		Config: &descriptor{MediaType: typeEmpty, Digest: digestOf(config), Size: len(config)},
		Layers: []descriptor{{MediaType: "application/vnd.example.signature", Digest: digestOf(payload), Size: len(payload)}},
	}
	if bySubject {
		r := refer(of)
		d.Subject = &r
	}
	return seal("attachment", d, config, payload)
}

// referrers makes the index that stands under the fallback tag of a subject (OCI distribution-spec v1.1, "Referrers tag
// schema").
func referrers(of ...content) content {
	d := document{SchemaVersion: 2, MediaType: typeOCIIndex}
	for _, c := range of {
		r := refer(c)
		r.ArtifactType = "application/vnd.example.signature"
		d.Manifests = append(d.Manifests, r)
	}
	c := seal("index", d)
	c.kind = "attachment"
	return c
}

// attachmentTag is the tag of what is attached to a digest; the ending is such as ".sig", or "" for the fallback tag.
func attachmentTag(digest, ending string) string { return "sha256-" + digest[len("sha256:"):] + ending }

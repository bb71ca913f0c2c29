package oci

import (
	"regexp"
	"strings"
	"time"
)

// Kind says what part an image plays in its repository.
type Kind string

const (
	// KindImage is a manifest of one platform (or an artifact) that a tag names.
	KindImage Kind = "image"
	// KindIndex is an OCI index or docker manifest list that a tag names.
	KindIndex Kind = "index"
	// KindChild is a manifest without a tag of its own that an index lists.
	KindChild Kind = "child"
	// KindAttachment is a signature, attestation, SBOM or referrers index of another manifest: it has a subject and
	// lives and dies with it.
	KindAttachment Kind = "attachment"
	// KindPlaceholder is an image of nothing that this program points tags at to remove them. One that is left was left
	// by a run that was killed.
	KindPlaceholder Kind = "placeholder"
)

// Blob is a config or layer that an image refers to.
type Blob struct {
	Digest Digest
	Size   int64 // bytes, as the manifest says
}

// Image is one digest of a repository with everything that is known of it. There is one Image for each digest,
// because deleting a digest deletes all its tags: nothing may be decided for a single tag.
type Image struct {
	Digest    Digest
	Kind      Kind
	MediaType string
	// Tags are all the tags that point at the digest, in natural order.
	Tags []string
	// Removed are the tags that an interrupted run has removed and that point at nothing since, in natural order. A
	// snapshot does not know them: a journal does.
	Removed []string
	// Created is when the image was built, in UTC; the zero time when nothing usable says so.
	Created time.Time
	// Pushed is when the registry received the image, in UTC; the zero time when the registry does not say.
	Pushed time.Time
	// Retained says why the registry itself would refuse to delete the image, such as a lock; "" when nothing is known.
	Retained string
	// Size is the sum of the image's own config and layers in bytes; 0 for an index.
	Size int64
	// Blobs are the config and the layers, each once.
	Blobs []Blob
	// Children are what an index lists, in its order.
	Children []Digest
	// Missing are those of Children that the registry does not have.
	Missing []Digest
	// ConfigMissing is true when the registry does not have the image's config.
	ConfigMissing bool
	// Unread is true when the manifest was not read, because nothing that was asked depends on what it says: its date,
	// size and blobs are not known.
	Unread bool
	// Subject is the manifest's subject field, "" when it has none (OCI image-spec v1.1, manifest.md).
	Subject Digest
}

// Subjects returns the digests that the image is attached to: its subject field and those that its tags name, including
// the removed ones. It is empty for anything that is not an attachment, such as a placeholder that the tags of
// attachments were pointed at.
func (i Image) Subjects() []Digest {
	var out []Digest
	if i.Kind == KindPlaceholder {
		return nil
	}
	if i.Subject != "" {
		out = append(out, i.Subject)
	}
	for _, tags := range [][]string{i.Tags, i.Removed} {
		for _, t := range tags {
			if s, ok := AttachmentSubject(t); ok && s != i.Subject {
				out = append(out, s)
			}
		}
	}
	return out
}

// Snapshot is everything known of a repository at one moment. It is whole: what could not be read made it an error.
type Snapshot struct {
	Repository Repository
	// Images are sorted by digest.
	Images []Image
	// Ghosts are tags that the registry lists but has no manifest for, in natural order.
	Ghosts []string
	// Warnings are for a reader: what the registry lists and what was left out because nothing can depend on it.
	Warnings []string
}

var attachmentTag = regexp.MustCompile(`^(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})([._-].*)?$`)

// AttachmentSubject returns the digest that a tag of the form "sha256-<hex>" names, whatever follows after a dot, a
// hyphen or an underscore. These are the referrers fallback tag (OCI distribution-spec v1.1, "Referrers Tag Schema"),
// cosign's .sig, .att and .sbom (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md), and the .src of
// source containers and other companions, which have no subject that ties them to their image.
func AttachmentSubject(tag string) (Digest, bool) {
	if !strings.HasPrefix(tag, "sha") { // nearly all tags, and much cheaper
		return "", false
	}
	m := attachmentTag.FindStringSubmatch(tag)
	if m == nil {
		return "", false
	}
	return Digest(m[1][:6] + ":" + m[1][7:]), true
}

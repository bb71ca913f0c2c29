package distribution

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// schema1Types are docker's first image manifest, signed or not
// (https://distribution.github.io/distribution/spec/deprecated-schema-v1/). No request asks for it.
var schema1Types = []string{"application/vnd.docker.distribution.manifest.v1+prettyjws", "application/vnd.docker.distribution.manifest.v1+json"}

func isSchema1(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return slices.Contains(schema1Types, mediaType)
}

// schema1 reads a manifest of docker's first form. It can refer to layers alone, so that nothing else of the repository
// depends on it. It has no date that counts: nobody can pull it any more, and a person decides what becomes of it.
// Distribution 2.8 makes such a manifest up for a client that accepts nothing newer, in the place of an index too. It has
// a digest that exists nowhere, so what a tag leads to must be there by its digest.
func (r *Repository) schema1(ctx context.Context, reference string, claimed oci.Digest, body []byte) (manifest, error) {
	if reference != claimed.String() {
		if claimed.Validate() != nil {
			return manifest{}, &registry.MediaTypeError{MediaType: schema1Types[0]}
		}
		m, err := r.manifest(ctx, claimed.String())
		if errors.Is(err, errNoManifest) || err == nil && !isSchema1(m.mediaType) {
			err = &registry.MediaTypeError{MediaType: schema1Types[0]}
		}
		return m, err
	}
	if _, err := proven(body, claimed); err != nil {
		if _, signed := proven(signedPart(body), claimed); signed != nil {
			return manifest{}, err
		}
	}
	var doc struct {
		FSLayers []struct {
			BlobSum oci.Digest `json:"blobSum"`
		} `json:"fsLayers"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return manifest{}, fmt.Errorf("the body is not JSON: %w", err)
	}
	m := manifest{digest: claimed, mediaType: schema1Types[0]}
	for _, l := range doc.FSLayers {
		m.addBlob(descriptor{Digest: l.BlobSum})
	}
	return m, m.validate()
}

// signedPart returns the part of a signed manifest that its digest is of: the beginning of the body, and the tail that the
// first signature has (https://distribution.github.io/distribution/spec/deprecated-schema-v1/, "Signed Manifests").
func signedPart(body []byte) []byte {
	var doc struct {
		Signatures []struct {
			Protected string `json:"protected"`
		} `json:"signatures"`
	}
	var protected struct {
		Length int    `json:"formatLength"`
		Tail   string `json:"formatTail"`
	}
	if json.Unmarshal(body, &doc) != nil || len(doc.Signatures) == 0 {
		return nil
	}
	header, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(doc.Signatures[0].Protected, "="))
	if err != nil || json.Unmarshal(header, &protected) != nil || protected.Length < 0 || protected.Length > len(body) {
		return nil
	}
	tail, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(protected.Tail, "="))
	if err != nil {
		return nil
	}
	return append(slices.Clone(body[:protected.Length]), tail...)
}

// warnSchema1 warns of the tags that lead to manifests of that form.
func (g *gathering) warnSchema1() []string {
	var tags []string
	for d, m := range g.manifests {
		if isSchema1(m.mediaType) {
			tags = append(tags, g.tags[d]...)
		}
	}
	if len(tags) == 0 {
		return nil
	}
	slices.SortFunc(tags, oci.NaturalCompare)
	return []string{fmt.Sprintf("these tags have docker's schema 1 format, which current clients cannot pull: %s; delete them, or push them again with a current tool", strings.Join(tags, ", "))}
}

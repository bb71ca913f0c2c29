package vendors

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
)

type ecrFailure struct {
	ImageID       ecrID  `json:"imageId"`
	FailureCode   string `json:"failureCode"`
	FailureReason string `json:"failureReason"`
}

// maxBatch is how many images BatchDeleteImage and BatchGetImage take.
const maxBatch = 100

func checkBatch(c ecrCall) *awsError {
	switch n := len(c.ImageIDs); {
	case n == 0:
		return invalid("imageIds", "Member must have length greater than or equal to 1")
	case n > maxBatch:
		return invalid("imageIds", fmt.Sprintf("Member must have length less than or equal to %d", maxBatch))
	}
	return nil
}

// resolveECR returns the image that is named, or the failure code.
func resolveECR(all []stored, id ecrID) (s stored, code string) {
	if id.ImageDigest == "" && id.ImageTag == "" {
		return s, "MissingDigestAndTag"
	}
	if id.ImageDigest != "" {
		d, err := digest.Parse(id.ImageDigest)
		if err != nil {
			return s, "InvalidImageDigest"
		}
		s, ok := find(all, d)
		switch {
		case !ok:
			return s, "ImageNotFound"
		case id.ImageTag != "" && !slices.Contains(s.Tags, id.ImageTag):
			return s, "ImageTagDoesNotMatchDigest"
		}
		return s, ""
	}
	i := slices.IndexFunc(all, func(s stored) bool { return slices.Contains(s.Tags, id.ImageTag) })
	if i < 0 {
		return s, "ImageNotFound"
	}
	return all[i], ""
}

// ecrReasons are the texts of the failure codes; all but that of a referenced image are unverified.
var ecrReasons = map[string]string{
	"MissingDigestAndTag":        "Missing both image digest and image tag.",
	"InvalidImageDigest":         "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
	"ImageNotFound":              "Requested image not found",
	"ImageTagDoesNotMatchDigest": "Requested image tag does not match the requested image digest",
}

// deleteImages deletes what it may and answers 200 with the rest in failures. An image with an index over it cannot lose a
// tag either (https://github.com/aws/containers-roadmap/issues/1567). It wants the lock.
func (f *ECR) deleteImages(c ecrCall) (any, *awsError) {
	if e := checkBatch(c); e != nil {
		return nil, e
	}
	gone, failures := []ecrID{}, []ecrFailure{}
	all := storedManifests(f.Registry, c.path)
	before := slices.Clone(all)
	for _, id := range c.ImageIDs {
		s, code := resolveECR(all, id)
		reason := ecrReasons[code]
		if code == "" {
			references := all
			if !f.opts.SettlesInCall {
				references = before
			}
			code, reason = f.ecrHeld(references, s)
		}
		if code != "" {
			failures = append(failures, ecrFailure{id, code, reason})
			if code != "ImageNotFound" { // deleted by somebody else: no refusal
				refused := refusalOf(c.path, cmp.Or(id.ImageDigest, id.ImageTag), http.StatusOK, code)
				refused.Digest = cmp.Or(s.Digest, refused.Digest)
				f.addRefusal(refused)
			}
			continue
		}
		gone = append(gone, f.deleteImage(c.path, s, id.ImageTag)...)
		if id.ImageTag == "" && !f.opts.CascadeReferrers {
			all = slices.DeleteFunc(all, func(other stored) bool { return other.Digest == s.Digest })
		} else {
			all = storedManifests(f.Registry, c.path)
		}
	}
	return map[string]any{"imageIds": gone, "failures": failures}, nil
}

// ecrHeld returns why an image cannot be deleted.
func (f *ECR) ecrHeld(all []stored, s stored) (code, reason string) {
	if code := f.failing[s.Digest]; code != "" {
		return code, "Requested image cannot be deleted"
	}
	if over := parents(all, s.Digest); len(over) > 0 {
		return "ImageReferencedByManifestList", "Requested image referenced by manifest list: " + ecrList(over)
	}
	return "", ""
}

func ecrList(ds []oci.Digest) string {
	var texts []string
	for _, d := range ds {
		texts = append(texts, d.String())
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// deleteImage deletes an image with all its tags, or one tag: the image goes with its last one. It returns one entry for
// each tag that went.
func (f *ECR) deleteImage(path string, s stored, tag string) (gone []ecrID) {
	if tag != "" && len(s.Tags) > 1 {
		f.Untag(path, tag)
		f.addDeletion(Deletion{Path: path, Digest: s.Digest, Tags: []string{tag}, TagOnly: true})
		return []ecrID{{ImageDigest: s.Digest.String(), ImageTag: tag}}
	}
	f.Remove(path, s.Digest)
	f.addDeletion(Deletion{Path: path, Digest: s.Digest, Tags: s.Tags})
	for _, t := range s.Tags {
		gone = append(gone, ecrID{ImageDigest: s.Digest.String(), ImageTag: t})
	}
	if len(s.Tags) == 0 {
		gone = []ecrID{{ImageDigest: s.Digest.String()}}
	}
	if f.opts.CascadeReferrers {
		all := storedManifests(f.Registry, path)
		for _, d := range referrers(all, s.Digest) {
			if r, ok := find(all, d); ok && len(parents(all, d)) == 0 {
				f.deleteImage(path, r, "")
			}
		}
	}
	return gone
}

// getImages answers BatchGetImage.
func (f *ECR) getImages(c ecrCall) (any, *awsError) {
	if e := checkBatch(c); e != nil {
		return nil, e
	}
	type image struct {
		RegistryID             string `json:"registryId"`
		RepositoryName         string `json:"repositoryName"`
		ImageID                ecrID  `json:"imageId"`
		ImageManifest          string `json:"imageManifest"`
		ImageManifestMediaType string `json:"imageManifestMediaType"`
	}
	images, failures, all := []image{}, []ecrFailure{}, storedManifests(f.Registry, c.path)
	for _, id := range c.ImageIDs {
		s, code := resolveECR(all, id)
		reason := ecrReasons[code]
		if code == "" && f.statusOf(s.Digest) != "ACTIVE" { // unverified
			code, reason = "ImageInaccessible", "Requested image is archived"
		}
		if code != "" {
			failures = append(failures, ecrFailure{id, code, reason})
			continue
		}
		id.ImageDigest = s.Digest.String()
		images = append(images, image{f.opts.Account, c.name, id, string(s.Body), s.MediaType})
	}
	return map[string]any{"images": images, "failures": failures}, nil
}

// listReferrers answers ListImageReferrers. Without a filter only active ones are listed.
func (f *ECR) listReferrers(c ecrCall) (any, *awsError) {
	if c.SubjectID == nil || c.SubjectID.ImageDigest == "" {
		return nil, invalid("subjectId", "Member must not be null")
	}
	type referrer struct {
		Digest         oci.Digest        `json:"digest"`
		MediaType      string            `json:"mediaType"`
		ArtifactType   string            `json:"artifactType,omitempty"`
		Size           int               `json:"size"`
		Annotations    map[string]string `json:"annotations,omitempty"`
		ArtifactStatus string            `json:"artifactStatus"`
	}
	all := storedManifests(f.Registry, c.path)
	wanted := referrers(all, oci.Digest(c.SubjectID.ImageDigest))
	status := "ACTIVE"
	if c.Filter != nil && c.Filter.ArtifactStatus != "" {
		status = c.Filter.ArtifactStatus
	}
	all = slices.DeleteFunc(all, func(s stored) bool {
		return !slices.Contains(wanted, s.Digest) || status != "ANY" && status != f.statusOf(s.Digest)
	})
	cut, next, e := f.page(c, all, 20, 50)
	if e != nil {
		return nil, e
	}
	list := []referrer{}
	for _, s := range cut {
		list = append(list, referrer{s.Digest, s.MediaType, s.artifactType(), len(s.Body), s.Annotations, f.statusOf(s.Digest)})
	}
	answer := map[string]any{"referrers": list}
	if next != "" {
		answer["nextToken"] = next
	}
	return answer, nil
}

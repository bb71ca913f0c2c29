package vendors

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
)

// ecrDetail is an image in DescribeImages. The public API has fewer members (aws-sdk-go-v2, service/ecrpublic).
type ecrDetail struct {
	RegistryID             string      `json:"registryId"`
	RepositoryName         string      `json:"repositoryName"`
	ImageDigest            oci.Digest  `json:"imageDigest"`
	ImageTags              []string    `json:"imageTags,omitempty"`
	ImageSizeInBytes       int64       `json:"imageSizeInBytes"`
	ImagePushedAt          json.Number `json:"imagePushedAt"`
	ImageManifestMediaType string      `json:"imageManifestMediaType"`
	ArtifactMediaType      string      `json:"artifactMediaType,omitempty"`
	LastRecordedPullTime   json.Number `json:"lastRecordedPullTime,omitempty"`
	ImageStatus            string      `json:"imageStatus,omitempty"`
	SubjectManifestDigest  oci.Digest  `json:"subjectManifestDigest,omitempty"`
}

func (f *ECR) detail(c ecrCall, all []stored, s stored) ecrDetail {
	d := ecrDetail{
		RegistryID: f.opts.Account, RepositoryName: c.name, ImageDigest: s.Digest, ImageTags: s.Tags, ImageSizeInBytes: ecrSize(all, s),
		ImagePushedAt: awsTime(s.Pushed), ImageManifestMediaType: s.MediaType, ArtifactMediaType: s.artifactType(),
	}
	if f.opts.Alias != "" {
		return d
	}
	d.ImageStatus = f.statusOf(s.Digest)
	if at, ok := f.pulled[s.Digest]; ok {
		d.LastRecordedPullTime = awsTime(at)
	}
	if s.Subject != nil {
		d.SubjectManifestDigest = s.Subject.Digest
	}
	return d
}

// ecrSize of an index is that of its largest child (aws-sdk-go-v2, types.ImageDetail).
func ecrSize(all []stored, s stored) int64 {
	n := s.size()
	for _, c := range s.Manifests {
		if child, ok := find(all, c.Digest); ok {
			n = max(n, ecrSize(all, child))
		}
	}
	return n
}

func (f *ECR) describeImages(c ecrCall) (any, *awsError) {
	all := storedManifests(f.Registry, c.path)
	type page struct {
		ImageDetails []ecrDetail `json:"imageDetails"`
		NextToken    string      `json:"nextToken,omitempty"`
	}
	if len(c.ImageIDs) > 0 {
		return f.describeThese(c, all)
	}
	matching, e := f.filtered(c, all)
	if e != nil {
		return nil, e
	}
	cut, next, e := f.page(c, matching, 100, 1000)
	if e != nil {
		return nil, e
	}
	p := page{ImageDetails: []ecrDetail{}, NextToken: next}
	for _, s := range cut {
		p.ImageDetails = append(p.ImageDetails, f.detail(c, all, s))
	}
	return p, nil
}

// describeThese answers for images that are named: one that is not there fails the call.
func (f *ECR) describeThese(c ecrCall, all []stored) (any, *awsError) {
	if c.MaxResults != nil || c.NextToken != "" {
		return nil, badRequest("InvalidParameterException", "maxResults and nextToken cannot be used with imageIds")
	}
	if len(c.ImageIDs) > 100 {
		return nil, invalid("imageIds", "Member must have length less than or equal to 100")
	}
	details := []ecrDetail{}
	for _, id := range c.ImageIDs {
		s, code := resolveECR(all, id)
		if code != "" {
			return nil, badRequest("ImageNotFoundException", "The image with imageId %s does not exist within the repository with name '%s' in the registry with id '%s'",
				id, c.name, f.opts.Account)
		}
		details = append(details, f.detail(c, all, s))
	}
	return map[string]any{"imageDetails": details}, nil
}

// filtered applies the filter. Without one only active images are listed (aws-sdk-go-v2, types.DescribeImagesFilter).
func (f *ECR) filtered(c ecrCall, all []stored) ([]stored, *awsError) {
	tagStatus, imageStatus := "ANY", "ACTIVE"
	if c.Filter != nil && c.Filter.TagStatus != "" {
		tagStatus = c.Filter.TagStatus
	}
	if c.Filter != nil && c.Filter.ImageStatus != "" {
		imageStatus = c.Filter.ImageStatus
	}
	switch {
	case !slices.Contains([]string{"ANY", "TAGGED", "UNTAGGED"}, tagStatus):
		return nil, invalid("filter.tagStatus", "Member must satisfy enum value set: [TAGGED, UNTAGGED, ANY]")
	case !slices.Contains([]string{"ANY", "ACTIVE", "ARCHIVED", "ACTIVATING"}, imageStatus):
		return nil, invalid("filter.imageStatus", "Member must satisfy enum value set: [ACTIVE, ARCHIVED, ACTIVATING, ANY]")
	}
	return slices.DeleteFunc(slices.Clone(all), func(s stored) bool {
		tagged := len(s.Tags) > 0
		return tagStatus == "TAGGED" && !tagged || tagStatus == "UNTAGGED" && tagged ||
			f.opts.Alias == "" && imageStatus != "ANY" && imageStatus != f.statusOf(s.Digest)
	}), nil
}

// page cuts out what follows the call's token. A token goes on after a digest, so that images that come and go do not
// shift the pages. It is good for its own action and repository alone.
func (f *ECR) page(c ecrCall, all []stored, usual, most int) (cut []stored, next string, e *awsError) {
	n := usual
	if c.MaxResults != nil {
		n = *c.MaxResults
	}
	switch {
	case n < 1:
		return nil, "", invalid("maxResults", "Member must have value greater than or equal to 1")
	case n > most:
		return nil, "", invalid("maxResults", fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
	after := ""
	if c.NextToken != "" {
		var ok bool
		if after, ok = strings.CutPrefix(f.pages[c.NextToken], c.action+" "+c.path+" "); !ok {
			return nil, "", badRequest("InvalidParameterException", "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
		}
	}
	for _, s := range all {
		if s.Digest.String() > after {
			cut = append(cut, s)
		}
	}
	if f.opts.EmptyFirstPage && c.NextToken == "" {
		return nil, f.token(c, ""), nil
	}
	if len(cut) > n {
		cut = cut[:n]
		next = f.token(c, cut[n-1].Digest)
	}
	return cut, next, nil
}

// token returns an opaque nextToken. It wants the lock.
func (f *ECR) token(c ecrCall, after oci.Digest) string {
	where := c.action + " " + c.path + " " + after.String()
	sum := digest.FromString(fmt.Sprint(where, len(f.pages)))
	token := base64.StdEncoding.EncodeToString([]byte(sum))
	f.pages[token] = where
	return token
}

package ecr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
)

const (
	// pageSize is the most that DescribeImages takes
	// (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html).
	pageSize = 1000
	// maxImages is five times the images that a repository may have
	// (https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html, 100,000).
	maxImages = 500_000
	// maxIdlePages is how many pages in a row may be empty before the list counts as endless.
	maxIdlePages = 100
)

// describeImages is the request for one page. Archived images are asked for too: what they refer to has to stay.
type describeImages struct {
	RegistryID     string `json:"registryId,omitempty"`
	RepositoryName string `json:"repositoryName"`
	MaxResults     int    `json:"maxResults"`
	NextToken      string `json:"nextToken,omitempty"`
	Filter         struct {
		TagStatus   string `json:"tagStatus"`
		ImageStatus string `json:"imageStatus"`
	} `json:"filter"`
}

// described is one page.
type described struct {
	ImageDetails *[]detail `json:"imageDetails"` // nil where the answer has none, which is not an empty list
	NextToken    string    `json:"nextToken"`
}

// detail is what the list says of an image.
type detail struct {
	RegistryID             string     `json:"registryId"`
	RepositoryName         string     `json:"repositoryName"`
	ImageDigest            oci.Digest `json:"imageDigest"`
	ImageTags              []string   `json:"imageTags"` // absent without a tag
	ImageSizeInBytes       int64      `json:"imageSizeInBytes"`
	ImagePushedAt          float64    `json:"imagePushedAt"` // seconds since 1970; a new tag does not change it
	ImageManifestMediaType string     `json:"imageManifestMediaType"`
	ImageStatus            string     `json:"imageStatus"` // ACTIVE, ARCHIVED or ACTIVATING; absent on old interfaces
	SubjectManifestDigest  oci.Digest `json:"subjectManifestDigest"`
}

// list reads the whole list of images.
func (r *repository) list(ctx context.Context) ([]distribution.Entry, error) {
	if err := r.registry.login.ensure(ctx); err != nil {
		return nil, err
	}
	details, err := r.describe(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]distribution.Entry, len(details))
	for i, d := range details {
		out[i] = d.entry()
	}
	return out, nil
}

// describe follows the pages to their end. Anything that does not fit together is an error, because a list that is not whole
// hides images that others depend on.
func (r *repository) describe(ctx context.Context) ([]detail, error) {
	in := describeImages{RegistryID: r.registry.api.place.account, RepositoryName: r.path, MaxResults: pageSize}
	in.Filter.TagStatus, in.Filter.ImageStatus = "ANY", "ANY"
	var all []detail
	places, pages := map[oci.Digest]int{}, map[string]bool{}
	idle := 0
	for {
		var page described
		err := r.registry.api.do(ctx, call{action: "DescribeImages", in: in, out: &page})
		switch {
		case errors.Is(err, errNotUnderstood):
			return nil, incomplete(err)
		case err != nil:
			return nil, err
		case page.ImageDetails == nil:
			return nil, incomplete(fmt.Errorf("DescribeImages: %w: it has no imageDetails", errNotUnderstood))
		}
		idle++
		for _, d := range *page.ImageDetails {
			at, twice := places[d.ImageDigest]
			switch {
			case d.RepositoryName != r.path:
				return nil, incomplete(fmt.Errorf("DescribeImages: the answer is about the repository %q", d.RepositoryName))
			case !twice:
				places[d.ImageDigest], idle = len(all), 0
				all = append(all, d)
			case !reflect.DeepEqual(all[at], d):
				return nil, incomplete(fmt.Errorf("DescribeImages: %s changed while the list was read: run again", d.ImageDigest))
			}
		}
		if page.NextToken == "" {
			return all, nil
		}
		if pages[page.NextToken] || idle > maxIdlePages || len(all) > maxImages {
			return nil, incomplete(fmt.Errorf("DescribeImages: the list has no end after %d images", len(all)))
		}
		pages[page.NextToken], in.NextToken = true, page.NextToken
	}
}

// The media types of manifests that can list no other manifest.
const (
	typeImage       = "application/vnd.oci.image.manifest.v1+json"
	typeDockerImage = "application/vnd.docker.distribution.manifest.v2+json"
	typeIndex       = "application/vnd.oci.image.index.v1+json"
	typeDockerList  = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// statusActive is the status of an image that can be pulled.
const statusActive = "ACTIVE"

// entry is what the list says, for a snapshot.
func (d detail) entry() distribution.Entry {
	e := distribution.Entry{
		Digest: d.ImageDigest, Tags: d.ImageTags, MediaType: d.ImageManifestMediaType, Size: d.ImageSizeInBytes, Subject: d.SubjectManifestDigest,
	}
	if d.ImagePushedAt > 0 {
		e.Pushed = time.UnixMilli(int64(math.Round(d.ImagePushedAt * 1000)))
	}
	switch e.MediaType {
	case typeDockerImage: // it has no subject
		e.Whole = true
	case typeImage: // an untagged attachment whose subject the list left out would look like an image: its manifest is read
		e.Whole = e.Subject != "" || len(e.Tags) > 0
	}
	if d.ImageStatus != "" && d.ImageStatus != statusActive {
		e.Unreadable, e.Retained = true, "it is archived"
		// What is not an image may list others. Amazon ECR takes an index only if it has what the index lists (PutImage,
		// ReferencedImagesNotFoundException).
		e.Whole = slices.Contains([]string{typeImage, typeDockerImage}, e.MediaType)
		e.Opaque = !e.Whole
	}
	return e
}

// incomplete marks what was read and is not understood.
func incomplete(err error) error { return registry.Mark(err, registry.ErrIncomplete) }

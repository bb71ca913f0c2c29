package ecr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// batchSize is the most that BatchDeleteImage takes
// (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html).
const batchSize = 100

// imageID names an image, always by digest: the deletion of the last tag of an image deletes the image.
type imageID struct {
	ImageDigest oci.Digest `json:"imageDigest"`
}

// batchDelete is the request to delete images.
type batchDelete struct {
	RegistryID     string    `json:"registryId,omitempty"`
	RepositoryName string    `json:"repositoryName"`
	ImageIDs       []imageID `json:"imageIds"`
}

// batchDeleted is the answer. It is a success whatever became of the images.
type batchDeleted struct {
	ImageIDs []imageID    `json:"imageIds"` // deleted, one for each tag
	Failures []notDeleted `json:"failures"`
}

type notDeleted struct {
	ImageID       imageID `json:"imageId"`
	FailureCode   string  `json:"failureCode"`
	FailureReason string  `json:"failureReason"`
}

// Delete deletes images by their digests, up to 100 with one request, and returns one result for each.
func (r *repository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := make([]registry.Result, 0, len(level))
	for batch := range slices.Chunk(level, batchSize) {
		out = append(out, r.deleteBatch(ctx, batch)...)
	}
	return out
}

// deleteBatch deletes with one request.
func (r *repository) deleteBatch(ctx context.Context, batch []oci.Image) []registry.Result {
	out := make([]registry.Result, len(batch))
	in := batchDelete{RegistryID: r.registry.api.place.account, RepositoryName: r.path}
	for i, image := range batch {
		if err := image.Digest.Validate(); err != nil {
			out[i].Err = fmt.Errorf("delete %q: %w", image.Digest, err)
			continue
		}
		in.ImageIDs = append(in.ImageIDs, imageID{image.Digest})
	}
	if len(in.ImageIDs) == 0 {
		return out
	}
	var answer batchDeleted
	err := r.registry.api.do(ctx, call{action: "BatchDeleteImage", changes: true, in: in, out: &answer})
	if errors.Is(err, errNotUnderstood) { // it was a success of some kind
		err = registry.Mark(err, registry.ErrUnsettled)
	}
	fates := answer.fates()
	for i, image := range batch {
		fate, told := fates[image.Digest]
		switch {
		case out[i].Err != nil:
		case err != nil:
			out[i].Err = err
		case told:
			fate.Err = r.registry.api.client.HideIn(fate.Err)
			out[i] = fate
		default:
			out[i].Err = registry.Mark(errors.New("BatchDeleteImage: the answer does not say what became of it"), registry.ErrUnsettled)
		}
	}
	return out
}

// fates returns what became of each image. An image that the answer calls both deleted and not deleted is in neither state.
func (a batchDeleted) fates() map[oci.Digest]registry.Result {
	out := map[oci.Digest]registry.Result{}
	for _, id := range a.ImageIDs {
		out[id.ImageDigest] = registry.Result{Existed: true}
	}
	for _, f := range a.Failures {
		if _, deleted := out[f.ImageID.ImageDigest]; deleted {
			delete(out, f.ImageID.ImageDigest)
			continue
		}
		out[f.ImageID.ImageDigest] = f.result()
	}
	return out
}

// The codes of failures that say more than that the image was not deleted
// (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageFailure.html).
const (
	codeGone  = "ImageNotFound"
	codeInUse = "ImageReferencedByManifestList"
)

// result is what a failure means.
func (f notDeleted) result() registry.Result {
	err := fmt.Errorf("BatchDeleteImage: %s: %s", f.FailureCode, f.FailureReason)
	switch f.FailureCode {
	case codeGone:
		return registry.Result{}
	case codeInUse:
		err = registry.Mark(err, registry.ErrInUse)
	}
	return registry.Result{Err: err}
}

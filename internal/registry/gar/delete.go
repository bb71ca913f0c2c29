package gar

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// Delete deletes manifests with all their tags and returns one result for each. Google refuses to delete what a tag leads
// to, so the tags come first.
func (r *repository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := make([]registry.Result, len(level))
	var group sync.WaitGroup
	for i := range level {
		group.Go(func() { out[i] = r.delete(ctx, level[i]) })
	}
	group.Wait()
	return out
}

// delete deletes one manifest. What has begun is finished when the run is cancelled.
func (r *repository) delete(ctx context.Context, i oci.Image) (out registry.Result) {
	for _, t := range i.Tags {
		removed, err := r.oci.DeleteTag(ctx, t, i.Digest)
		if err != nil {
			out.Err = fmt.Errorf("remove the tag %s: %w", t, advise(err))
			return out
		}
		if removed && len(out.Removed) == 0 {
			drain, done := registry.Drain(ctx)
			defer done()
			ctx = registry.WithDrain(drain, drain)
		}
		if removed {
			out.Removed = append(out.Removed, t)
		}
	}
	res := r.oci.Delete(ctx, []oci.Image{i})[0]
	if errors.Is(res.Err, registry.ErrInUse) {
		res.Existed, res.Err = r.deleteHeld(ctx, i.Digest, res.Err)
	}
	if res.Err != nil {
		out.Err = advise(res.Err)
		return out
	}
	return registry.Result{Existed: res.Existed || len(out.Removed) > 0}
}

var anyDigest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// deleteHeld goes on where Google refuses to delete a manifest because another one holds it. Google keeps indexes of its
// own over referrers, which no request of the OCI API finds or deletes. Only where the answer names such an index, and the
// registry has no manifest by that digest, the manifest is deleted by Google's API with force, which takes the index
// along. Force would take tags along too, so a look at the list comes right before.
func (r *repository) deleteHeld(ctx context.Context, d oci.Digest, held error) (existed bool, err error) {
	var answer *registry.Error
	if !errors.As(held, &answer) || answer.Code != "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE" {
		return false, held
	}
	var parents []oci.Image
	for _, p := range anyDigest.FindAllString(answer.Message, -1) {
		if oci.Digest(p) != d {
			parents = append(parents, oci.Image{Digest: oci.Digest(p)})
		}
	}
	entries, err := r.entries(ctx)
	if err != nil {
		return false, fmt.Errorf("%w; look for what holds it: %w", held, err)
	}
	for _, e := range entries {
		is := func(p oci.Image) bool { return p.Digest == e.Digest }
		if slices.ContainsFunc(parents, is) || e.Digest == d && len(e.Tags) > 0 {
			return false, held
		}
	}
	missing, err := r.oci.Missing(ctx, parents)
	switch {
	case err != nil:
		return false, fmt.Errorf("%w; look for what holds it: %w", held, err)
	case len(parents) == 0 || len(missing) < len(parents):
		return false, held
	}
	return r.force(ctx, d, held)
}

package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// byTag reports whether the repository is deleted from by tag alone: GitLab protects a tag there, and refuses every
// deletion by digest. What has lost its tags is collected by GitLab itself, about a day later.
func (r *repository) byTag() bool {
	return !r.registry.files.Load() && r.registry.protected.any(r.path)
}

// removeAllTags removes the tags of manifests and returns one result for each.
func (r *repository) removeAllTags(ctx context.Context, level []oci.Image) []registry.Result {
	out := make([]registry.Result, len(level))
	var group sync.WaitGroup
	for i := range level {
		group.Go(func() { out[i] = r.removeTags(ctx, level[i]) })
	}
	group.Wait()
	return out
}

// removeTags removes the tags of a manifest, each right after a look at where it points. Once one is removed the others
// follow, whatever happens: an image without some of its tags is not what anybody has asked for.
func (r *repository) removeTags(ctx context.Context, i oci.Image) (out registry.Result) {
	if len(i.Tags) == 0 {
		out.Err = registry.Mark(fmt.Errorf("%s has no tag of its own, and GitLab collects it by itself when nothing leads to it any more", i.Digest), registry.ErrInUse)
		return out
	}
	for _, t := range i.Tags {
		removed, err := r.listed.DeleteTag(ctx, t, i.Digest)
		if err != nil {
			out.Err = fmt.Errorf("remove the tag %s: %w", t, r.explainTag(err))
			return out
		}
		if !removed {
			continue
		}
		r.deletes.Store(true)
		if len(out.Removed) == 0 {
			drain, done := registry.Drain(ctx)
			defer done()
			ctx = registry.WithDrain(drain, drain)
		}
		out.Removed = append(out.Removed, t)
	}
	return registry.Result{Existed: len(out.Removed) > 0}
}

// explainTag says what GitLab's refusal to remove a tag means. It answers 401 for a protected tag
// (TestManifestAPI_Delete_ProtectedTags of its registry), as for a login that may not delete at all, so it counts as the
// former only where the registry lets this login delete.
func (r *repository) explainTag(err error) error {
	var answer *registry.Error
	switch {
	case !errors.As(err, &answer), answer.Foreign:
		return err
	case (answer.Lacks || answer.Status == http.StatusForbidden) && r.deletes.Load():
		return registry.Mark(fmt.Errorf("GitLab protects it: %w", err), registry.ErrRetained)
	case answer.Lacks:
		return registry.Mark(err, noRight)
	}
	return err
}

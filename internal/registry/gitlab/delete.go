package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// Delete deletes manifests and returns one result for each: by digest, or by their tags where GitLab protects tags.
func (r *repository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	if r.byTag() {
		return r.removeAllTags(ctx, level)
	}
	out := r.core().Delete(ctx, level)
	for i := range out {
		if out[i].Err == nil {
			r.deletes.Store(true)
		}
	}
	for i := range out {
		out[i] = r.explain(ctx, level[i].Digest, out[i])
	}
	return out
}

// isReferenced reports whether an answer may say that something refers to the manifest. The database deletes the
// manifests that have it as their subject along with it; that fails for the sake of the garbage collector's queue, and the
// registry answers 500 each time.
func isReferenced(answer *registry.Error) bool {
	return answer.Status == http.StatusInternalServerError && answer.Code == "UNKNOWN"
}

// noRight is a login without the right to delete (ContainerRegistryAuthenticationService in GitLab's sources).
var noRight = &registry.Kind{
	Text: "GitLab does not let this login delete",
	Advice: "GitLab lets the CI_JOB_TOKEN of a job delete in the registry of the job's own project (CI_REGISTRY_USER and CI_REGISTRY_PASSWORD), " +
		"and a user with at least the Maintainer role in the project; a deploy token can never delete",
}

// explain says what GitLab's answers to a deletion mean that others mean in another way. Both could be about all
// deletions as well, so each counts only where the registry lets this login delete.
func (r *repository) explain(ctx context.Context, d oci.Digest, res registry.Result) registry.Result {
	var answer *registry.Error
	if r.registry.files.Load() || !errors.As(res.Err, &answer) {
		return res
	}
	switch {
	case answer.Lacks:
		res.Err = registry.Mark(res.Err, noRight)
	case answer.Status == http.StatusForbidden && !answer.Foreign && r.mayDelete(ctx):
		res.Err = registry.Mark(fmt.Errorf("GitLab protects a tag of it: %w", answer), registry.ErrRetained)
	case isReferenced(answer):
		return r.askAgain(ctx, d, res)
	}
	return res
}

// askAgain settles an answer that may say that something refers to the manifest: it says so if the manifest is there, the
// registry deletes otherwise, and the answer comes a second time.
func (r *repository) askAgain(ctx context.Context, d oci.Digest, res registry.Result) registry.Result {
	switch exists, err := r.listed.Exists(ctx, d); {
	case err != nil:
		return res
	case !exists: // it was deleted after all
		return registry.Result{}
	case !r.mayDelete(ctx):
		return res
	}
	res = r.listed.Delete(ctx, []oci.Image{{Digest: d}})[0]
	var answer *registry.Error
	if errors.As(res.Err, &answer) && isReferenced(answer) {
		res.Err = registry.Mark(fmt.Errorf("%w (GitLab answers so for a manifest that is the subject of another one)", answer), registry.ErrInUse)
	}
	return res
}

// mayDelete reports whether the registry lets this login delete in the repository: it has done so, or it answers the
// deletion of a digest that does not exist by saying that.
func (r *repository) mayDelete(ctx context.Context) bool {
	if !r.deletes.Load() && r.listed.CanDelete(ctx) == nil {
		r.deletes.Store(true)
	}
	return r.deletes.Load()
}

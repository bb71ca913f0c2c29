package kinds

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
)

// digestOnly is a registry whose tags are not removed one by one.
type digestOnly struct {
	*distribution.Registry
	kind kind
}

// Repository hides every ability but those of the core.
func (r digestOnly) Repository(path string) registry.Repository {
	plain := r.Registry.Repository(path).(*distribution.Repository)
	return &core{Core: plain, plain: plain, kind: r.kind}
}

// core is a repository that is deleted from by digest alone.
type core struct {
	registry.Core
	plain   *distribution.Repository
	kind    kind
	cascade registry.Cascade
}

// Delete deletes manifests and returns one result for each.
func (c *core) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := c.plain.Delete(ctx, level)
	for n, i := range level {
		out[n].Err = c.kind.advise(out[n].Err)
		if c.kind.confirms && out[n].Err == nil && !out[n].Existed {
			out[n].Err = c.confirm(ctx, i.Digest)
		}
	}
	if c.kind.cascades {
		c.cascade.Settle(level, out)
	}
	return out
}

// advise says which right a login lacks, in the words of the kind.
func (k kind) advise(err error) error {
	var answer *registry.Error
	if k.right == "" || !errors.As(err, &answer) || answer.Method != http.MethodDelete ||
		!errors.Is(err, registry.ErrForbidden) || errors.Is(err, registry.ErrIntercepted) {
		return err
	}
	return registry.Advise(err, nil, k.right)
}

// confirm reads what the registry says that it does not have. A registry that deletes tags, and no manifest that has none,
// answers so for the child of an index too, and collects it when nothing leads to it any more.
func (c *core) confirm(ctx context.Context, d oci.Digest) error {
	exists, err := c.plain.Exists(ctx, d)
	switch {
	case err != nil:
		return fmt.Errorf("the registry answers that it does not have %s, and that could not be confirmed: %w", d, err)
	case exists:
		return registry.Mark(fmt.Errorf("%s has no tag of its own, and goes by itself when nothing leads to it any more", d), registry.ErrInUse)
	}
	return nil
}

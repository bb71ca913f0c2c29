package prune_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestCancelWithATagThatMoved holds that a cancel while tags are removed does not let a deletion by digest go by a look that
// has taken for granted where the other tags point: one of them is moved to an image that has lost its own tag.
func TestCancelWithATagThatMoved(t *testing.T) {
	t.Parallel()
	eachTagWay(t, func(t *testing.T, c methodCase) {
		for _, after := range []int{1, 3, 20} {
			t.Run(fmt.Sprintf("after %d tags", after), func(t *testing.T) {
				t.Parallel()
				s, l := c.stage(t, func(p fixture.Tester) { images(p, 60) })
				first := s.reg.Tags("team/app")["b0"]
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				begins := c.removal("b*")
				begins.After = after
				begins.Before = func() {
					s.reg.SetTag("team/app", "b50", first)
					cancel(errors.New("the time is over"))
				}
				s.reg.AddFault(begins)
				res := prune.Execute(registry.WithDrain(ctx, t.Context()), s.plan, s.repo, prune.Options{Method: c.method, Journal: l, Workers: 1})
				if s.reg.Tags("team/app")["b50"] != first || !has(s.reg, first) {
					t.Errorf("the image that b50 was moved to is gone: %v, %v", res.Outcomes[first], res.Err)
				}
			})
		}
	})
}

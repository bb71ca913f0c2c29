package registry

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
)

// surveyed is how many repositories [Client.Survey] reads at once. Small ones are read in a few rounds that wait for
// each other, so that one after the other would leave most readers idle; each costs the memory of its snapshot.
const surveyed = 8

// Survey reads repositories, a few at a time, and hands each snapshot, or why there is none, to visit as soon as it is
// there: never two at a time, in any order. An error of visit or a cancel ends the survey, and what it was reading then
// is not handed over.
func (c *Client) Survey(ctx context.Context, paths []string, visit func(path string, s oci.Snapshot, err error) error) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(surveyed)
	var one sync.Mutex // a snapshot can be large: none waits in a slice for the others
	for _, path := range paths {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			s, err := c.Repository(path).Snapshot(inner, Wanted{})
			one.Lock()
			defer one.Unlock()
			if inner.Err() != nil {
				return context.Cause(inner)
			}
			return visit(path, s, err)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

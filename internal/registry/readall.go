package registry

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/oci"
)

// maxReadAtOnce is how many repositories [ReadAll] reads at once. Small ones are read in a few rounds that wait for each
// other, so that one after the other would leave most readers idle; each costs the memory of its snapshot.
const maxReadAtOnce = 8

// ReadAll reads repositories of a registry, a few at a time, each by its query, and hands each snapshot, or why there is none, to visit as
// soon as it is there: never two at a time, in any order. An error of visit or a cancel ends it, and what is being read
// then is not handed over. query may be nil, which stands for the zero [Query].
func ReadAll(ctx context.Context, r Registry, paths []string, query func(path string) Query, visit func(path string, s oci.Snapshot, err error) error) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(maxReadAtOnce)
	var one sync.Mutex // a snapshot can be large: none waits in a slice for the others
	for _, path := range paths {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			var q Query
			if query != nil {
				q = query(path)
			}
			s, err := r.Repository(path).Snapshot(inner, q)
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

package registry

import (
	"slices"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
)

// Cascade remembers what the registry has deleted along with what it was asked to delete, for kinds that do so: the
// children of an index, and what is attached. A later deletion finds these gone, and they are gone by this program. It is
// safe for use by several goroutines.
type Cascade struct {
	mu      sync.Mutex
	deleted map[oci.Digest]bool // and their children
}

// Settle takes over the results of deletions and says of what went along that it existed.
func (c *Cascade) Settle(level []oci.Image, results []Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deleted == nil {
		c.deleted = map[oci.Digest]bool{}
	}
	for n, i := range level {
		r := &results[n]
		if r.Err != nil {
			continue
		}
		along := c.deleted[i.Digest] || slices.ContainsFunc(i.Subjects(), func(s oci.Digest) bool { return c.deleted[s] })
		if r.Existed = r.Existed || along; !r.Existed {
			continue
		}
		c.deleted[i.Digest] = true
		for _, child := range i.Children {
			c.deleted[child] = true
		}
	}
}

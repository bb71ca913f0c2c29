package vendors

import (
	"slices"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
)

// Deletion is something that a fake really deleted.
type Deletion struct {
	Path string // the repository, such as "acme/team/app"
	// Digest is the manifest that went, or the one that a removed tag pointed to.
	Digest oci.Digest
	// Tags are those that went: all of the manifest, or the one that was removed.
	Tags []string
	// TagOnly is set when the manifest stayed.
	TagOnly bool
}

// Refusal is a deletion that a fake was asked for and did not do.
type Refusal struct {
	Path string // the repository
	What string // the digest, tag or identifier that the client named
	// Digest is the manifest that What means, "" when there is none.
	Digest oci.Digest
	Status int // of the HTTP answer
	// Code is the service's own code, or its message where it has no codes.
	Code string
}

// Books are a fake's record of deletions. A fake embeds them.
type Books struct {
	mu      sync.Mutex
	deleted []Deletion
	refused []Refusal
}

// Deleted returns what was really deleted, in order.
func (b *Books) Deleted() []Deletion {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.deleted)
}

// Refused returns the deletions that were asked for and not done, in order. A request that was stopped before the
// service knew what it named, as by a limit or an unknown login, is among them.
func (b *Books) Refused() []Refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.refused)
}

func (b *Books) addDeletion(d Deletion) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deleted = append(b.deleted, d)
}

func (b *Books) addRefusal(r Refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = append(b.refused, r)
}

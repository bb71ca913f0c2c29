// Package kindtest holds the kinds of registries that have an interface of their own to the same tables, over the fakes
// of their vendors: what is planned and executed is compared with the fake's own books. A kind calls it in ten lines.
package kindtest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/state"
)

// Fake is what the tables need of a vendor's fake. Those of package vendors have it.
type Fake interface {
	Transport() http.RoundTripper
	Pusher(t testing.TB, path string) fixture.Tester
	Manifests(path string) []oci.Digest
	Tags(path string) map[string]oci.Digest
	AddFault(f registrytest.Fault)
	ClearFaults()
	Requests() []registrytest.Request
	Deleted() []vendors.Deletion
	Refused() []vendors.Refusal
	Strays() []string
}

// Stand is a fake, one repository in it, and how the program opens its registry.
type Stand struct {
	Fake Fake
	// Host and Path are the repository's, as they stand in references: "ghcr.io" and "acme/team/app".
	Host, Path string
	// Open opens the registry as the program does.
	Open func(host string, o registry.Options) (registry.Registry, error)
	// Options have the login, the environment and the clock. The stand adds the transport, the store and short pauses.
	Options registry.Options
	// Now is the time from which ages are counted; the zero time is the one before which [Ago] counts.
	Now time.Time
	// Context changes the context of what the program does, such as one in which nobody waits; nil changes nothing.
	Context func(context.Context) context.Context
	// Protect makes the service protect a manifest in its own way: by a lock, a rule, or its fame. Nil says that the
	// service protects nothing.
	Protect func(t *testing.T, d oci.Digest)
	// Method is how executions delete; "" is by digest.
	Method prune.Method
}

// now is before every deadline of a fake that reads the real clock.
var now = time.Date(2026, 1, 23, 12, 0, 0, 0, time.UTC)

// Ago is so many days before the time from which ages are counted.
func Ago(days int) time.Time { return now.AddDate(0, 0, -days) }

// Bench is a stand in use: what the runs over it share.
type Bench struct {
	Stand
	T     *testing.T
	Push  fixture.Tester
	store *store
	state string
}

// NewBench returns a stand in use.
func NewBench(t *testing.T, s Stand) *Bench {
	t.Helper()
	if s.Now.IsZero() {
		s.Now = now
	}
	return &Bench{Stand: s, T: t, Push: s.Fake.Pusher(t, s.Path), store: &store{}, state: t.TempDir()}
}

// Repository opens the repository, as each run does for itself.
func (b *Bench) Repository() (registry.Repository, registry.Traits) {
	b.T.Helper()
	o := b.Options
	o.Transport, o.Store = b.Fake.Transport(), b.store
	if o.RetryBase == 0 {
		o.RetryBase = time.Millisecond
	}
	r, err := b.Open(b.Host, o)
	if err != nil {
		b.T.Fatal("open:", err)
	}
	return r.Repository(b.Path), r.Traits()
}

// Run is one run of the program.
type Run struct {
	Plan   retain.Plan
	Result prune.Result
	// Err is why there is no plan.
	Err error
}

// Sweep reads, plans and executes, with a journal, as a run does.
func (b *Bench) Sweep(p retain.Policy) Run {
	b.T.Helper()
	return b.SweepIn(b.T.Context(), p, nil)
}

// SweepIn sweeps in a context; between is called when the plan is made, nil is not.
func (b *Bench) SweepIn(ctx context.Context, p retain.Policy, between func(retain.Plan)) (out Run) {
	b.T.Helper()
	if b.Context != nil {
		ctx = b.Context(ctx)
	}
	repo, traits := b.Repository()
	journal := b.journal()
	defer func() {
		if err := journal.Close(); err != nil {
			b.T.Error(err)
		}
	}()
	s, err := repo.Snapshot(ctx, registry.Query{Digests: journal.Left(), SkipDates: !p.NeedsBuildDates()})
	if err != nil {
		return Run{Err: err}
	}
	if r, ok := repo.(registry.Recognizer); ok {
		repo, traits = r.Recognized()
	}
	given := retain.Context{Pending: journal.Left(), Begun: journal.Begun()}
	if out.Plan, _, err = prune.Plan(ctx, repo, s, func(s oci.Snapshot) retain.Plan { return retain.Decide(s, p, given, b.Now) }); err != nil {
		return Run{Err: err}
	}
	if between != nil {
		between(out.Plan)
	}
	out.Result = prune.Execute(ctx, out.Plan, repo, prune.Options{Method: b.Method, Journal: journal, Traits: traits})
	return out
}

func (b *Bench) journal() *state.Journal {
	b.T.Helper()
	dir, err := state.Open(b.state)
	if err != nil {
		b.T.Fatal(err)
	}
	j, err := dir.Journal(oci.Repository{Host: b.Host, Path: b.Path})
	if err != nil {
		b.T.Fatal(err)
	}
	return j
}

// store keeps what runs remember, in memory.
type store struct {
	mu   sync.Mutex
	kept map[oci.Repository][]byte
}

// Load returns what was saved.
func (s *store) Load(name oci.Repository) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[name]
}

// Save keeps it.
func (s *store) Save(name oci.Repository, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[oci.Repository][]byte{}
	}
	s.kept[name] = content
}

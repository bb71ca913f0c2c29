package kinds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// undetermined is a registry whose host does not tell its kind. It begins with the OCI API, which most have, and goes on
// as what the first answer says. No request is sent to find that out.
type undetermined struct {
	registry.Registry // over the OCI API
	client            *wire.Client
	host              string
	options           registry.Options

	mu    sync.Mutex
	as    registry.Registry // nil until the first answer, and where it tells nothing
	err   error             // of opening it
	other chan struct{}     // closed when it has an interface of its own

	silent  bool      // the first answer tells nothing at all
	confirm sync.Once // of what it does not tell
}

func newUndetermined(client *wire.Client, host string, o registry.Options) *undetermined {
	base, _ := plain().as(client, host, o) // the OCI API needs nothing that could fail
	u := &undetermined{Registry: base, client: client, host: host, options: o, other: make(chan struct{})}
	client.Greeted(u.greet)
	return u
}

// greet takes the first answer in.
func (u *undetermined) greet(g registry.Greeting) {
	k := greeted(g)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.as, u.err = k.as(u.client, u.host, u.options)
	if u.silent = k.traits.Kind == plain().traits.Kind && g.Header.Get("Docker-Distribution-Api-Version") == ""; u.silent {
		k.traits.TagsStay = true // as go-containerregistry's registry leaves them
		u.as, u.err = k.as(u.client, u.host, u.options)
	}
	if k.open != nil {
		u.client.Replay(g.Header.Get("WWW-Authenticate"))
		close(u.other)
	}
}

// now is the registry as far as its kind is known.
func (u *undetermined) now() (registry.Registry, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.as == nil {
		return u.Registry, u.err
	}
	return u.as, u.err
}

// Traits are those of the kind, as far as it is known.
func (u *undetermined) Traits() registry.Traits {
	r, err := u.now()
	if err != nil || r == nil {
		return u.Registry.Traits()
	}
	return r.Traits()
}

// Page is that of the kind, as far as it is known.
func (u *undetermined) Page(path string) string {
	r, _ := u.now()
	if p, ok := r.(registry.Pager); ok {
		return p.Page(path)
	}
	return ""
}

// Repository returns a repository that finds out with its first answer.
func (u *undetermined) Repository(path string) registry.Repository {
	return &undeterminedRepository{Core: u.Registry.Repository(path).(registry.Core), registry: u, path: path}
}

type undeterminedRepository struct {
	registry.Core
	registry *undetermined
	path     string
	as       registry.Repository // that Snapshot has read; nil for the OCI API
}

// errOther ends what was begun over the OCI API where the kind has an interface of its own.
var errOther = errors.New("the registry is of another kind")

// Snapshot reads the repository as the kind does that the first answer tells.
func (r *undeterminedRepository) Snapshot(ctx context.Context, q registry.Query) (oci.Snapshot, error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	select {
	case <-r.registry.other:
	default:
		done := make(chan struct{})
		defer close(done)
		go func() {
			select {
			case <-r.registry.other:
				cancel(errOther)
			case <-done:
			}
		}()
		s, err := r.Core.Snapshot(inner, q)
		select {
		case <-r.registry.other: // even where all was read before the goroutine had its turn
		default:
			if err == nil {
				r.registry.confirm.Do(func() { r.registry.discover(ctx) })
			}
			return s, err
		}
	}
	as, err := r.registry.now()
	if err != nil {
		return oci.Snapshot{}, fmt.Errorf("read %s/%s: %w", r.registry.host, r.path, err)
	}
	r.as = as.Repository(r.path)
	return r.as.Snapshot(ctx, q)
}

// discover asks a registry for its extensions, once, where its first answer lacks what distribution sends with each
// answer, as zot's does. Nothing is decided by an answer that is not understood.
func (u *undetermined) discover(ctx context.Context) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.silent {
		return
	}
	reply, err := u.client.Try(ctx, wire.Call{Method: http.MethodGet, URL: "/v2/_oci/ext/discover", Limit: wire.MaxErrorBody})
	var answer struct {
		Extensions []struct {
			Name string `json:"name"`
		} `json:"extensions"`
	}
	if err != nil || json.Unmarshal(reply.Body, &answer) != nil {
		return
	}
	var names []string
	for _, e := range answer.Extensions {
		names = append(names, e.Name)
	}
	for _, k := range kinds {
		if k.discovers != nil && k.discovers(names) {
			u.as, u.err = k.as(u.client, u.host, u.options)
		}
	}
}

// Recognized returns the repository of the kind that the first answer has told.
func (r *undeterminedRepository) Recognized() (registry.Repository, registry.Traits) {
	as, err := r.registry.now()
	if err != nil { // Snapshot has failed with it
		as = r.registry.Registry
	}
	switch {
	case r.as != nil:
	case as.Traits().Kind == plain().traits.Kind: // what it has learned of the registry stays
		r.as = r.Core
	default:
		r.as = as.Repository(r.path)
	}
	if inner, told := r.as.(registry.Recognizer); told {
		return inner.Recognized()
	}
	return r.as, as.Traits()
}

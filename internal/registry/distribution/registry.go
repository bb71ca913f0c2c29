// Package distribution reads and deletes over the OCI distribution API: CNCF distribution 2.x and 3.x, and every registry
// that is not known better. Quirks stand where they matter, with their evidence.
package distribution

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Registry is a registry with the OCI distribution API. It implements [registry.Registry].
type Registry struct {
	client *wire.Client
	host   string
	store  registry.Store
	now    func() time.Time
	traits registry.Traits
}

// kindUnknown is the kind of a registry that is not known better.
const kindUnknown = "distribution"

// Open returns the registry with the host, as it stands in references. It sends nothing yet.
func Open(host string, o registry.Options) (*Registry, error) {
	client, err := wire.New(host, o)
	if err != nil {
		return nil, err
	}
	return On(client, host, o, registry.Traits{Kind: kindUnknown, Product: "the OCI distribution API"}), nil
}

// On returns the registry that a client speaks to, for kinds that have the OCI API and differ from this one by traits.
func On(client *wire.Client, host string, o registry.Options, traits registry.Traits) *Registry {
	o = o.WithDefaults()
	return &Registry{client, host, o.Store, o.Now, traits}
}

// Traits are those that the registry was opened with.
func (r *Registry) Traits() registry.Traits { return r.traits }

// Ping asks once whether the registry serves: 200, or 401 where it wants a login (OCI distribution-spec v1.1,
// "Determining Support"). A proxy in front may answer as well when the registry is down, with a page or a login of its own,
// and that is an error: the registry's own answer is {} or an error with a code.
func (r *Registry) Ping(ctx context.Context) error {
	reply, err := r.client.Try(ctx, wire.Call{Method: http.MethodGet, URL: "/v2/", Limit: wire.MaxErrorBody})
	var answer *registry.Error
	switch {
	case errors.Is(err, registry.ErrUnauthorized) && errors.As(err, &answer) && answer.Code == "" && answer.Message != wire.NoLogin && strings.HasSuffix(answer.URL, "/v2/"):
		return fmt.Errorf("%w; that is not a registry's answer, so it is from something in front of the registry", err)
	case errors.Is(err, registry.ErrUnauthorized):
		return nil
	case err == nil && !ownAnswer(reply):
		return fmt.Errorf("GET %s: %s answers in place of the registry (%.80q)", wire.Redact(reply.URL), front(reply.Header), bytes.TrimSpace(reply.Body))
	}
	return err
}

// ownAnswer reports whether an answer to GET /v2/ is a registry's. Proxies may set the API's header on all that they
// answer, as the CNCF registry's own recipe for nginx does.
func ownAnswer(r wire.Reply) bool {
	marked := strings.HasPrefix(r.Header.Get("Docker-Distribution-Api-Version"), "registry/2")
	body := bytes.TrimSpace(r.Body)
	if len(body) == 0 {
		return marked
	}
	var object map[string]json.RawMessage
	return json.Unmarshal(body, &object) == nil && (marked || len(object) == 0)
}

// front names what has answered, as far as it says so itself.
func front(h http.Header) string {
	if server := h.Get("Server"); server != "" {
		return strconv.Quote(server)
	}
	return "something"
}

// Repository is one repository of a registry. It has every ability that the port knows.
type Repository struct {
	client      *wire.Client
	name        oci.Repository
	store       registry.Store
	list        Lister // the registry's own list; nil where it has none
	final       func(*registry.Error) bool
	placeholder []byte      // the manifest that PointTag points tags at
	noHead      atomic.Bool // HEAD is refused, and GET is sent instead

	now             func() time.Time
	unknown         bool        // the kind of the registry is not known better
	etags           atomic.Bool // it names manifests in its headers as CNCF distribution does
	referrersServed atomic.Bool // it serves the referrers API
	noReferrers     atomic.Bool // it does not
}

// Repository returns the repository with the path, a [*Repository]; nothing is sent.
func (r *Registry) Repository(path string) registry.Repository { return r.repository(path) }

func (r *Registry) repository(path string) *Repository {
	return &Repository{
		client: r.client, name: oci.Repository{Host: r.host, Path: path}, store: r.store, now: r.now, unknown: r.traits.Kind == kindUnknown,
	}
}

// incomplete marks what was read and is not understood.
func incomplete(err error) error { return registry.Mark(err, registry.ErrIncomplete) }

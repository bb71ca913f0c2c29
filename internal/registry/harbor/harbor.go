// Package harbor reads and deletes in Harbor. Harbor's API lists 100 artifacts at once with the times of their pushes and
// those without a tag among them, and takes the login of docker as it is. Manifests are deleted over the OCI API.
package harbor

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Open returns the registry with the host, as it stands in references. It sends nothing yet. traits are those where the
// login may list artifacts. An error is about certificates.
func Open(client *wire.Client, host string, o registry.Options, traits registry.Traits) (registry.Registry, error) {
	h := &harbor{Registry: distribution.On(client, host, o, traits)}
	var err error
	h.api, err = wire.NewAPI(host, o, wire.API{Authorize: func(req *http.Request, _ []byte) error {
		login, err := client.Login(req.Context(), host)
		if err == nil && login.Password != "" { // the API takes no token of the token server
			h.api.Hidden(string(login.Password))
			req.SetBasicAuth(login.Username, string(login.Password))
		}
		return err
	}})
	return h, err
}

// harbor is a registry.
type harbor struct {
	*distribution.Registry
	api *wire.Client
}

// Repository returns the repository with the path; nothing is sent.
func (h *harbor) Repository(path string) registry.Repository {
	r := &repository{registry: h, path: path, plain: core{h.Registry.Repository(path).(registry.Core)}}
	r.listed = core{h.Listed(path, r.list)}
	return r
}

// core hides the removal of tags, which Harbor refuses.
type core struct{ registry.Core }

// repository is one that is read by Harbor's list, or over the OCI API where the login may not read the list.
type repository struct {
	registry *harbor
	path     string
	listed   core
	plain    core
	unlisted atomic.Bool // the login may not read the list
	cascade  registry.Cascade
}

// core is how the repository is read.
func (r *repository) core() core {
	if r.unlisted.Load() {
		return r.plain
	}
	return r.listed
}

// Snapshot reads everything known of the repository. The list tells here whether the login may read it.
func (r *repository) Snapshot(ctx context.Context, q registry.Query) (oci.Snapshot, error) {
	s, err := r.core().Snapshot(ctx, q)
	if errors.Is(err, errNoList) {
		r.unlisted.Store(true)
		if s, err = r.plain.Snapshot(ctx, q); err == nil {
			s.Warnings = append(s.Warnings, noList)
		}
	}
	return s, err
}

// Recognized returns the repository with the traits that the first list has told.
func (r *repository) Recognized() (registry.Repository, registry.Traits) {
	t := r.registry.Traits()
	if r.unlisted.Load() {
		// What is immutable is not known before the plan, and an image that stays must not lose its attachments: they go after it.
		t.ListsUntagged, t.PushTime, t.AttachmentsFirst = false, false, false
	}
	return r, t
}

// Refresh looks at the repository again.
func (r *repository) Refresh(ctx context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error) {
	return r.core().Refresh(ctx, before, known)
}

// WithReferrers adds what is attached to manifests; Harbor's list has it already.
func (r *repository) WithReferrers(ctx context.Context, s oci.Snapshot, of []oci.Digest) (oci.Snapshot, error) {
	return r.core().WithReferrers(ctx, s, of)
}

// Missing returns what images need and the registry does not have.
func (r *repository) Missing(ctx context.Context, images []oci.Image) ([]oci.Digest, error) {
	return r.core().Missing(ctx, images)
}

// Forget drops from what is remembered.
func (r *repository) Forget(digests map[oci.Digest]bool, tags map[string]bool) {
	r.core().Forget(digests, tags)
}

// Delete deletes manifests by digest and returns one result for each. Harbor deletes along with each what is attached to
// it, and the children that nothing else has.
func (r *repository) Delete(ctx context.Context, level []oci.Image) []registry.Result {
	out := r.core().Delete(ctx, level)
	r.cascade.Settle(level, out)
	for i := range out {
		out[i].Err = explain(out[i].Err)
	}
	return out
}

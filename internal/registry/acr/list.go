package acr

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// typeDockerImage is the one media type of a manifest that can refer to no other manifest.
const typeDockerImage = "application/vnd.docker.distribution.manifest.v2+json"

// perPage is how many manifests one answer lists at most.
const perPage = 1000

// listed is a manifest in the list.
type listed struct {
	Digest     oci.Digest `json:"digest"`
	Size       int64      `json:"imageSize"`
	Created    time.Time  `json:"createdTime"`
	MediaType  string     `json:"mediaType"`
	Tags       []string   `json:"tags"`
	Attributes struct {
		Delete *bool `json:"deleteEnabled"`
		Write  *bool `json:"writeEnabled"`
		List   *bool `json:"listEnabled"`
	} `json:"changeableAttributes"`
}

// maxPasses is how often a list is read that changes while it is read.
const maxPasses = 5

// entries is the repository's list for [distribution.Registry.Listed]: every manifest, tagged or not.
//
// A page begins after the last manifest of the one before. In the order of digests nothing that happens meanwhile moves a
// manifest over that border. Where a list of several pages has another order, it is read until two passes have seen the
// same.
func (r *repository) entries(ctx context.Context) ([]distribution.Entry, error) {
	var before []listed
	for range maxPasses {
		all, pages, err := r.pass(ctx)
		if err != nil {
			return nil, err
		}
		sorted := slices.IsSortedFunc(all, func(a, b listed) int { return cmp.Compare(a.Digest, b.Digest) })
		if pages == 1 || sorted || before != nil && slices.EqualFunc(before, all, same) {
			return r.put(all)
		}
		before = all
	}
	return nil, incomplete(fmt.Errorf("the list of the manifests of %s changes while it is read, %d times in a row; run again", r.path, maxPasses))
}

// same reports whether two passes have seen the same of a manifest.
func same(a, b listed) bool { return a.Digest == b.Digest && slices.Equal(a.Tags, b.Tags) }

// pass reads the list once.
func (r *repository) pass(ctx context.Context) (all []listed, pages int, err error) {
	first := fmt.Sprintf("/acr/v1/%s/_manifests?n=%d", r.path, perPage)
	_, err = r.registry.client.List(ctx, wire.Call{URL: first, Scopes: []string{"repository:" + r.path + ":pull,delete,metadata_read"}}, func(body []byte) ([]string, error) {
		var page struct {
			Manifests *[]listed `json:"manifests"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		if page.Manifests == nil {
			return nil, errors.New("it has no manifests")
		}
		var digests []string
		for _, m := range *page.Manifests {
			digests = append(digests, m.Digest.String())
		}
		all, pages = append(all, *page.Manifests...), pages+1
		return digests, nil
	})
	if errors.Is(err, registry.ErrNotFound) {
		err = registry.Advise(fmt.Errorf("list the manifests of %s: %w", r.path, err), registry.ErrUnknownRepository, registry.ErrUnknownRepository.Advice)
	}
	return all, pages, err
}

// put puts the entries together.
func (r *repository) put(all []listed) ([]distribution.Entry, error) {
	out := make([]distribution.Entry, 0, len(all))
	for _, m := range all {
		e, err := m.entry()
		if err != nil {
			return nil, incomplete(fmt.Errorf("the list of the manifests of %s: %w", r.path, err))
		}
		out = append(out, e)
	}
	return out, nil
}

// incomplete marks what was read and is not understood.
func incomplete(err error) error { return registry.Mark(err, registry.ErrIncomplete) }

// entry is what the list says of a manifest.
func (m listed) entry() (distribution.Entry, error) {
	if m.Size < 0 {
		return distribution.Entry{}, fmt.Errorf("%s has %d bytes, which cannot be", m.Digest, m.Size)
	}
	off := func(enabled *bool) bool { return enabled != nil && !*enabled }
	e := distribution.Entry{Digest: m.Digest, Tags: m.Tags, MediaType: m.MediaType, Size: m.Size, Pushed: m.Created.UTC(), Whole: m.MediaType == typeDockerImage}
	switch {
	case off(m.Attributes.Delete):
		e.Retained = "it is locked against deletion (deleteEnabled is false)"
	case off(m.Attributes.Write):
		e.Retained = "it is locked against writing (writeEnabled is false)"
	}
	return e, nil
}

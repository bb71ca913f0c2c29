package gar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// typeDockerImage is the one media type of a manifest that can refer to no other manifest.
const typeDockerImage = "application/vnd.docker.distribution.manifest.v2+json"

// listed is what the list has of a manifest. Google sends numbers as texts, and times both ways.
type listed struct {
	Size      number   `json:"imageSizeBytes"`
	MediaType string   `json:"mediaType"`
	Tags      []string `json:"tag"`
	Uploaded  number   `json:"timeUploadedMs"`
}

// number is a number, or a text that is one.
type number int64

// UnmarshalJSON reads both forms. Nothing, and null, is zero.
func (n *number) UnmarshalJSON(text []byte) error {
	s := strings.Trim(string(text), `"`)
	if s == "" || s == "null" {
		*n = 0
		return nil
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err == nil && i < 0 {
		err = errors.New("it is below zero")
	}
	if err != nil {
		return fmt.Errorf("the number %q: %w", s, err)
	}
	*n = number(i)
	return nil
}

// entries is the repository's list for [distribution.Registry.Listed]: every manifest, tagged or not.
func (r *repository) entries(ctx context.Context) ([]distribution.Entry, error) {
	all := map[oci.Digest]listed{}
	tags, err := r.registry.client.List(ctx, wire.Call{URL: "/v2/" + r.path + "/tags/list", Scopes: []string{"repository:" + r.path + ":pull,delete"}}, func(body []byte) ([]string, error) {
		var page struct {
			Manifests map[oci.Digest]listed `json:"manifest"`
			Tags      []string              `json:"tags"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		if page.Manifests == nil || page.Tags == nil && hasTags(page.Manifests) {
			return nil, errors.New(`it has no "manifest", which Google's list has`)
		}
		maps.Copy(all, page.Manifests)
		return page.Tags, nil
	})
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return nil, registry.Advise(fmt.Errorf("list the tags of %s: %w", r.path, err), registry.ErrUnknownRepository, hintUnknown)
	case err != nil:
		return nil, advise(err)
	}
	return r.put(all, tags)
}

func hasTags(manifests map[oci.Digest]listed) bool {
	for _, m := range manifests {
		if len(m.Tags) > 0 {
			return true
		}
	}
	return false
}

// put puts the entries together. The list has the tags twice, and both must say the same.
func (r *repository) put(all map[oci.Digest]listed, tags []string) ([]distribution.Entry, error) {
	left := map[string]bool{}
	for _, t := range tags {
		left[t] = true
	}
	out := make([]distribution.Entry, 0, len(all))
	for _, d := range slices.Sorted(maps.Keys(all)) {
		m := all[d]
		for _, t := range m.Tags {
			if !left[t] {
				return nil, registry.Mark(fmt.Errorf("the list of %s has the tag %q at %s, and not among its tags, or twice; run again", r.path, t, d), registry.ErrIncomplete)
			}
			delete(left, t)
		}
		e := distribution.Entry{Digest: d, Tags: m.Tags, MediaType: m.MediaType, Size: int64(m.Size), Whole: m.MediaType == typeDockerImage}
		if m.Uploaded > 0 {
			e.Pushed = time.UnixMilli(int64(m.Uploaded)).UTC()
		}
		out = append(out, e)
	}
	for _, t := range slices.Sorted(maps.Keys(left)) {
		return nil, registry.Mark(fmt.Errorf("the list of %s has the tag %q at no manifest; run again", r.path, t), registry.ErrIncomplete)
	}
	return out, nil
}

package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// errNoDatabase is returned where the registry has no list of its own.
var errNoDatabase = errors.New("the registry has no metadata database")

// tag is a tag in the list (https://gitlab.com/gitlab-org/container-registry/-/blob/master/docs/spec/gitlab/api.md, "List
// Repository Tags"). Times are in ISO 8601; published_at is there since 2023.
type tag struct {
	Name        string     `json:"name"`
	Digest      oci.Digest `json:"digest"`
	MediaType   string     `json:"media_type"`
	SizeBytes   int64      `json:"size_bytes"`
	CreatedAt   string     `json:"created_at"`
	UpdatedAt   string     `json:"updated_at"`
	PublishedAt string     `json:"published_at"`
}

// typeDockerImage can refer to no other manifest (docker's image manifest version 2, schema 2).
const typeDockerImage = "application/vnd.docker.distribution.manifest.v2+json"

// list reads GitLab's own list, 1000 tags a request, which is the most that it allows. Its path ends with a slash: without
// it GitLab redirects.
func (r *repository) list(ctx context.Context) ([]distribution.Entry, error) {
	var all []tag
	first := "/gitlab/v1/repositories/" + r.path + "/tags/list/?n=1000"
	_, err := r.registry.client.List(ctx, wire.Call{URL: first, Scopes: []string{"repository:" + r.path + ":pull,delete"}}, func(body []byte) ([]string, error) {
		var page []tag
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		if page == nil {
			return nil, errors.New("it is null")
		}
		var names []string
		for _, t := range page {
			names = append(names, t.Name)
		}
		all = append(all, page...)
		return names, nil
	})
	var answer *registry.Error
	switch {
	case errors.As(err, &answer) && answer.Status == http.StatusNotFound && answer.Code == "":
		return nil, fmt.Errorf("%w: %w", errNoDatabase, err)
	case errors.Is(err, registry.ErrNotFound):
		return nil, fmt.Errorf("%w: %w", registry.ErrUnknownRepository, err)
	case err != nil:
		return nil, err
	}
	return r.entriesOf(all)
}

// entriesOf puts the tags of each manifest together.
func (r *repository) entriesOf(tags []tag) ([]distribution.Entry, error) {
	var out []distribution.Entry
	at := map[oci.Digest]int{}
	seen := map[tag]bool{}
	for _, t := range tags {
		pushed, err := t.pushed()
		if err != nil {
			return nil, registry.Mark(fmt.Errorf("the registry's list says of the tag %q: %w", t.Name, err), registry.ErrIncomplete)
		}
		if seen[t] {
			continue
		}
		seen[t] = true
		i, known := at[t.Digest]
		if !known {
			i = len(out)
			at[t.Digest] = i
			out = append(out, distribution.Entry{
				Digest: t.Digest, MediaType: t.MediaType, Size: t.SizeBytes, Whole: t.MediaType == typeDockerImage,
			})
		}
		out[i].Tags = append(out[i].Tags, t.Name)
		if r.registry.protected.has(r.path, t.Name) {
			out[i].Retained = fmt.Sprintf("its tag %s is protected in GitLab", t.Name)
		}
		if pushed.After(out[i].Pushed) { // an image is as young as its youngest tag
			out[i].Pushed = pushed
		}
	}
	return out, nil
}

// pushed is when the tag was pushed the last time: published_at, which is the later one of the other two.
func (t tag) pushed() (latest time.Time, err error) {
	for _, text := range []string{t.PublishedAt, t.CreatedAt, t.UpdatedAt} {
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return time.Time{}, fmt.Errorf("its time is not understood: %w", err)
		}
		if at.After(latest) {
			latest = at
		}
	}
	return latest, nil
}

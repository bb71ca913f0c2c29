package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// scopes is what a token is asked for: exactly what this client needs. Asking for more, such as push, makes GitLab
// refuse the whole token for a protected repository.
func (r *Repository) scopes() []string {
	return []string{"repository:" + r.name.Path + ":pull,delete"}
}

// tags lists all tags of the repository in natural order, each once. An empty list, as null or [], is no error.
func (r *Repository) tags(ctx context.Context) ([]string, error) {
	tags, err := r.client.List(ctx, "/v2/"+r.name.Path+"/tags/list", r.scopes(), func(body []byte) ([]string, error) {
		var page struct {
			Tags *[]string `json:"tags"`
		}
		err := json.Unmarshal(body, &page)
		if err == nil && page.Tags == nil && !strings.Contains(string(body), `"tags"`) {
			err = errors.New(`it has no "tags"`)
		}
		if err != nil || page.Tags == nil {
			return nil, err
		}
		return *page.Tags, nil
	})
	if err != nil {
		return nil, notFound(err, registry.ErrUnknownRepository)
	}
	for _, t := range tags {
		if !oci.ValidTag(t) { // it would become part of a URL
			return nil, incomplete(fmt.Errorf("list tags: the registry lists %q, which is not a tag", t))
		}
	}
	slices.SortFunc(tags, oci.NaturalCompare)
	return tags, nil
}

// Catalog lists the paths of all repositories in natural order. It includes repositories that are empty.
func (r *Registry) Catalog(ctx context.Context) ([]string, error) {
	paths, err := r.client.List(ctx, "/v2/_catalog", []string{"registry:catalog:*"}, func(body []byte) ([]string, error) {
		var page struct {
			Repositories []string `json:"repositories"`
		}
		err := json.Unmarshal(body, &page)
		return page.Repositories, err
	})
	var answer *registry.Error
	if errors.As(err, &answer) && answer.Status != http.StatusUnauthorized && answer.Status < http.StatusInternalServerError {
		err = registry.Mark(err, registry.ErrNoCatalog)
	}
	slices.SortFunc(paths, oci.NaturalCompare)
	return paths, err
}

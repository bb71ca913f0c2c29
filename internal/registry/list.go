package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

const (
	// maxListPage bounds one page of a listing: distribution 2.x sends all tags in one, each at most 128 bytes long.
	maxListPage = 64 << 20
	// maxIdlePages is how many pages in a row may bring nothing new before the listing counts as a loop. Distribution
	// 3.1 ends an exact multiple of the page size with one empty page.
	maxIdlePages = 8
)

// Repository is one repository of a registry.
type Repository struct {
	client      *Client
	name        oci.Repository
	placeholder []byte // the manifest that Retag points tags at
}

// Repository returns the repository with the path; nothing is sent.
func (c *Client) Repository(path string) *Repository {
	return &Repository{client: c, name: oci.Repository{Host: c.host, Path: path}}
}

// scopes is what a token is asked for: exactly what this client needs. Asking for more, such as push, makes GitLab
// refuse the whole token for a protected repository.
func (r *Repository) scopes() []string {
	return []string{"repository:" + r.name.Path + ":pull,delete"}
}

// tags lists all tags of the repository in natural order, each once. An empty list, as null or [], is no error.
func (r *Repository) tags(ctx context.Context) ([]string, error) {
	tags, err := r.client.list(ctx, "/v2/"+r.name.Path+"/tags/list", r.scopes(), func(body []byte) ([]string, error) {
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
		return nil, notFound(err, ErrUnknownRepository)
	}
	for _, t := range tags {
		if !oci.ValidTag(t) { // it would become part of a URL
			return nil, incomplete(fmt.Errorf("list tags: the registry lists %q, which is no tag", t))
		}
	}
	slices.SortFunc(tags, oci.NaturalCompare)
	return tags, nil
}

// Catalog lists the paths of all repositories in natural order. It includes repositories that are empty.
func (c *Client) Catalog(ctx context.Context) ([]string, error) {
	paths, err := c.list(ctx, "/v2/_catalog", []string{"registry:catalog:*"}, func(body []byte) ([]string, error) {
		var page struct {
			Repositories []string `json:"repositories"`
		}
		err := json.Unmarshal(body, &page)
		return page.Repositories, err
	})
	var answer *Error
	if errors.As(err, &answer) && answer.Status != http.StatusUnauthorized && answer.Status < http.StatusInternalServerError {
		err = mark(err, ErrNoCatalog)
	}
	slices.SortFunc(paths, oci.NaturalCompare)
	return paths, err
}

// list follows a paged listing to its end, by Link headers alone (OCI distribution-spec v1.1, "Listing Tags"):
// distribution 2.x ignores n and last, and a client that makes them up never ends. A page that was already read, a
// host other than the registry's and a listing that brings nothing new are errors, never the end: a list that is not
// whole hides images that others depend on.
func (c *Client) list(ctx context.Context, first string, scopes []string, items func([]byte) ([]string, error)) ([]string, error) {
	var all []string
	known, pages := map[string]bool{}, map[string]bool{}
	idle := 0
	for next := first; next != ""; {
		if pages[next] {
			return nil, incomplete(fmt.Errorf("list %s: page %s comes again, the listing has no end", first, next))
		}
		pages[next] = true
		r, err := c.do(ctx, call{method: http.MethodGet, url: next, scopes: scopes, limit: maxListPage})
		if err != nil {
			return nil, err
		}
		page, err := items(r.body)
		if err != nil {
			return nil, incomplete(fmt.Errorf("GET %s: the answer is no list: %w", redact(r.url), err))
		}
		idle++
		for _, item := range page {
			if !known[item] {
				known[item], idle = true, 0
				all = append(all, item)
			}
		}
		if idle > maxIdlePages {
			return nil, incomplete(fmt.Errorf("list %s: %d pages in a row bring nothing new, the listing has no end", first, idle))
		}
		if next, err = nextPage(r.url, r.header); err != nil {
			return nil, incomplete(fmt.Errorf("list %s: %w", first, err))
		}
	}
	return all, nil
}

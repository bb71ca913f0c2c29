package distribution

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// scopes is what a token is asked for: exactly what this client needs. Asking for more, such as push, makes GitLab
// refuse the whole token for a protected repository.
func (r *Repository) scopes() []string {
	return []string{"repository:" + r.name.Path + ":pull,delete"}
}

// tags lists all tags of the repository in natural order, each once. An empty list, as null or [], is no error. What cannot
// be a tag is in odd: a manifest cannot be asked for by such a name, so nothing can depend on it.
func (r *Repository) tags(ctx context.Context) (tags, odd []string, err error) {
	names, err := r.client.List(ctx, wire.Call{URL: "/v2/" + r.name.Path + "/tags/list", Scopes: r.scopes()}, func(body []byte) ([]string, error) {
		var page struct {
			Tags *[]string `json:"tags"`
		}
		err := decodeStrict(body, &page, tagsShape)
		if err == nil && page.Tags == nil && !bytes.Contains(body, []byte(`"tags"`)) {
			err = errors.New(`it has no "tags"`)
		}
		if err != nil || page.Tags == nil {
			return nil, err
		}
		return *page.Tags, nil
	})
	if err != nil {
		return nil, nil, notFound(err, registry.ErrUnknownRepository)
	}
	for _, n := range names {
		if oci.ValidTag(n) {
			tags = append(tags, n)
		} else {
			odd = append(odd, n) // it would become part of a URL
		}
	}
	slices.SortFunc(tags, oci.NaturalCompare)
	return tags, odd, nil
}

// The shapes of the pages of both listings.
var (
	tagsShape    = &shape{names: [][]byte{[]byte("tags")}, fields: []*shape{nil}}
	catalogShape = &shape{names: [][]byte{[]byte("repositories")}, fields: []*shape{nil}}
)

// warnOdd warns of listed names that cannot be tags, such as the folders that a network storage puts next to the
// registry's own. When distribution 2.8 or 3.1 deletes a manifest, it looks at each folder for its tags, and its filesystem
// driver refuses a path with such a name: the manifest is deleted, its tags stay listed, and the answer is 500.
func warnOdd(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	some := names[:min(len(names), 3)]
	for i, n := range some {
		some[i] = strconv.Quote(n)
		if len(n) > 128 { // the longest tag
			some[i] = strconv.Quote(n[:128]) + " …"
		}
	}
	return []string{fmt.Sprintf("the registry lists %s, which cannot be a tag (%d such names in all); it is skipped; if this is a folder in the registry's storage, remove it, because next to it the registry deletes images and leaves their tags", strings.Join(some, ", "), len(names))}
}

// Catalog lists the paths of all repositories in natural order. It includes repositories that are empty.
func (r *Registry) Catalog(ctx context.Context) ([]string, error) {
	paths, err := r.client.List(ctx, wire.Call{URL: "/v2/_catalog", Scopes: []string{"registry:catalog:*"}}, func(body []byte) ([]string, error) {
		var page struct {
			Repositories []string `json:"repositories"`
		}
		err := decodeStrict(body, &page, catalogShape)
		return page.Repositories, err
	})
	var answer *registry.Error
	if errors.As(err, &answer) && answer.Status != http.StatusUnauthorized && answer.Status < http.StatusInternalServerError {
		err = registry.Mark(err, registry.ErrNoCatalog)
	}
	slices.SortFunc(paths, oci.NaturalCompare)
	return paths, r.client.HideIn(err)
}

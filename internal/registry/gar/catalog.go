package gar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

const (
	// maxBranches is how many paths are asked for what is below them.
	maxBranches = 10_000
	// maxList bounds one answer, which has every manifest of a repository.
	maxList = 64 << 20
)

// CatalogBelow lists the repositories below a path, such as a project: the list of tags of each path names what is one
// level below.
func (r *Registry) CatalogBelow(ctx context.Context, parent string) ([]string, error) {
	var out []string
	next := []string{parent}
	for asked := 0; len(next) > 0; {
		if asked += len(next); asked > maxBranches {
			return nil, registry.Mark(fmt.Errorf("list what is below %s: there are more than %d paths", parent, maxBranches), registry.ErrIncomplete)
		}
		found := make([]branch, len(next))
		err := r.client.Each(ctx, len(next), func(ctx context.Context, i int) (err error) {
			found[i], err = r.branch(ctx, next[i])
			return err
		})
		if errors.Is(err, registry.ErrNotFound) {
			return nil, registry.Advise(err, registry.ErrNoCatalog, hintUnknown)
		}
		if err != nil {
			return nil, advise(err)
		}
		var below []string
		for i, b := range found {
			if b.holds {
				out = append(out, next[i])
			}
			for _, c := range b.children {
				below = append(below, next[i]+"/"+c)
			}
		}
		next = below
	}
	slices.SortFunc(out, oci.NaturalCompare)
	return out, nil
}

// branch is a path, which can be a repository and have others below it.
type branch struct {
	holds    bool
	children []string
}

var childName = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*$`)

func (r *Registry) branch(ctx context.Context, path string) (branch, error) {
	reply, err := r.client.Do(ctx, wire.Call{
		Method: http.MethodGet, URL: "/v2/" + path + "/tags/list", Scopes: []string{"repository:" + path + ":pull"}, Limit: maxList,
	})
	if err != nil {
		return branch{}, err
	}
	var page struct {
		Children  *[]string           `json:"child"`
		Manifests map[string]struct{} `json:"manifest"`
	}
	if err := json.Unmarshal(reply.Body, &page); err != nil || page.Children == nil {
		return branch{}, registry.Mark(fmt.Errorf("GET %s: the answer does not say what is below", wire.Redact(reply.URL)), registry.ErrIncomplete)
	}
	for _, c := range *page.Children {
		if !childName.MatchString(c) { // it would become part of a URL
			return branch{}, registry.Mark(fmt.Errorf("GET %s: it lists %q, which cannot be a part of a name", wire.Redact(reply.URL), c), registry.ErrIncomplete)
		}
	}
	return branch{len(page.Manifests) > 0, *page.Children}, nil
}

package run

import (
	"context"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// ErrNoMatch is returned for a pattern of repositories that matches none of the catalog.
var ErrNoMatch error = noMatch{}

type noMatch struct{}

func (noMatch) Error() string { return "no repository in the registry's catalog matches the pattern" }

// Hint says what the stars match.
func (noMatch) Hint() string {
	return "* matches any text without a slash, and ** matches any text: host/** is every repository"
}

// expand returns the repositories that a name stands for. Names in the catalog that cannot be repositories are left out,
// with a [CatalogSkipped]: nothing can be asked for by such a name.
func (w World) expand(ctx context.Context, name oci.Repository) ([]oci.Repository, error) {
	if !name.IsPattern() {
		return []oci.Repository{name}, nil
	}
	client, err := w.Open(name.Host)
	if err != nil {
		return nil, err
	}
	paths, err := catalog(ctx, client, name.Path)
	if err != nil {
		return nil, err
	}
	var out []oci.Repository
	var odd []string
	for _, path := range paths {
		if !name.Matches(path) {
			continue
		}
		found, err := oci.ParseReference(name.Host + "/" + path) // it becomes part of URLs
		if err != nil || found.Tag != "" || found.Digest != "" || found.IsPattern() {
			odd = append(odd, path)
			continue
		}
		out = append(out, found.Repository)
	}
	if len(odd) > 0 {
		w.tell(CatalogSkipped{name.Host, odd})
	}
	if len(out) == 0 {
		return nil, ErrNoMatch
	}
	return out, nil
}

// catalog lists the repositories that a pattern can match, of a registry that lists them by branches those of one branch.
func catalog(ctx context.Context, client registry.Registry, pattern string) ([]string, error) {
	fixed, _, _ := strings.Cut(pattern, "*")
	i := strings.LastIndex(fixed, "/")
	if b, can := client.(registry.Brancher); can && i > 0 {
		return b.CatalogBelow(ctx, fixed[:i])
	}
	return client.Catalog(ctx)
}

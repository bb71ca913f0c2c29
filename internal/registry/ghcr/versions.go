package ghcr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

const (
	// perPage is the most versions that a page has.
	perPage = 100
	// maxPage bounds a page in bytes: 100 versions with a thousand tags each.
	maxPage = 32 << 20
)

// version is a manifest of a package, as the API lists it. It has neither a media type nor a size.
type version struct {
	id      int64
	digest  oci.Digest
	tags    []string
	created time.Time // when the manifest was pushed for the first time
}

// pkg is one package of the API.
type pkg struct {
	api         *api
	owner, name string

	mu    sync.Mutex
	ids   map[oci.Digest]int64 // by the latest list; nil before it
	pages int                  // of it
}

// newPackage returns the package of a repository: the first part of its path is the owner.
func newPackage(a *api, path string) *pkg {
	owner, name, _ := strings.Cut(path, "/")
	return &pkg{api: a, owner: owner, name: name}
}

// url returns the path of the package's versions below an owner of a kind, "orgs" or "users". The name is one part of the
// path, whatever slashes it has.
func (p *pkg) url(owners string) string {
	return p.api.prefix + "/" + owners + "/" + url.PathEscape(p.owner) + "/packages/container/" + url.PathEscape(p.name) + "/versions"
}

// versions returns the path of the package's versions, once it is known what the owner is.
func (p *pkg) versions() string { return p.url(p.api.ownersOf(p.owner)) }

// ownersOf returns what an owner is, "" when that is not known.
func (a *api) ownersOf(owner string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.owners[owner]
}

func (a *api) noteOwners(owner, owners string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.owners[owner] = owners
}

// first reads the first page of the list, and finds out what the owner is: an organization's packages are below /orgs, a
// user's below /users, and each answers 404 to the other.
func (p *pkg) first(ctx context.Context) (page, error) {
	if p.name == "" {
		return page{}, &problem{fmt.Errorf("%s names no package", p.owner), registry.ErrUnknownRepository, "name the owner and the package: OWNER/PACKAGE"}
	}
	kinds := []string{"orgs", "users"}
	if known := p.api.ownersOf(p.owner); known != "" {
		kinds = []string{known}
	}
	var err error
	for _, owners := range kinds {
		var got page
		got, err = p.page(ctx, fmt.Sprintf("%s?per_page=%d&page=1&state=active", p.url(owners), perPage))
		if err == nil {
			p.api.noteOwners(p.owner, owners)
			return got, nil
		}
		if !isNotFound(err) {
			return page{}, err
		}
	}
	return page{}, &problem{err, registry.ErrUnknownRepository, hintUnknown}
}

// page is a page of the list.
type page struct {
	versions []version
	reply    wire.Reply
	next     string // "" for the last one
}

// page reads a page. What is not a list of versions is [registry.ErrIncomplete], as is a list that a limit cuts short.
func (p *pkg) page(ctx context.Context, at string) (page, error) {
	r, err := p.api.call(ctx, wire.Call{Method: http.MethodGet, URL: at, Limit: maxPage}, 0)
	if errors.Is(err, registry.ErrLimited) {
		err = registry.Mark(err, registry.ErrIncomplete)
	}
	if err != nil {
		return page{}, p.api.explain(doingList, err)
	}
	versions, err := parseVersions(r.Body)
	if err != nil {
		return page{}, incomplete(fmt.Errorf("GET %s: the answer is not a list of versions: %w", wire.Redact(r.URL), err))
	}
	next, err := wire.Next(r)
	if err != nil {
		return page{}, incomplete(fmt.Errorf("GET %s: %w", wire.Redact(r.URL), err))
	}
	return page{versions, r, next}, nil
}

// parseVersions reads a page (the schema package-version of the API's description). What a deletion depends on has to be
// there: an absent list of tags is not an empty one.
func parseVersions(body []byte) ([]version, error) {
	var items []struct {
		ID       int64  `json:"id"`
		Name     string `json:"name"`
		Created  string `json:"created_at"`
		Metadata struct {
			Container struct {
				Tags *[]string `json:"tags"`
			} `json:"container"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(body, &items); err != nil {
		return nil, err
	}
	if items == nil {
		return nil, errors.New("it is null")
	}
	out := make([]version, 0, len(items))
	for _, i := range items {
		v := version{id: i.ID, digest: oci.Digest(i.Name)}
		switch {
		case i.ID <= 0:
			return nil, fmt.Errorf("a version has the id %d", i.ID)
		case i.Metadata.Container.Tags == nil:
			return nil, fmt.Errorf("version %d has no list of tags", i.ID)
		case v.digest.Validate() != nil:
			return nil, fmt.Errorf("version %d has the name %q, which is not a digest", i.ID, i.Name)
		}
		v.tags = *i.Metadata.Container.Tags
		if i.Created != "" {
			var err error
			if v.created, err = time.Parse(time.RFC3339, i.Created); err != nil {
				return nil, fmt.Errorf("version %d: %w", i.ID, err)
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// incomplete marks what was read and is not understood.
func incomplete(err error) error { return registry.Mark(err, registry.ErrIncomplete) }

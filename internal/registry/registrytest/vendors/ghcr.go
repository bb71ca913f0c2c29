package vendors

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// GHCROptions say which GitHub the fake is, who may do what there, and how it misbehaves. The zero value is github.com
// with private packages, and one classic token, [GHCRAll], that may do everything.
type GHCROptions struct {
	// Server is the host of a GitHub Enterprise Server, such as "github.example.com", or of a data residency, such as
	// "acme.ghe.com"; "" is github.com.
	Server string
	// Users are the owners (first segments of paths) that are accounts of users. All others are organizations.
	Users []string
	// Tokens are the tokens that the service knows; none is GHCRAll.
	Tokens []GHCRToken
	// Public makes all packages public.
	Public bool
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time

	// Limits bound the requests of the Packages API.
	Limits GHCRLimits

	// StaleReads is how many lists of a package still show a version after it was deleted.
	StaleReads int
	// RedirectDeletes answers 301 to a DELETE under /orgs and /users, as to a renamed owner. The same DELETE under
	// /organizations/{id}, where the answer leads, works. A client that follows the answer sends GET there.
	RedirectDeletes bool
	// OrganizationLinks makes the next links of organizations lead to /organizations/{id} (unverified).
	OrganizationLinks bool
	// ForeignLinks makes the next links lead to this host; "" is the host that was asked.
	ForeignLinks string
}

// GHCRVersion is a version of a package: a manifest with its tags.
type GHCRVersion struct {
	ID      int64
	Digest  oci.Digest
	Tags    []string // sorted
	Created time.Time
	// Updated is Created, or later when a tag was pushed to the version.
	Updated time.Time
}

// GHCR is a fake of GitHub's container registry and of its Packages API
// (https://docs.github.com/rest/packages/packages).
type GHCR struct {
	*registrytest.Registry
	*Routes
	*Books
	opts  GHCROptions
	hosts ghcrHosts

	mu       sync.Mutex
	lastID   int64
	packages map[string]*ghcrPackage
	tokens   map[string]*ghcrLogin  // by secret
	bearers  map[string]*ghcrBearer // what /token handed out
	limits   ghcrUse
}

// ghcrHosts are where a GitHub is.
type ghcrHosts struct {
	registry, api, web, blobs string
	prefix                    string // of the API's paths
}

// ghcrPackage is what the service knows of a package in addition to its manifests.
type ghcrPackage struct {
	versions map[oci.Digest]*GHCRVersion
	popular  map[oci.Digest]bool
	deleted  []GHCRVersion
	stale    []*ghcrStale
}

// ghcrStale is a deleted version that lists still show.
type ghcrStale struct {
	version GHCRVersion
	reads   int // left
}

// NewGHCR starts a fake that is stopped when the test ends.
func NewGHCR(t testing.TB, o GHCROptions) *GHCR {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tokens == nil {
		o.Tokens = []GHCRToken{{Secret: GHCRAll, Login: "octocat", Scopes: []string{"write:packages", "read:packages", "delete:packages"}}}
	}
	f := &GHCR{
		Books: &Books{}, opts: o, hosts: newGHCRHosts(o.Server), lastID: 836500,
		packages: map[string]*ghcrPackage{}, tokens: map[string]*ghcrLogin{}, bearers: map[string]*ghcrBearer{},
		limits: ghcrUse{quota: map[string]*ghcrWindow{}},
	}
	for _, tok := range o.Tokens {
		f.tokens[tok.Secret] = &ghcrLogin{GHCRToken: tok}
	}
	f.Routes = newRoutes(t, f.hosts.registry, f.hosts.api, f.hosts.blobs)
	f.Registry = registrytest.New(t, registrytest.Options{Front: f.front, Now: o.Now})
	f.to(f.Registry.Host())
	return f
}

// newGHCRHosts returns the hosts of a GitHub. A server has its registry at containers.HOST only with subdomain isolation
// (https://docs.github.com/enterprise-server/packages). Where a server keeps its blobs, and the hosts of a data
// residency, are unverified.
func newGHCRHosts(server string) ghcrHosts {
	switch {
	case server == "":
		return ghcrHosts{registry: "ghcr.io", api: "api.github.com", web: "github.com", blobs: "pkg-containers.githubusercontent.com"}
	case strings.HasSuffix(server, ".ghe.com"):
		return ghcrHosts{registry: "containers." + server, api: "api." + server, web: server, blobs: "pkg-containers." + server}
	}
	return ghcrHosts{registry: "containers." + server, api: server, web: server, blobs: "media." + server, prefix: "/api/v3"}
}

// APIURL is the address of the Packages API on loopback, as GITHUB_API_URL has it.
func (f *GHCR) APIURL() string { return f.URL() + f.hosts.prefix }

// Versions returns the versions of a package as they are now, newest first. The path has the owner, such as
// "acme/team/app".
func (f *GHCR) Versions(path string) []GHCRVersion {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.versions(path)
}

// SetPopular gives a version more downloads than the 5,000 that a public version may have to be deleted.
func (f *GHCR) SetPopular(path string, d oci.Digest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pkg(path).popular[d] = true
}

// front answers everything but what the registry itself answers to a request that has passed the door.
func (f *GHCR) front(next http.Handler) http.Handler {
	return f.remembering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, path := strings.ToLower(r.Host), r.URL.Path
		local := isLoopback(host)
		inRegistry := path == "/token" || path == "/v2" || strings.HasPrefix(path, "/v2/")
		switch {
		case f.blobs().serves(r):
			f.blobs().serve(w, r, next)
		case inRegistry && (local || host == f.hosts.registry):
			f.serveRegistry(w, r, next)
		case !inRegistry && (local || host == f.hosts.api):
			f.serveAPI(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
}

func (f *GHCR) blobs() blobStore { return blobStore{host: f.hosts.blobs, path: "/ghcr1/blobs/"} }

// pkg returns what is known of a package. The caller holds f.mu.
func (f *GHCR) pkg(path string) *ghcrPackage {
	p, ok := f.packages[path]
	if !ok {
		p = &ghcrPackage{versions: map[oci.Digest]*GHCRVersion{}, popular: map[oci.Digest]bool{}}
		f.packages[path] = p
	}
	return p
}

// versions compares what is known with what the registry has, gives new manifests their numbers in the order of their
// pushes, and returns all, newest first. The caller holds f.mu.
func (f *GHCR) versions(path string) []GHCRVersion {
	p := f.pkg(path)
	tags := map[oci.Digest][]string{}
	touched := map[oci.Digest]time.Time{}
	for tag, d := range f.Tags(path) {
		tags[d] = append(tags[d], tag)
		if at, ok := f.TagPushed(path, tag); ok && at.After(touched[d]) {
			touched[d] = at
		}
	}
	var fresh []*GHCRVersion
	there := map[oci.Digest]bool{}
	for _, d := range f.Manifests(path) {
		m, ok := f.Manifest(path, d)
		if !ok {
			continue // removed since it was listed
		}
		there[d] = true
		if v := p.versions[d]; v == nil || !v.Created.Equal(m.Pushed) {
			p.versions[d] = &GHCRVersion{Digest: d, Created: m.Pushed, Updated: m.Pushed}
			fresh = append(fresh, p.versions[d])
		}
	}
	slices.SortFunc(fresh, func(a, b *GHCRVersion) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Digest, b.Digest))
	})
	for _, v := range fresh {
		f.lastID++
		v.ID = f.lastID
	}
	var out []GHCRVersion
	for d, v := range p.versions {
		if !there[d] {
			delete(p.versions, d)
			continue
		}
		v.Tags = slices.Sorted(slices.Values(tags[d]))
		if touched[d].After(v.Updated) {
			v.Updated = touched[d]
		}
		out = append(out, *v)
	}
	slices.SortFunc(out, newestFirst)
	return out
}

func newestFirst(a, b GHCRVersion) int {
	return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
}

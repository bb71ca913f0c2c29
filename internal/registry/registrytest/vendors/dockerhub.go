package vendors

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// The hosts of Docker Hub. Where it keeps blobs is unverified.
const (
	hubRegistry = "registry-1.docker.io"
	hubIndex    = "index.docker.io" // answers as the registry does (unverified)
	hubAuth     = "auth.docker.io"
	hubAPI      = "hub.docker.com"
	hubBlobs    = "production.cloudflare.docker.com"
)

// DockerHubOptions say who may do what, and how the fake misbehaves. The zero value has private repositories, and one
// access token, [HubAll] of the account "acme", that may do everything.
type DockerHubOptions struct {
	// Tokens are the access tokens and passwords that the service knows; none is HubAll.
	Tokens []HubToken
	// Public makes all repositories public.
	Public bool
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
	// Limits bound the requests.
	Limits HubLimits

	// OldTags are tags that the list shows with the documented keys alone, without digest, media_type and content_type.
	OldTags []string
	// Immutable are tags that can be neither deleted nor overwritten.
	Immutable []string
	// StaleReads is how many lists still show a tag after it was deleted.
	StaleReads int
	// TagFailures is how many deletions of tags answer 500 and do nothing
	// (https://github.com/docker/hub-feedback/issues/2398).
	TagFailures int
	// SlowDeletes is how many deletions of manifests answer 500 and finish by themselves.
	SlowDeletes int
	// SlowReads is how many requests for the manifest a slow deletion lasts.
	SlowReads int
	// NoManifestDeletes answers 405 to deletions in the registry, as the service did before May 2025.
	NoManifestDeletes bool
	// RegistryTagDeletes lets the registry delete a tag as well; without it, it takes digests alone (unverified).
	RegistryTagDeletes bool
	// NoTokenTagDeletes refuses the deletion of a tag in the API to a login by access token, also to one from
	// /v2/auth/token. Which of the two the service does is unverified.
	NoTokenTagDeletes bool
	// DeniedStatus answers a deletion of a tag by somebody who is not an administrator: 403, or 405 as in old times; 0 is
	// 403.
	DeniedStatus int
}

// HubImage is a manifest of a repository.
type HubImage struct {
	Digest oci.Digest
	Tags   []string // sorted
	Pushed time.Time
}

// DockerHub is a fake of Docker Hub: of its registry, its token server, and its API
// (https://docs.docker.com/reference/api/hub/latest/, https://docs.docker.com/reference/api/registry/latest/).
type DockerHub struct {
	*registrytest.Registry
	*Routes
	*Books
	opts  DockerHubOptions
	blobs blobStore

	mu      sync.Mutex
	logins  []HubLogin
	jwts    map[string]*hubJWT
	bearers map[string]*hubBearer
	stale   []*hubStale
	slow    map[hubManifest]int // reads that are left, by what is being deleted
	failed  int                 // deletions of tags
	slowed  int                 // deletions of manifests
	use     hubUse
}

// hubManifest names a manifest.
type hubManifest struct {
	path string
	d    oci.Digest
}

// hubStale is a deleted tag that lists still show.
type hubStale struct {
	path  string
	tag   hubTag
	reads int // left
}

// NewDockerHub starts a fake that is stopped when the test ends.
func NewDockerHub(t testing.TB, o DockerHubOptions) *DockerHub {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tokens == nil {
		o.Tokens = []HubToken{{User: "acme", Secret: HubAll}}
	}
	f := &DockerHub{
		Books: &Books{}, opts: o, blobs: blobStore{host: hubBlobs, path: "/registry-v2/blobs/"},
		jwts: map[string]*hubJWT{}, bearers: map[string]*hubBearer{}, slow: map[hubManifest]int{},
		use: hubUse{api: map[string]*hubWindow{}, pulls: map[string]*hubWindow{}},
	}
	f.Routes = newRoutes(t, hubRegistry, hubIndex, hubAuth, hubAPI, hubBlobs)
	f.Registry = registrytest.New(t, registrytest.Options{Front: f.front, Now: o.Now})
	f.to(f.Registry.Host())
	return f
}

// Images returns the manifests of a repository as they are now, tagged or not, sorted by digest. A manifest whose
// deletion has not finished is among them.
func (f *DockerHub) Images(path string) []HubImage {
	tags := map[oci.Digest][]string{}
	for tag, d := range f.Tags(path) {
		tags[d] = append(tags[d], tag)
	}
	var out []HubImage
	for _, d := range f.Manifests(path) {
		if m, ok := f.Manifest(path, d); ok {
			out = append(out, HubImage{Digest: d, Tags: slices.Sorted(slices.Values(tags[d])), Pushed: m.Pushed})
		}
	}
	return out
}

// front parts the requests by host, and on loopback by path: what the API has below /v2/ is never a path of the
// distribution API.
func (f *DockerHub) front(next http.Handler) http.Handler {
	return f.remembering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, path := r.Host, r.URL.Path
		local := isLoopback(host)
		inAPI := slices.ContainsFunc([]string{"/v2/namespaces/", "/v2/repositories/", "/v2/auth/token", "/v2/users/"}, func(prefix string) bool {
			return strings.HasPrefix(path, prefix)
		})
		switch {
		case f.blobs.serves(r):
			f.blobs.serve(w, r, next)
		case path == "/token" && (local || host == hubAuth):
			f.serveToken(w, r)
		case host == hubAPI, local && inAPI:
			f.serveAPI(w, r)
		case strings.HasPrefix(path, "/v2/") && (local || host == hubRegistry || host == hubIndex):
			f.serveRegistry(w, r, next)
		default:
			http.NotFound(w, r)
		}
	}))
}

// hubContent is what the service reads in a manifest.
type hubContent struct {
	MediaType string
	Config    struct {
		MediaType string
		Size      int64
	}
	Layers    []struct{ Size int64 }
	Manifests []struct {
		Digest   oci.Digest
		Platform struct{ OS, Architecture, Variant string }
	}
	Subject struct{ Digest oci.Digest }
}

// content returns what a manifest has, nothing for one that is not there.
func (f *DockerHub) content(path string, d oci.Digest) (c hubContent) {
	if m, ok := f.Manifest(path, d); ok {
		_ = json.Unmarshal(m.Body, &c) // what does not parse refers to nothing
		c.MediaType = cmp.Or(c.MediaType, m.MediaType)
	}
	return c
}

// size is the sum of an image's config and layers.
func (c hubContent) size() int64 {
	sum := c.Config.Size
	for _, l := range c.Layers {
		sum += l.Size
	}
	return sum
}

// used reports what still needs a manifest: a tag, an index, or an image that names it as its subject. Whether the
// service looks at subjects is unverified.
func (f *DockerHub) used(path string, d oci.Digest) (by string) {
	for tag, at := range f.Tags(path) {
		if at == d {
			return "tag " + tag
		}
	}
	for _, other := range f.Manifests(path) {
		c := f.content(path, other)
		if c.Subject.Digest == d {
			return "referrer " + other.String()
		}
		for _, m := range c.Manifests {
			if m.Digest == d {
				return "index " + other.String()
			}
		}
	}
	return ""
}

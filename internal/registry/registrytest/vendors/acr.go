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

// ACROptions say how a fake of Azure Container Registry is set up. The zero value is acme.azurecr.io, for a caller who may
// delete.
type ACROptions struct {
	Name string // "" is "acme"; the host is NAME.azurecr.io
	// ABAC is a registry whose roles may name repositories: it refuses a scope with a wildcard.
	ABAC bool
	// Lacks lists actions that the caller's role lacks, such as "delete" or "metadata_read".
	Lacks []string
	// NoARMTokens refuses tokens of Azure's management API
	// (https://github.com/Azure/azure-sdk-for-go/blob/main/sdk/containers/azcontainerregistry/TROUBLESHOOTING.md).
	NoARMTokens bool
	// SoftDelete keeps what is deleted for a while, and lists it as deleted.
	SoftDelete bool
	// StaleLocks lists a locked manifest as if it were not locked (https://github.com/Azure/acr/issues/495).
	StaleLocks bool
	// KeepsReferrers leaves the referrers of a deleted subject. By default they go with it (unverified).
	KeepsReferrers bool
	// TokenLife is how long an access token is good; 0 is 75 minutes.
	TokenLife time.Duration
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// ACR is a fake of Azure Container Registry: the registry, its own API below /acr/v1 and its token service.
type ACR struct {
	*registrytest.Registry
	*Routes
	Books

	opts ACROptions

	mu      sync.Mutex
	issued  int
	access  map[string]acrToken
	refresh map[string]bool // false has ended
	locks   map[acrKey]ACRLock
	changed map[acrKey]time.Time // when a manifest was last written to or lost a tag
	trash   []ACRManifest
	limited int // deletions to answer with 429
}

// acrKey names a manifest, or a tag, of a repository.
type acrKey struct{ path, ref string }

// acrToken is what a bearer may do.
type acrToken struct {
	actions map[string][]string // by repository; "*" is all
	ends    time.Time
}

// ACRLock says what may not be done to a manifest or tag.
type ACRLock struct {
	// NoDelete and NoWrite are deleteEnabled and writeEnabled turned off. Both forbid deletion.
	NoDelete, NoWrite bool
}

// ACRManifest is a manifest as the service's books have it.
type ACRManifest struct {
	Path   string
	Digest oci.Digest
	Tags   []string // sorted
	Pushed time.Time
	Lock   ACRLock
}

// NewACR starts a fake that is stopped when the test ends.
func NewACR(t testing.TB, o ACROptions) *ACR {
	t.Helper()
	o.Name, o.Now, o.TokenLife = cmp.Or(o.Name, "acme"), clock(o.Now), cmp.Or(o.TokenLife, 75*time.Minute)
	f := &ACR{
		opts: o, access: map[string]acrToken{}, refresh: map[string]bool{},
		locks: map[acrKey]ACRLock{}, changed: map[acrKey]time.Time{},
	}
	f.Routes = newRoutes(t, f.RegistryHost())
	f.Registry = registrytest.New(t, registrytest.Options{Now: o.Now, Front: func(next http.Handler) http.Handler {
		return f.remembering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, next) }))
	}})
	f.to(f.Registry.Host())
	return f
}

// Host is the fake's address on loopback. The API and the token service are there too.
func (f *ACR) Host() string { return f.Registry.Host() }

// RegistryHost is the real host, such as "acme.azurecr.io".
func (f *ACR) RegistryHost() string { return f.opts.Name + ".azurecr.io" }

// Images returns the manifests that a repository has now, by digest.
func (f *ACR) Images(path string) []ACRManifest {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []ACRManifest
	for _, s := range storedManifests(f.Registry, path) {
		all = append(all, f.book(path, s))
	}
	return all
}

// Trash returns what soft deletion keeps, in the order of the deletions.
func (f *ACR) Trash() []ACRManifest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.trash)
}

// Lock changes what may not be done to a manifest or a tag, which ref names.
func (f *ACR) Lock(path, ref string, lock ACRLock) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locks[acrKey{path, ref}] = lock
}

// Limit answers 429 to the next deletions (the header and the body are unverified).
func (f *ACR) Limit(deletions int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limited = deletions
}

// book wants the lock.
func (f *ACR) book(path string, s stored) ACRManifest {
	return ACRManifest{path, s.Digest, s.Tags, s.Pushed, f.locks[acrKey{path, s.Digest.String()}]}
}

// serve tells the APIs apart by path.
func (f *ACR) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	v2 := r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/")
	switch {
	case r.URL.Path == "/oauth2/exchange" && r.Method == http.MethodPost:
		f.serveExchange(w, r)
	case r.URL.Path == "/oauth2/token":
		f.serveToken(w, r)
	case v2 || strings.HasPrefix(r.URL.Path, "/acr/v1/"):
		f.serveRegistry(w, r, next)
	default:
		answerOCI(w, http.StatusNotFound, "NOT_FOUND", "page not found")
	}
}

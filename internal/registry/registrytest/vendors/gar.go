package vendors

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// GAROptions say how a fake of Google Artifact Registry is set up. The zero value serves europe-docker.pkg.dev for a
// caller who may delete.
type GAROptions struct {
	// Location is the first part of the host; "" is "europe".
	Location string
	// GCR serves gcr.io instead, whose paths are PROJECT/IMAGE.
	GCR bool
	// ReadWrite is a caller with the role of a writer, who may not delete.
	ReadWrite bool
	// ImmutableTags refuses to delete or move a tag (unverified).
	ImmutableTags bool
	// NumberTimes sends the times of tags/list as numbers. Both forms are seen.
	NumberTimes bool
	// ZeroCreated sends "0" as the time of the build, as for reproducible images.
	ZeroCreated bool
	// SlowOperations is how often an operation of the API is asked for before it is done and does its work.
	SlowOperations int
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// GAR is a fake of Google Artifact Registry: the registry with what Google adds to its list of tags, and the API.
type GAR struct {
	*registrytest.Registry
	*Routes
	Books

	opts GAROptions

	mu         sync.Mutex
	tokens     map[string]bool // what the service issued: false has ended
	issued     int
	unseen     map[string]map[oci.Digest]oci.Digest // by repository, the manifest that an unaddressable index lists
	operations map[string]*garOperation
	quota      int // requests to the API until it answers 429; negative is no limit
}

// GARVersion is a manifest as the service's books have it.
type GARVersion struct {
	Digest   oci.Digest
	Tags     []string // sorted
	Uploaded time.Time
}

// NewGAR starts a fake that is stopped when the test ends.
func NewGAR(t testing.TB, o GAROptions) *GAR {
	t.Helper()
	o.Location, o.Now = cmp.Or(o.Location, "europe"), clock(o.Now)
	f := &GAR{
		opts: o, tokens: map[string]bool{}, unseen: map[string]map[oci.Digest]oci.Digest{},
		operations: map[string]*garOperation{}, quota: -1,
	}
	f.Routes = newRoutes(t, f.RegistryHost(), garAPI)
	f.Registry = registrytest.New(t, registrytest.Options{Now: o.Now, Front: func(next http.Handler) http.Handler {
		return f.remembering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, next) }))
	}})
	f.to(f.Registry.Host())
	return f
}

// garAPI is the host of the API.
const garAPI = "artifactregistry.googleapis.com"

// Host is the fake's address on loopback. The API is there too.
func (f *GAR) Host() string { return f.Registry.Host() }

// RegistryHost is the real host of the registry, such as "europe-docker.pkg.dev".
func (f *GAR) RegistryHost() string {
	if f.opts.GCR {
		return "gcr.io"
	}
	return f.opts.Location + "-docker.pkg.dev"
}

// Versions returns what a repository has now, by digest. path is the name below /v2/.
func (f *GAR) Versions(path string) []GARVersion {
	var all []GARVersion
	for _, s := range storedManifests(f.Registry, path) {
		all = append(all, GARVersion{s.Digest, s.Tags, s.Pushed})
	}
	return all
}

// Token issues an access token. It is good as the password of "oauth2accesstoken" and for the API.
func (f *GAR) Token() string { return f.issueToken("ya29.") }

func (f *GAR) issueToken(prefix string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.issued++
	token := prefix + digest.FromString(fmt.Sprint(prefix, f.issued)).Encoded()
	f.tokens[token] = true
	return token
}

// ExpireTokens ends all tokens that were issued so far, those of the registry among them.
func (f *GAR) ExpireTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token := range f.tokens {
		f.tokens[token] = false
	}
}

// Key is the password of "_json_key", that of "_json_key_base64" is the same in base64. The API does not take it.
func (f *GAR) Key() string {
	return `{"type":"service_account","project_id":"acme","client_email":"prune@acme.iam.gserviceaccount.com"}`
}

// AddUnseenParent makes the service keep an index of its own over a manifest, which no request below /v2 finds. It goes
// when the manifest is deleted by force.
func (f *GAR) AddUnseenParent(path string, child oci.Digest) (parent oci.Digest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unseen[path] == nil {
		f.unseen[path] = map[oci.Digest]oci.Digest{}
	}
	parent = digest.FromString("index over " + child.String())
	f.unseen[path][child] = parent
	return parent
}

// SetQuota lets so many requests to the API pass and answers 429 to the rest.
func (f *GAR) SetQuota(requests int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quota = requests
}

// serve tells the registry and the API apart: by host, and on loopback by path.
func (f *GAR) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	local := isLoopback(r.Host)
	switch {
	case (local || r.Host == f.RegistryHost()) && r.URL.Path == "/v2/token":
		f.serveToken(w, r)
	case (local || r.Host == f.RegistryHost()) && (r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/")):
		f.serveRegistry(w, r, next)
	case (local || r.Host == garAPI) && strings.HasPrefix(r.URL.Path, "/v1/"):
		f.serveAPI(w, r)
	default:
		http.Error(w, "404 page not found", http.StatusNotFound)
	}
}

// garUsers are the user names that a token or a key is sent with
// (https://cloud.google.com/artifact-registry/docs/docker/authentication).
var garUsers = []string{"oauth2accesstoken", "_json_key", "_json_key_base64"}

// good returns whether a token was issued and has not ended.
func (f *GAR) good(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tokens[token]
}

// loginGood returns whether a user and password are a login of docker.
func (f *GAR) loginGood(user, password string) bool {
	switch {
	case !slices.Contains(garUsers, user):
		return false
	case user == "_json_key":
		return password == f.Key()
	case user == "_json_key_base64":
		return decodesTo(password, f.Key())
	}
	return f.good(password)
}

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

// ECROptions say how a fake of Amazon ECR is set up. The zero value is a private registry of the account 123456789012 in
// eu-west-1.
type ECROptions struct {
	Account string // "" is "123456789012"
	Region  string // "" is "eu-west-1"; one that starts with "cn-" has the hosts of the Chinese partition
	// Alias makes it a public registry (public.ecr.aws/ALIAS/repository) with its API in us-east-1; "" is a private one.
	Alias string

	// Deny lists actions that the keys and the login lack, such as "ecr:BatchDeleteImage".
	Deny []string
	// NoOCIDelete answers 404 to a DELETE below /v2, as until 2022 (https://github.com/aws/containers-roadmap/issues/1229).
	NoOCIDelete bool
	// SettlesInCall deletes a child in the same call as its index. By default the child fails: the order within a call
	// is not promised.
	SettlesInCall bool
	// CascadeReferrers deletes referrers with their subject. By default they stay; what the service does is unverified.
	CascadeReferrers bool
	// EmptyFirstPage makes the first page of DescribeImages empty, with a token for the next.
	EmptyFirstPage bool
	// ImmutableTags refuses to overwrite a tag. It does not refuse to delete one (unverified).
	ImmutableTags bool
	// KeyLife is how long temporary keys are good; 0 is an hour.
	KeyLife time.Duration
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// ECR is a fake of Amazon's Elastic Container Registry: the registry, its API with verified signatures, the sources of
// temporary keys and the login of docker.
type ECR struct {
	*registrytest.Registry
	*Routes
	Books

	opts ECROptions

	mu        sync.Mutex
	keys      map[string]AWSKeys   // by access key ID
	passwords map[string]time.Time // of docker's login, with their end
	issued    int
	pages     map[string]string // where a nextToken goes on, by the token
	throttled map[string]int    // calls to throttle, by action
	failing   map[oci.Digest]string
	status    map[oci.Digest]string // ARCHIVED or ACTIVATING
	pulled    map[oci.Digest]time.Time
}

// ECRImage is an image as the service's books have it.
type ECRImage struct {
	Digest oci.Digest
	Tags   []string // sorted
	Pushed time.Time
	Status string // ACTIVE, ARCHIVED or ACTIVATING
}

// NewECR starts a fake that is stopped when the test ends.
func NewECR(t testing.TB, o ECROptions) *ECR {
	t.Helper()
	o.Account, o.Region = cmp.Or(o.Account, "123456789012"), cmp.Or(o.Region, "eu-west-1")
	if o.Alias != "" {
		o.Region = "us-east-1"
	}
	o.KeyLife, o.Now = cmp.Or(o.KeyLife, time.Hour), clock(o.Now)
	f := &ECR{
		opts: o, keys: map[string]AWSKeys{}, passwords: map[string]time.Time{}, pages: map[string]string{},
		throttled: map[string]int{}, failing: map[oci.Digest]string{}, status: map[oci.Digest]string{}, pulled: map[oci.Digest]time.Time{},
	}
	f.Routes = newRoutes(t, append(slices.Concat(f.registryHosts(), f.apiHosts()), f.stsHosts()...)...)
	f.Registry = registrytest.New(t, registrytest.Options{Now: o.Now, Front: func(next http.Handler) http.Handler {
		return f.remembering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, next) }))
	}})
	f.to(f.Registry.Host())
	return f
}

// Host is the fake's address on loopback. The API, STS and the endpoint of container credentials are there too.
func (f *ECR) Host() string { return f.Registry.Host() }

// RegistryHost is the real host of the registry, such as "123456789012.dkr.ecr.eu-west-1.amazonaws.com".
func (f *ECR) RegistryHost() string { return f.registryHosts()[0] }

// APIHost is the real host of the API, such as "api.ecr.eu-west-1.amazonaws.com".
func (f *ECR) APIHost() string { return f.apiHosts()[0] }

func (f *ECR) suffix() string {
	if strings.HasPrefix(f.opts.Region, "cn-") {
		return ".amazonaws.com.cn"
	}
	return ".amazonaws.com"
}

// registryHosts are the plain host and those of FIPS and of dual stack
// (https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html).
func (f *ECR) registryHosts() []string {
	if f.opts.Alias != "" {
		return []string{"public.ecr.aws"}
	}
	account, region := f.opts.Account, f.opts.Region
	return []string{
		account + ".dkr.ecr." + region + f.suffix(), account + ".dkr.ecr-fips." + region + f.suffix(),
		account + ".dkr-ecr." + region + ".on.aws", account + ".dkr-ecr-fips." + region + ".on.aws",
	}
}

func (f *ECR) apiHosts() []string {
	region := f.opts.Region
	if f.opts.Alias != "" {
		return []string{"api.ecr-public." + region + f.suffix(), "ecr-public." + region + ".api.aws"}
	}
	return []string{
		"api.ecr." + region + f.suffix(), "ecr-fips." + region + f.suffix(),
		"ecr." + region + ".api.aws", "ecr-fips." + region + ".api.aws",
	}
}

func (f *ECR) stsHosts() []string {
	return []string{"sts." + f.opts.Region + f.suffix(), "sts.amazonaws.com"}
}

// serve tells the service's APIs apart: by host, and on loopback by path and form.
func (f *ECR) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	w.Header().Set("X-Amzn-Requestid", f.requestID())
	local := isLoopback(r.Host)
	is := func(hosts []string) bool { return local || slices.Contains(hosts, r.Host) }
	switch {
	case local && (r.URL.Path == eksCredentials || strings.HasPrefix(r.URL.Path, ecsCredentials)):
		f.serveContainerKeys(w, r)
	case is(f.registryHosts()) && (r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/")):
		f.serveRegistry(w, r, next)
	case f.opts.Alias != "" && is(f.registryHosts()) && strings.HasPrefix(r.URL.Path, "/token"):
		f.servePublicToken(w, r)
	case is(f.apiHosts()) && r.URL.Path == "/" && r.Header.Get("X-Amz-Target") != "":
		f.serveAPI(w, r)
	case is(f.stsHosts()) && r.URL.Path == "/":
		f.serveSTS(w, r)
	case is(f.apiHosts()) && r.URL.Path == "/":
		awsFail(w, badRequest("UnknownOperationException", ""))
	default:
		http.Error(w, "404 page not found", http.StatusNotFound)
	}
}

// path is the repository's name below /v2/.
func (f *ECR) path(repository string) string {
	if f.opts.Alias != "" {
		return f.opts.Alias + "/" + repository
	}
	return repository
}

// Images returns what a repository has now, by digest. path is the name below /v2/.
func (f *ECR) Images(path string) []ECRImage {
	f.mu.Lock()
	defer f.mu.Unlock()
	var images []ECRImage
	for _, s := range storedManifests(f.Registry, path) {
		images = append(images, ECRImage{s.Digest, s.Tags, s.Pushed, f.statusOf(s.Digest)})
	}
	return images
}

// Throttle answers ThrottlingException to the next calls of an action, such as "BatchDeleteImage".
func (f *ECR) Throttle(action string, calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.throttled[action] = calls
}

// Fail makes deletions of an image end with a failure code, such as "KmsError"; "" heals it.
func (f *ECR) Fail(d oci.Digest, code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing[d] = code
}

// SetStatus archives or activates an image: ACTIVE, ARCHIVED or ACTIVATING.
func (f *ECR) SetStatus(d oci.Digest, status string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status[d] = status
}

// SetPulled sets when the service recorded the last pull of an image.
func (f *ECR) SetPulled(d oci.Digest, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulled[d] = at
}

// statusOf wants the lock.
func (f *ECR) statusOf(d oci.Digest) string { return cmp.Or(f.status[d], "ACTIVE") }

// denied returns whether the caller lacks an action, and the service's message for it.
func (f *ECR) denied(action, repository string) (message string, denied bool) {
	service := "ecr"
	if f.opts.Alias != "" {
		service = "ecr-public"
	}
	action = service + ":" + action
	resource := "arn:aws:" + service + ":" + f.opts.Region + ":" + f.opts.Account + ":repository/" + repository
	return "User: " + f.RoleARN() + " is not authorized to perform: " + action + " on resource: " + resource +
		" because no identity-based policy allows the " + action + " action", slices.Contains(f.opts.Deny, action)
}

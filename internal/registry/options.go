package registry

import (
	"cmp"
	"net/http"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Options say how to reach a registry. The zero value reads docker's defaults for nothing: no credentials, the
// system's certificates, https, or http on loopback.
type Options struct {
	// PlainHTTP speaks http to any host. Without it only a loopback host may answer in http.
	PlainHTTP bool
	// TLS says which certificates are trusted and shown.
	TLS TLS
	// Transport sends the requests; nil makes one by TLS.
	Transport http.RoundTripper
	// Credentials finds the login for the registry; the zero value is anonymous.
	Credentials Credentials
	// UserAgent is sent with each request; "" sends Go's.
	UserAgent string
	// Readers bounds parallel reads of the client, whatever they are of; 0 means [DefaultReaders].
	Readers int
	// Writers bounds parallel deletions and pushes; 0 means [DefaultWriters].
	Writers int
	// Store keeps what was read between runs; nil remembers nothing.
	Store Store
	// Kind is the name of the kind of registry; "" finds out.
	Kind string
	// Getenv reads the environment, where some kinds find the login for their own interface and its address, such as
	// AWS_ACCESS_KEY_ID and GITHUB_API_URL; nil is an empty one.
	Getenv func(name string) string
	// Now is the clock of signatures and quotas; nil is [time.Now].
	Now func() time.Time
	// Waiting is told, once for each registry, that a request has not succeeded for about a second and is sent again; it gets
	// what the last try came to, without secrets. It may be nil, and is called from any goroutine.
	Waiting func(host string, err error)
	// RetryBase is the first pause before a second try; 0 means half a second.
	RetryBase time.Duration
}

// Both bounds are wide, because the number of requests that are really on their way adapts below them: at a round trip
// of 20 ms 128 requests at a time are 6400 a second, which is more than distribution 3.1 serves on two cores.
const (
	DefaultReaders = 128
	DefaultWriters = 128
)

// WithDefaults returns the options with their defaults for numbers and times.
func (o Options) WithDefaults() Options {
	o.Readers = cmp.Or(o.Readers, DefaultReaders)
	o.Writers = cmp.Or(o.Writers, DefaultWriters)
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.RetryBase = cmp.Or(max(o.RetryBase, 0), 500*time.Millisecond)
	return o
}

// TLS says which certificates are trusted and shown. The zero value trusts the system's.
type TLS struct {
	// CAFile is a file of PEM certificates to trust in addition to the system's.
	CAFile string
	// CertFile and KeyFile are the client's own certificate and key, in PEM.
	CertFile, KeyFile string
	// InsecureSkipVerify trusts anybody.
	InsecureSkipVerify bool
	// CertDirs are folders in the form of docker's certs.d: a folder for each host, with *.crt to trust and pairs of
	// *.cert and *.key to show (https://docs.docker.com/engine/security/certificates/).
	CertDirs []string
}

// Secret is text that must not be printed.
type Secret string

// String returns three asterisks, whatever the secret is.
func (Secret) String() string { return "***" }

// GoString returns three asterisks, for %#v.
func (Secret) GoString() string { return "***" }

// Login is a user name and a password.
type Login struct {
	Username string
	Password Secret
	// Identity is the identity token that stands in place of a password in docker's configuration, as that of Azure.
	Identity Secret
	// Source says for a person where the login comes from; "" when nobody has said.
	Source string
}

// Credentials says where the login for a registry is found: what the user gives for this run, docker's configuration,
// what the CI system hands out.
type Credentials struct {
	// Explicit is asked first; nil knows nothing.
	Explicit func(host string) (Login, bool)
	// Files are configuration files in docker's format, asked in this order, with their credential helpers. A file
	// that does not exist knows no host.
	Files []string
	// Fallback is asked when the files know nothing of the host; nil knows nothing.
	Fallback func(host string) (Login, bool)
}

// Store keeps bytes for each repository between runs. It may lose them, and never changes them.
type Store interface {
	// Load returns what was saved for a repository; nothing when there is nothing.
	Load(name oci.Repository) []byte
	Save(name oci.Repository, content []byte)
}

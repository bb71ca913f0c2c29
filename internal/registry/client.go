// Package registry speaks to registries over the OCI distribution API: listing, reading manifests and configs into a
// snapshot, deleting by digest. Authentication and retry live here. Nothing here decides what is deleted.
package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Options say how to reach a registry. The zero value reads docker's defaults for nothing: no credentials, the
// system's certificates, https, or http on loopback.
type Options struct {
	// PlainHTTP speaks http to any host. Without it only a loopback host may answer in http.
	PlainHTTP bool
	// Transport sends the requests; nil means [http.DefaultTransport].
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
	// RetryBase is the first pause before a second try; 0 means half a second.
	RetryBase time.Duration
}

// Both bounds are wide, because the requests that are really on their way are adapted below them, see limit.go: at a
// round trip of 20 ms 128 requests at a time are 6400 a second, which is more than distribution 3.1 serves on two cores.
const (
	DefaultReaders = 128
	DefaultWriters = 128
)

func (o Options) retryBase() time.Duration {
	if o.RetryBase > 0 {
		return o.RetryBase
	}
	return 500 * time.Millisecond
}

func (o Options) readers() int { return cmp.Or(o.Readers, DefaultReaders) }
func (o Options) writers() int { return cmp.Or(o.Writers, DefaultWriters) }

// Client speaks to one registry. It is safe for use by several goroutines.
type Client struct {
	host    string
	options Options
	auth    *auth.Client
	gate    gate
	reads   *limit
	writes  *limit
	http    atomic.Bool // the registry speaks http
}

// New returns a client for a registry's host as it stands in references. It sends nothing yet.
func New(host string, o Options) *Client {
	c := &Client{host: host, options: o, reads: newLimit(firstReads, o.readers()), writes: newLimit(firstWrites, o.writers())}
	c.auth = &auth.Client{
		Client:     &http.Client{Transport: o.Transport, CheckRedirect: keepMethod},
		Cache:      auth.NewCache(),
		ClientID:   "regsweep",
		Credential: o.Credentials.lookup,
	}
	if o.UserAgent != "" {
		c.auth.SetUserAgent(o.UserAgent)
	}
	c.http.Store(o.PlainHTTP)
	return c
}

// apiHost returns the host that requests go to; docker.io is a name, not a host.
func (c *Client) apiHost() string {
	if c.host == "docker.io" {
		return "registry-1.docker.io"
	}
	return c.host
}

// open reports whether no request has been asked for a login so far.
func (c *Client) open() bool {
	_, err := c.auth.Cache.GetScheme(context.Background(), c.apiHost())
	return err != nil
}

// keepMethod refuses redirects that would turn a deletion into a read: net/http sends GET after a 301, 302 or 303, and
// the answer to that says nothing of the deletion. The redirect itself is then the answer.
func keepMethod(req *http.Request, via []*http.Request) error {
	if req.Method != via[0].Method || len(via) >= maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// maxRedirects is net/http's own bound, which a CheckRedirect replaces.
const maxRedirects = 10

// Timeouts of one try. A deletion must not be cut short: distribution 3.x stops between removing the manifest and its
// tags when the client hangs up, and leaves tags that point at nothing.
const (
	readTimeout   = time.Minute
	deleteTimeout = 10 * time.Minute
)

// call is one request to the registry.
type call struct {
	method string
	url    string // absolute path below the host, or a whole URL
	accept []string
	scopes []string
	limit  int64 // of the answer's body, in bytes

	contentType string
	body        []byte

	// look comes right before each try; its error is the call's, and nothing is sent. It may send a read.
	look func(context.Context) error
}

// reads reports whether the call changes nothing.
func (k call) reads() bool { return k.method == http.MethodGet || k.method == http.MethodHead }

// reply is a successful answer.
type reply struct {
	url    *url.URL
	header http.Header
	body   []byte
}

// errBroken marks a request that got no complete answer.
var errBroken = errors.New("no answer")

// do sends a call until it is answered for good. An answer that is no success is an *Error.
func (c *Client) do(ctx context.Context, k call) (reply, error) {
	var r reply
	limit := c.writes
	if k.reads() {
		limit = c.reads
	}
	err := c.retry(ctx, limit, func() (took time.Duration, err error) {
		if k.look != nil {
			if err := k.look(ctx); err != nil {
				return 0, backoff.Permanent(err) // it has been tried often enough by itself
			}
		}
		began := time.Now()
		r, err = c.try(ctx, k)
		return time.Since(began), err
	})
	return r, err
}

// try sends a call once. Where the scheme is not known yet, https comes first, as docker does it for loopback hosts:
// an http server answers a TLS handshake in a way that cannot be mistaken.
func (c *Client) try(ctx context.Context, k call) (reply, error) {
	plain := c.http.Load() // another request may find out meanwhile
	r, err := c.send(ctx, k)
	if errors.Is(err, http.ErrSchemeMismatch) && !plain && loopback(c.host) {
		c.http.Store(true)
		return c.send(ctx, k)
	}
	return r, err
}

func (c *Client) send(ctx context.Context, k call) (reply, error) {
	timeout := readTimeout
	if !k.reads() {
		ctx = context.WithoutCancel(ctx)
	}
	if k.method == http.MethodDelete {
		timeout = deleteTimeout
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ctx = auth.WithScopesForHost(ctx, c.apiHost(), k.scopes...)
	req, err := http.NewRequestWithContext(ctx, k.method, c.absolute(k.url), bytes.NewReader(k.body))
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: %w", k.method, k.url, err)
	}
	req.Header["Accept"] = k.accept
	if k.contentType != "" {
		req.Header.Set("Content-Type", k.contentType)
	}
	resp, err := c.auth.Do(req)
	if err != nil {
		return reply{}, failure(caller, req, err)
	}
	defer resp.Body.Close()
	if !success(k.method, resp) {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // an incomplete error body is no news
		return reply{}, newError(k.method, req.URL, resp.StatusCode, resp.Header, body, time.Now())
	}
	if k.method == http.MethodDelete { // it has happened, whatever else the answer says
		return reply{req.URL, resp.Header, nil}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, k.limit+1))
	if err != nil {
		if caller.Err() != nil {
			return reply{}, context.Cause(caller)
		}
		return reply{}, fmt.Errorf("%s %s: %w: %w", k.method, redact(req.URL), errBroken, err)
	}
	if int64(len(body)) > k.limit {
		return reply{}, incomplete(fmt.Errorf("%s %s: the answer is larger than %d bytes", k.method, redact(req.URL), k.limit))
	}
	return reply{req.URL, resp.Header, body}, nil
}

// success reports whether an answer says that the registry did as it was asked. A deletion is 202 (OCI
// distribution-spec v1.1, "Deleting Manifests"), 200 or 204 elsewhere, and a login page with 200 is neither.
func success(method string, resp *http.Response) bool {
	switch method {
	case http.MethodDelete:
	case http.MethodPut, http.MethodPost:
		return resp.StatusCode == http.StatusCreated || resp.StatusCode == http.StatusAccepted
	default:
		return resp.StatusCode == http.StatusOK
	}
	switch resp.StatusCode {
	case http.StatusAccepted, http.StatusNoContent:
		return true
	}
	return resp.StatusCode == http.StatusOK && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
}

// absolute returns the whole URL of a call.
func (c *Client) absolute(u string) string {
	if !strings.HasPrefix(u, "/") {
		return u
	}
	scheme := "https://"
	if c.http.Load() {
		scheme = "http://"
	}
	return scheme + c.apiHost() + u
}

// failure describes a request that got no answer, without the URL that net/http puts into its errors: after a
// redirect that one can be signed. A connection that broke is marked with errBroken.
func failure(caller context.Context, req *http.Request, err error) error {
	if caller.Err() != nil {
		return context.Cause(caller)
	}
	what := fmt.Sprintf("%s %s", req.Method, redact(req.URL))
	var token *errcode.ErrorResponse
	var sent *url.Error
	var dns *net.DNSError
	switch {
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return &Error{Method: req.Method, URL: redact(req.URL), Status: http.StatusUnauthorized, Challenge: "Basic", Message: "it asks for a login and none is known for it"}
	case errors.As(err, &token):
		return &tokenError{what, token}
	case errors.As(err, &sent) && sent.Timeout() && req.Method == http.MethodDelete:
		return mark(fmt.Errorf("%s: no answer within %s", what, deleteTimeout), ErrNotAnswered)
	case errors.As(err, &sent) && sent.Timeout():
		return fmt.Errorf("%s: %w in time", what, errBroken)
	case !errors.As(err, &sent): // a credential helper, or a token server's answer that is no token
		if inner := errors.Unwrap(err); inner != nil { // the outer one names the request again, with its query
			err = inner
		}
		return fmt.Errorf("%s: %w", what, err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return mark(fmt.Errorf("%s: %w", what, sent.Err), ErrPlainHTTP)
	case badCertificate(err):
		return mark(fmt.Errorf("%s: %w", what, sent.Err), ErrCertificate)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("%s: %w", what, sent.Err)
	}
	return fmt.Errorf("%s: %w: %w", what, errBroken, sent.Err)
}

// tokenError is a refusal of the token server that the registry names.
type tokenError struct {
	what   string
	answer *errcode.ErrorResponse
}

func (e *tokenError) Error() string {
	s := fmt.Sprintf("%s: the token server %s answers %d %s", e.what, e.answer.URL.Host, e.answer.StatusCode, http.StatusText(e.answer.StatusCode))
	if len(e.answer.Errors) > 0 {
		s += ": " + strings.Join(strings.Fields(e.answer.Errors[0].Message), " ")
	}
	return s
}

func (e *tokenError) Unwrap() error { return e.answer }

// Is reports whether the refusal is of a kind: the login is in doubt unless the token server itself has failed.
func (e *tokenError) Is(target error) bool {
	return target == ErrNoToken || target == ErrUnauthorized && e.answer.StatusCode < http.StatusInternalServerError
}

// Hint returns what helps against a refusal; "" when the token server itself has failed.
func (e *tokenError) Hint() string {
	if errors.Is(e, ErrUnauthorized) {
		return ErrUnauthorized.Hint()
	}
	return ""
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || (ip != nil && ip.IsLoopback())
}

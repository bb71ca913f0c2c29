// Package wire sends requests to registries over HTTP, for every kind of them: logins and tokens, retries, limits that
// adapt, pages, certificates, and errors without secrets. It knows the paths of no kind.
package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/regsweep/regsweep/internal/registry"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Client speaks to one registry. It is safe for use by several goroutines.
type Client struct {
	host    string
	options registry.Options
	auth    *auth.Client
	gate    gate
	reads   *limit
	writes  *limit
	http    atomic.Bool // the registry speaks http
	secrets secrets
	login   login
	told    atomic.Bool // that a request waits, see [registry.Options].Waiting

	greeting  greeting
	tokens    atomic.Pointer[func(token string)] // who reads them; nil for nobody
	api       *API                               // nil for the OCI API
	roundTrip func(req *http.Request, body []byte) (*http.Response, error)
}

// New returns a client for a registry's host as it stands in references. It sends nothing yet. An error is about
// certificates.
func New(host string, o registry.Options) (*Client, error) {
	o = o.WithDefaults()
	if o.Transport == nil {
		transport, err := NewTransport(host, o.TLS, o.Readers+o.Writers)
		if err != nil {
			return nil, err
		}
		o.Transport = transport
	}
	c := &Client{host: host, options: o, reads: newLimit(FirstReads, o.Readers), writes: newLimit(firstWrites, o.Writers)}
	c.auth = &auth.Client{
		Client:               &http.Client{Transport: witness{o.Transport, c}, CheckRedirect: keepMethod},
		Cache:                auth.NewCache(),
		ClientID:             "regsweep",
		Credential:           c.credential,
		BlockedRealmPrefixes: blockedRealms(host),
	}
	if o.UserAgent != "" {
		c.auth.SetUserAgent(o.UserAgent)
	}
	c.roundTrip = func(req *http.Request, _ []byte) (*http.Response, error) { return c.auth.Do(req) }
	c.http.Store(o.PlainHTTP)
	return c, nil
}

// Each calls f for 0 to n-1 in parallel, bounded by the readers, and returns the first error. A goroutine makes many
// calls: the stack of one that makes a single request is grown four times over for it, a sixth of the time that a fast
// registry's answers take.
func (c *Client) Each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, inner := errgroup.WithContext(ctx)
	var taken, done atomic.Int64
	count := registry.Reads(ctx, n)
	for range min(n, c.options.Readers) {
		group.Go(func() error {
			for inner.Err() == nil {
				i := int(taken.Add(1)) - 1
				if i >= n {
					break
				}
				if err := f(inner, i); err != nil {
					return err
				}
				count(int(done.Add(1)))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx) // a cancel between two calls fails none of them
}

// WritesCostReads says that the writes to come cost the registry about what reads do: until they have found their own
// level, they go on from half of what the reads have come to.
func (c *Client) WritesCostReads() { c.writes.follow(c.reads) }

// apiHost returns the host that requests go to; docker.io is a name, not a host.
func (c *Client) apiHost() string {
	if c.host == "docker.io" {
		return "registry-1.docker.io"
	}
	return c.host
}

// Anonymous reports whether no request has been asked for a login so far.
func (c *Client) Anonymous() bool {
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

// Call is one request to the registry.
type Call struct {
	Method string
	URL    string   // an absolute path below the host, or a whole URL
	Accept []string // media types
	Scopes []string // that a token is asked for
	Limit  int64    // of the answer's body, in bytes
	// SkipBody leaves the body of a success where it is. The connection is closed, unless the body is small.
	SkipBody bool
	// KeepBody returns the body of a deletion's success too, as far as it can be read: it may say what goes on.
	KeepBody bool

	ContentType string // of Body
	Body        []byte
	Header      http.Header // in addition

	// Query says that the call changes nothing although its method may.
	Query bool
	// Final reports of an answer that is not a success whether it would be the same if the call was sent again, where its
	// status does not tell; nil says no.
	Final func(answer *registry.Error) bool
	// Look comes right before each try; its error is the call's, and nothing is sent. It may send a read. perhaps says
	// that an earlier try was sent and not answered, so that the registry may have done what it was asked.
	Look func(ctx context.Context, perhaps bool) error
}

// reads reports whether the call changes nothing.
func (k Call) reads() bool { return k.Query || reads(k.Method) }

func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// Reply is a successful answer.
type Reply struct {
	URL    *url.URL // of the request
	Header http.Header
	Body   []byte
}

// errCut marks a request that was on its way when the run's time was over.
var errCut = errors.New("not answered before the run ended")

// errBroken marks a request that got no complete answer.
var errBroken = errors.New("no answer")

// Do sends a call until it is answered for good. An answer that is not a success is a [registry.Error]. Where a try that
// would change something may have been carried out, and no later answer settles that, the error is
// [registry.ErrUnsettled] too.
func (c *Client) Do(ctx context.Context, k Call) (Reply, error) {
	var r Reply
	perhaps := false
	limit := c.writes
	if k.reads() {
		limit = c.reads
	}
	err := c.retry(ctx, limit, k.sort(), func() (took time.Duration, err error) {
		if k.Look != nil {
			if err := k.Look(ctx, perhaps); err != nil {
				return 0, backoff.Permanent(err) // it has been tried often enough by itself
			}
		}
		timed, clock := started(ctx)
		r, err = c.Try(timed, k)
		perhaps = perhaps || !k.reads() && unsettled(err)
		if k.final(err) {
			err = backoff.Permanent(err)
		}
		return clock.took(), err
	})
	if perhaps && err != nil && !errors.Is(err, registry.ErrNotFound) {
		err = registry.Mark(err, registry.ErrUnsettled)
	}
	return r, err
}

// final reports whether an error is an answer that another try would not change.
func (k Call) final(err error) bool {
	var answer *registry.Error
	return k.Final != nil && errors.As(err, &answer) && k.Final(answer)
}

// unsettled reports whether the registry may have carried out a request that failed so. Any answer below 500 is a
// refusal; where no connection came about, nothing was sent.
func unsettled(err error) bool {
	var answer *registry.Error
	var token *tokenError
	var op *net.OpError
	switch {
	case errors.As(err, &answer):
		return answer.Status >= http.StatusInternalServerError && answer.Status != http.StatusNotImplemented
	case err == nil, errors.As(err, &token), errors.Is(err, http.ErrSchemeMismatch), badCertificate(err),
		errors.As(err, &op) && op.Op == "dial":
		return false
	}
	return errors.Is(err, errBroken) || errors.Is(err, registry.ErrNotAnswered) || errors.Is(err, errCut)
}

// Try sends a call once. Where the scheme is not known yet, https comes first, as docker does it for loopback hosts:
// an http server answers a TLS handshake in a way that cannot be mistaken.
func (c *Client) Try(ctx context.Context, k Call) (Reply, error) {
	plain := c.http.Load() // another request may find out meanwhile
	r, err := c.send(ctx, k)
	if errors.Is(err, http.ErrSchemeMismatch) && !plain && Loopback(c.host) {
		c.http.Store(true)
		r, err = c.send(ctx, k)
	}
	if c.login.giveIn(k, err) {
		r, err = c.send(ctx, k)
	}
	var refused *tokenError
	switch {
	case err == nil && k.reads():
		c.login.reads.Store(true)
	case errors.As(err, &refused) && !k.reads():
		refused.lacks = c.login.lacks(refused.answer.StatusCode)
	}
	return r, c.HideIn(err)
}

func (c *Client) send(ctx context.Context, k Call) (Reply, error) {
	timeout := readTimeout
	if !k.reads() {
		drain, done := registry.Drain(ctx)
		defer done()
		ctx = drain
	}
	if k.Method == http.MethodDelete {
		timeout = deleteTimeout
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ctx = auth.WithScopesForHost(context.WithValue(ctx, wantKey{}, k.want()), c.apiHost(), c.login.scopesOf(k)...)
	var content io.Reader // nil where there is none, for which no reader has to be made, and made again for each try
	if len(k.Body) > 0 {
		content = bytes.NewReader(k.Body)
	}
	req, err := http.NewRequestWithContext(ctx, k.Method, c.absolute(k.URL), content)
	if err != nil {
		return Reply{}, fmt.Errorf("%s %s: %w", k.Method, k.URL, err)
	}
	if len(k.Accept) > 0 { // one field line: something in between, or the registry itself, may read the first one alone
		req.Header.Set("Accept", strings.Join(k.Accept, ", "))
	}
	if k.ContentType != "" {
		req.Header.Set("Content-Type", k.ContentType)
	}
	for name, values := range k.Header {
		req.Header[name] = values
	}
	resp, err := c.roundTrip(req, k.Body)
	if err != nil {
		return Reply{}, failure(caller, req, err)
	}
	defer resp.Body.Close()
	if !c.success(k, resp) {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, MaxErrorBody)) // an incomplete error body is no news
		return Reply{}, c.newError(req, resp, body)
	}
	if k.Method == http.MethodDelete || k.SkipBody { // it has happened, whatever else the answer says
		var body []byte
		if k.KeepBody {
			body, _ = io.ReadAll(io.LimitReader(resp.Body, k.Limit))
		}
		return Reply{req.URL, resp.Header, body}, nil
	}
	body, err := readBody(k, resp)
	if err != nil {
		if caller.Err() != nil {
			return Reply{}, cut(caller, req)
		}
		return Reply{}, fmt.Errorf("%s %s: %w: %w", k.Method, Redact(req.URL), errBroken, err)
	}
	if int64(len(body)) > k.Limit {
		return Reply{}, incomplete(fmt.Errorf("%s %s: the answer is larger than %d bytes", k.Method, Redact(req.URL), k.Limit))
	}
	return Reply{req.URL, resp.Header, body}, nil
}

// success reports whether an answer says that the registry did as it was asked. A deletion is 202 (OCI
// distribution-spec v1.1, "Deleting Manifests"), 200 or 204 elsewhere, and a login page with 200 is neither.
func (c *Client) success(k Call, resp *http.Response) bool {
	switch k.Method {
	case http.MethodDelete:
	case http.MethodPut, http.MethodPost:
		if c.api != nil && resp.StatusCode == http.StatusOK {
			return true
		}
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

// cut says why a request ended with its context.
func cut(ctx context.Context, req *http.Request) error {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%s %s: %w: %w", req.Method, Redact(req.URL), errCut, context.Cause(ctx))
}

// NoLogin is the message of an error that stands for an answer whose body was not read, because no login is known.
const NoLogin = "it asks for a login and none is known for it"

// failure describes a request that got no answer, without the URL that net/http puts into its errors: after a
// redirect that one can be signed. A connection that broke is marked with errBroken.
func failure(caller context.Context, req *http.Request, err error) error {
	if caller.Err() != nil {
		return cut(caller, req)
	}
	what := fmt.Sprintf("%s %s", req.Method, Redact(req.URL))
	var token *errcode.ErrorResponse
	var sent *url.Error
	var dns *net.DNSError
	var dial *net.OpError
	var malformed textproto.ProtocolError
	switch {
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return &registry.Error{Method: req.Method, URL: Redact(req.URL), Status: http.StatusUnauthorized, Challenge: "Basic", Message: NoLogin}
	case errors.As(err, &token):
		return &tokenError{what: what, answer: token}
	case errors.As(err, &sent) && sent.Timeout() && req.Method == http.MethodDelete:
		return registry.Mark(fmt.Errorf("%s: no answer within %s", what, deleteTimeout), registry.ErrNotAnswered)
	case errors.As(err, &sent) && sent.Timeout():
		return fmt.Errorf("%s: %w in time", what, errBroken)
	case badRealm(err):
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
		return registry.Mark(fmt.Errorf("%s: %w", what, err), registry.ErrRealm)
	case errors.As(err, &malformed):
		return fmt.Errorf("%s: %w: it is not HTTP: %w", what, errBroken, malformed)
	case !errors.As(err, &sent): // a credential helper, or a token server's answer that is not a token
		if inner := errors.Unwrap(err); inner != nil { // the outer one names the request again, with its query
			err = inner
		}
		return fmt.Errorf("%s: %w", what, err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return registry.Mark(fmt.Errorf("%s: %w", what, sent.Err), registry.ErrPlainHTTP)
	case badCertificate(err):
		return registry.Mark(fmt.Errorf("%s: %w", what, sent.Err), registry.ErrCertificate)
	case errors.As(err, &dns) && dns.IsNotFound:
		return registry.Advise(fmt.Errorf("%s: %w", what, sent.Err), nil, "check the registry's host name, and the network of this job")
	case errors.As(err, &dial) && dial.Op == "dial":
		return registry.Advise(fmt.Errorf("%s: %w: %w", what, errBroken, sent.Err), nil, "check that the registry runs, and its host and port")
	}
	return fmt.Errorf("%s: %w: %w", what, errBroken, sent.Err)
}

// badRealm reports whether the address of the token server is why no token was asked for. The library has no type for
// that error; TestRealm fails when its text changes.
func badRealm(err error) bool {
	var sent *url.Error
	return strings.Contains(err.Error(), "bearer realm ") || errors.As(err, &sent) && !strings.HasPrefix(sent.URL, "http")
}

// Loopback reports whether a host, with or without a port, is this machine.
func Loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || (ip != nil && ip.IsLoopback())
}

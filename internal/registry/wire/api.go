package wire

import (
	"context"
	"net/http"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// API says how an interface of a vendor differs from the OCI one: in its login, its errors and its limits. The zero value
// sends no login and knows no error.
type API struct {
	// Authorize adds the login to a request right before it is sent; body is what the request has. An error is the
	// request's. Nil adds nothing.
	Authorize func(req *http.Request, body []byte) error
	// Explain returns the code and the message of an answer that is not a success, "" for what it does not have; nil reads
	// the errors of the OCI API.
	Explain func(header http.Header, body []byte) (code, message string)
	// Limited reports whether an answer that is not a success says that the login has asked for too much, and how long it
	// has to wait; nil knows 429 alone. [Client.Do] waits for a short time, as for a Retry-After header.
	Limited func(status int, header http.Header, body []byte) (wait time.Duration, limited bool)
	// OwnPace says that the Look of each call waits as long as a limit asks for: [Client.Do] does not.
	OwnPace bool
}

// NewAPI returns a client for another interface of a registry's vendor, at a host of its own. It sends nothing yet. An
// error is about certificates.
func NewAPI(host string, o registry.Options, api API) (*Client, error) {
	c, err := New(host, o)
	if err != nil {
		return nil, err
	}
	c.api = &api
	client := &http.Client{Transport: c.auth.Client.Transport, CheckRedirect: keepHost}
	c.roundTrip = func(req *http.Request, body []byte) (*http.Response, error) {
		if o.UserAgent != "" {
			req.Header.Set("User-Agent", o.UserAgent)
		}
		if api.Authorize != nil {
			if err := api.Authorize(req, body); err != nil {
				return nil, err
			}
		}
		c.secrets.addHeader(req.Header.Get("Authorization"))
		return client.Do(req)
	}
	return c, nil
}

// keepHost refuses redirects to another host too: net/http takes the Authorization header off there, but no header of a
// vendor's own that holds a part of the login.
func keepHost(req *http.Request, via []*http.Request) error {
	if req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return keepMethod(req, via)
}

// explain takes over what the vendor's own interface says of an answer.
func (c *Client) explain(e *registry.Error, header http.Header, body []byte) {
	if c.api == nil {
		return
	}
	if c.api.Explain != nil {
		e.Code, e.Message = c.api.Explain(header, body)
		e.Foreign = e.Foreign && e.Code == "" && e.Message == ""
	}
	if c.api.Limited != nil {
		var wait time.Duration
		if wait, e.Limited = c.api.Limited(e.Status, header, body); e.Limited {
			e.RetryAfter = max(e.RetryAfter, wait)
		}
	}
	if c.api.OwnPace {
		e.RetryAfter = 0
	}
}

// Login returns the login that is known for a host, the zero value when none is. An error is a credential helper's.
func (c *Client) Login(ctx context.Context, host string) (registry.Login, error) {
	found, err := c.credential(ctx, host)
	if err != nil || found == auth.EmptyCredential {
		return registry.Login{}, err
	}
	return registry.Login{Username: found.Username, Password: registry.Secret(found.Password), Identity: registry.Secret(found.RefreshToken)}, nil
}

// Hidden keeps secrets that a vendor's interface has handed out from every text.
func (c *Client) Hidden(secrets ...string) { c.secrets.add(secrets...) }

package wire

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
)

// MaxErrorBody bounds what is read of an error's body: it is for a person, and a proxy's HTML page is not.
const MaxErrorBody = 64 << 10

// newError reads an answer into an error (OCI distribution-spec v1.1, "Error Codes").
func newError(req *http.Request, resp *http.Response, body []byte, now time.Time) *registry.Error {
	status, header := resp.StatusCode, resp.Header
	e := &registry.Error{Method: req.Method, URL: Redact(req.URL), Status: status, RetryAfter: retryAfter(header.Get("Retry-After"), now)}
	e.Challenge, _, _ = strings.Cut(header.Get("WWW-Authenticate"), " ")
	var parsed struct {
		Errors []struct {
			Code    string          `json:"code"`
			Message string          `json:"message"`
			Detail  json.RawMessage `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &parsed) == nil && len(parsed.Errors) > 0 {
		e.Code, e.Message = parsed.Errors[0].Code, parsed.Errors[0].Message
		for i, more := range parsed.Errors { // all of them are looked at for another cause than the first one's
			if i > 0 {
				e.Detail += more.Code + " " + more.Message + " "
			}
			e.Detail += string(more.Detail)
		}
	} else if ct := header.Get("Content-Type"); strings.HasPrefix(ct, "text/plain") && len(body) < 512 {
		e.Message = strings.TrimSpace(string(body))
	}
	allow := header.Get("Allow")
	e.ReadOnly = status == http.StatusMethodNotAllowed && e.Code == "" && allow != "" && !strings.Contains(allow, http.MethodDelete)
	return e
}

// Redact returns a URL as text without the parts of a URL that can hold a secret.
func Redact(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// incomplete marks what was read and is not understood.
func incomplete(err error) error { return registry.Mark(err, registry.ErrIncomplete) }

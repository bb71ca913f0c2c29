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

// apiHeader is what distribution and most other registries send with every answer (OCI distribution-spec v1.1, "API").
const apiHeader = "Docker-Distribution-Api-Version"

// newError reads an answer into an error (OCI distribution-spec v1.1, "Error Codes"), without the secrets that it repeats.
func (c *Client) newError(req *http.Request, resp *http.Response, body []byte) *registry.Error {
	status, header, hide := resp.StatusCode, resp.Header, c.secrets.hide
	e := &registry.Error{Method: req.Method, URL: Redact(req.URL), Status: status, RetryAfter: retryAfter(header.Get("Retry-After"), time.Now())}
	e.Code, e.Message, e.Detail = parseErrors(body)
	plain := strings.HasPrefix(header.Get("Content-Type"), "text/plain")
	c.explain(e, header, body)
	own := e.Code != "" || e.Message != "" || plain && header.Get(apiHeader) != "" // Artifactory has messages without a code
	if e.Code == "" && e.Message == "" && plain && len(body) < 512 {
		e.Message = strings.TrimSpace(string(body))
	}
	allow := header.Get("Allow")
	e.ReadOnly = status == http.StatusMethodNotAllowed && e.Code == "" && plain && allow != "" && !strings.Contains(allow, http.MethodDelete)
	e.Foreign = !own && !e.ReadOnly && req.Method != http.MethodHead
	challenge := header.Get("WWW-Authenticate")
	e.Challenge, _, _ = strings.Cut(challenge, " ")
	if m := challengeScope.FindStringSubmatch(challenge); m != nil {
		e.Scope = hide(m[1])
	}
	known := c.login.found.Load() && strings.Contains(challenge, "insufficient_scope") // RFC 6750, section 3.1
	e.Lacks = status == http.StatusUnauthorized && !reads(req.Method) && (known || c.login.lacks(status))
	e.Code, e.Message, e.Detail, e.Challenge = hide(e.Code), hide(e.Message), hide(e.Detail), hide(e.Challenge)
	return e
}

// parseErrors reads the body of a registry's error: the first code and message, and the rest as one text.
func parseErrors(body []byte) (code, message, detail string) {
	var parsed struct {
		Errors []struct {
			Code    string          `json:"code"`
			Message string          `json:"message"`
			Detail  json.RawMessage `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &parsed) != nil || len(parsed.Errors) == 0 {
		return "", "", ""
	}
	for i, more := range parsed.Errors {
		if i > 0 {
			detail += more.Code + " " + more.Message + " "
		}
		detail += string(more.Detail)
	}
	return parsed.Errors[0].Code, parsed.Errors[0].Message, detail
}

// Redact returns a URL as text without the parts of a URL that can hold a secret.
func Redact(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// incomplete marks what was read and is not understood.
func incomplete(err error) error { return registry.Mark(err, registry.ErrIncomplete) }

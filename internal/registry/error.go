package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Error is a registry's answer that is no success. The URL has neither query nor user in it, because both can hold
// secrets: redirects to object storage are signed in the query.
type Error struct {
	Method     string
	URL        string
	Status     int
	Code       string        // the first error code of the body, such as MANIFEST_UNKNOWN; "" without one
	Message    string        // the first message of the body
	RetryAfter time.Duration // what a Retry-After header asks for; 0 without one
	Challenge  string        // the scheme of a WWW-Authenticate header, such as Bearer
	ReadOnly   bool          // a 405 whose Allow header offers reads alone: distribution in maintenance mode
}

// maxErrorBody bounds what is read of an error's body: it is for a person, and a proxy's HTML page is not.
const maxErrorBody = 64 << 10

// newError reads an answer into an Error (OCI distribution-spec v1.1, "Error Codes").
func newError(method string, u *url.URL, status int, header http.Header, body []byte, now time.Time) *Error {
	e := &Error{Method: method, URL: redact(u), Status: status, RetryAfter: retryAfter(header.Get("Retry-After"), now)}
	e.Challenge, _, _ = strings.Cut(header.Get("WWW-Authenticate"), " ")
	var parsed struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &parsed) == nil && len(parsed.Errors) > 0 {
		e.Code, e.Message = parsed.Errors[0].Code, parsed.Errors[0].Message
	} else if ct := header.Get("Content-Type"); strings.HasPrefix(ct, "text/plain") && len(body) < 512 {
		e.Message = strings.TrimSpace(string(body))
	}
	allow := header.Get("Allow")
	e.ReadOnly = status == http.StatusMethodNotAllowed && e.Code == "" && allow != "" && !strings.Contains(allow, http.MethodDelete)
	return e
}

// Error returns one line: the request, the status and what the registry said.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %d %s", e.Method, e.URL, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + strings.Join(strings.Fields(e.Message), " "))
	}
	return b.String()
}

// Stops reports whether no further deletion can succeed after this answer: without credentials, or where deletion is
// switched off. A registry that protects a manifest of its own accord, as zot does with 405 DENIED, is asked on.
func (e *Error) Stops() bool {
	return e.Status == http.StatusUnauthorized || (e.Status == http.StatusMethodNotAllowed && e.Code != "DENIED")
}

// InUse reports whether the registry says that something else still refers to the manifest: zot answers 405 DENIED,
// Harbor 412, others 403 or 409.
func (e *Error) InUse() bool {
	switch e.Status {
	case http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed:
		return true
	}
	return e.Status == http.StatusMethodNotAllowed && e.Code == "DENIED"
}

// redact drops the parts of a URL that can hold a secret.
func redact(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Denied reports whether the registry knows the caller and refuses.
func (e *Error) Denied() bool { return e.Status == http.StatusForbidden }

// ErrIncomplete is wrapped by errors about content that was read and is not understood, contradicts itself or has no
// end. What depends on what is then not known, and nothing may be deleted.
var ErrIncomplete = errors.New("the repository is not wholly known")

// incomplete marks an error with [ErrIncomplete] without changing its text.
type incomplete struct{ error }

func (i incomplete) Is(target error) bool { return target == ErrIncomplete }
func (i incomplete) Unwrap() error        { return i.error }

// saysAbsent reports whether an error is the registry's own word that it does not have something: 404 with the code for
// that (OCI distribution-spec v1.1, "Error Codes"; NOT_FOUND is Harbor's). A 404 without one may be a proxy's, and an
// image that a proxy hides is not gone.
func saysAbsent(err error) bool {
	var answer *Error
	if !errors.As(err, &answer) || answer.Status != http.StatusNotFound {
		return false
	}
	switch answer.Code {
	case "MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND":
		return true
	}
	return false
}

// Unauthorized reports whether an error is about a missing or wrong login.
func Unauthorized(err error) bool {
	var answer *Error
	var token *tokenError
	return (errors.As(err, &answer) && answer.Status == http.StatusUnauthorized) ||
		(errors.As(err, &token) && token.answer.StatusCode < http.StatusInternalServerError)
}

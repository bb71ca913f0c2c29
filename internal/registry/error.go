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

// Error returns one line: what is wrong where that is known, else the request, the status and what the registry said.
func (e *Error) Error() string {
	switch kind := e.kind(); kind {
	case ErrReadOnly, ErrDeletionDisabled:
		return fmt.Sprintf("%s (%s)", kind.Text, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.Code)))
	}
	return fmt.Sprintf("%s %s: %s", e.Method, e.URL, e.status())
}

// status is the status and what the registry said.
func (e *Error) status() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + strings.Join(strings.Fields(e.Message), " "))
	}
	return b.String()
}

// kind is what the answer's status and code tell; nil when they tell nothing that callers ask for. A registry that
// protects a manifest of its own accord, as zot does with 405 DENIED, allows other deletions.
func (e *Error) kind() *Kind {
	switch {
	case e.Status == http.StatusUnauthorized:
		return ErrUnauthorized
	case e.Status == http.StatusForbidden:
		return ErrForbidden
	case e.Status != http.StatusMethodNotAllowed || e.Code == codeDenied:
		return nil
	case e.ReadOnly:
		return ErrReadOnly
	case e.Method == http.MethodDelete:
		return ErrDeletionDisabled
	}
	return ErrNotAllowed
}

const codeDenied = "DENIED"

// Is reports whether the answer is of a kind. Registries say in different ways that something still refers to a
// manifest: zot answers 405 DENIED, Harbor 412, others 403 or 409.
func (e *Error) Is(target error) bool {
	if target != ErrInUse {
		kind := e.kind()
		return kind != nil && target == kind
	}
	switch e.Status {
	case http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed:
		return true
	}
	return e.Status == http.StatusMethodNotAllowed && e.Code == codeDenied
}

// Hint returns what helps against the answer; "" when that is not known.
func (e *Error) Hint() string {
	switch kind := e.kind(); {
	case kind == ErrForbidden && (e.Method == http.MethodPost || e.Method == http.MethodPut):
		return "--delete-by retag pushes to the registry, and the login may not; --delete-by auto does without"
	case kind == ErrForbidden && e.Method != http.MethodDelete:
		return "the login is known but may not read this; it needs the right to pull, and for a prune the right to delete"
	case kind != nil:
		return kind.Hint()
	case e.Status == http.StatusBadRequest && e.Code == "", e.Status >= 300 && e.Status < 400:
		return "if the registry speaks https, leave --plain-http out"
	}
	return ""
}

// redact drops the parts of a URL that can hold a secret.
func redact(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// incomplete marks an error with [ErrIncomplete].
func incomplete(err error) error { return mark(err, ErrIncomplete) }

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

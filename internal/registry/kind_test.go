package registry

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// An error knows its kind and what helps, however it is wrapped.
func TestKindsAndHints(t *testing.T) {
	t.Parallel()
	answer := func(method string, status int, code string) *Error {
		return &Error{Method: method, URL: "http://localhost/v2/app/manifests/b1", Status: status, Code: code}
	}
	for name, c := range map[string]struct {
		err  error
		kind error // nil: none of ErrUnauthorized to ErrNotAllowed
		hint string
	}{
		"401":                  {answer("GET", 401, ""), ErrUnauthorized, "docker login"},
		"403 to a deletion":    {answer("DELETE", 403, "DENIED"), ErrForbidden, "right to delete"},
		"403 to a read":        {answer("GET", 403, ""), ErrForbidden, "right to pull"},
		"403 to a push":        {answer("PUT", 403, ""), ErrForbidden, "--delete-by auto"},
		"405 to a deletion":    {answer("DELETE", 405, "UNSUPPORTED"), ErrDeletionDisabled, "storage.delete.enabled"},
		"405 to a push":        {answer("PUT", 405, "UNSUPPORTED"), ErrNotAllowed, ""},
		"405 of zot":           {answer("DELETE", 405, "DENIED"), ErrInUse, ""},
		"409":                  {answer("DELETE", 409, ""), ErrInUse, ""},
		"412":                  {answer("DELETE", 412, ""), ErrInUse, ""},
		"400 without a code":   {answer("GET", 400, ""), nil, "--plain-http"},
		"a redirect":           {answer("DELETE", 307, ""), nil, "--plain-http"},
		"a manifest":           {answer("GET", 404, "MANIFEST_UNKNOWN"), ErrNotFound, ""},
		"a 404 without a code": {answer("GET", 404, ""), nil, ""},
		"500":                  {answer("GET", 500, "UNKNOWN"), nil, "the registry cannot read this"},
		"500 to a deletion":    {answer("DELETE", 500, "UNKNOWN"), nil, ""},
		"500 without a code":   {answer("GET", 500, ""), nil, ""},
		"a media type":         {Mark(&MediaTypeError{"text/plain"}, ErrIncomplete), ErrIncomplete, "cannot be understood"},
		"a kind with advice":   {Mark(answer("GET", 404, ""), ErrNoCatalog), ErrNoCatalog, "--from gc.log"},
		"a repository":         {fmt.Errorf("%w: %w", ErrUnknownRepository, answer("GET", 404, "NAME_UNKNOWN")), ErrUnknownRepository, "check the name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := fmt.Errorf("delete b1: %w", c.err)
			for _, kind := range []error{ErrUnauthorized, ErrForbidden, ErrInUse, ErrDeletionDisabled, ErrReadOnly, ErrNotAllowed, ErrIncomplete, ErrNoCatalog} {
				want := errors.Is(kind, c.kind)
				if got := errors.Is(err, kind); got != want {
					t.Errorf("is %q: got %v, want %v", kind, got, want)
				}
			}
			var hinted interface{ Hint() string }
			switch hint := ""; {
			case errors.As(err, &hinted):
				if hint = hinted.Hint(); !strings.Contains(hint, c.hint) || c.hint == "" && hint != "" {
					t.Errorf("hint: got %q, want %q", hint, c.hint)
				}
			case c.hint != "":
				t.Errorf("no hint, want %q", c.hint)
			}
		})
	}
	for text, absent := range map[string]bool{
		"manifest unknown": true,
		"OCI index found, but accept header does not support OCI indexes": false,
		"Authentication required":               false,
		"you do not have permission to read it": false,
		"artifact login/app:b1 not found":       true, // names that were asked for
		"login required":                        false,
	} {
		err := &Error{Method: http.MethodGet, URL: "http://localhost/v2/login/app/manifests/b1", Status: 404, Code: "MANIFEST_UNKNOWN", Message: text}
		if text == "login required" {
			err.URL = "http://localhost/v2/lo/in/e/manifests/b1"
		}
		if got := errors.Is(err, ErrNotFound); got != absent {
			t.Errorf("%s: absent is %v", text, got)
		}
		err.Message, err.Detail = "manifest unknown", text
		if got := errors.Is(err, ErrNotFound); got != absent {
			t.Errorf("%s as a detail: absent is %v", text, got)
		}
	}
	if err := error(&Error{Method: http.MethodDelete, Status: 405}); err.Error() != "deletion is disabled there (405)" {
		t.Errorf("got %q", err)
	}
}

package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// tokenError is a refusal of the token server that the registry names.
type tokenError struct {
	what   string
	answer *errcode.ErrorResponse
	lacks  bool // the login may read, and this was asked for a deletion or push
}

// Error names the token server and what it says.
func (e *tokenError) Error() string {
	s := e.what
	if e.lacks {
		s = "this login may not do this: " + s
	}
	s += fmt.Sprintf(": the token server %s answers %d %s", e.answer.URL.Host, e.answer.StatusCode, http.StatusText(e.answer.StatusCode))
	if len(e.answer.Errors) > 0 {
		s += ": " + strings.Join(strings.Fields(e.answer.Errors[0].Message), " ")
	}
	return s
}

func (e *tokenError) Unwrap() error { return e.answer }

// Is reports whether the refusal is of a kind: the login is in doubt unless the token server itself has failed.
func (e *tokenError) Is(target error) bool {
	switch target {
	case registry.ErrNoToken:
		return true
	case registry.ErrForbidden:
		return e.lacks
	}
	return target == registry.ErrUnauthorized && !e.lacks && e.answer.StatusCode < http.StatusInternalServerError
}

// Hint returns what helps against a refusal; "" when the token server itself has failed.
func (e *tokenError) Hint() string {
	switch {
	case e.lacks:
		return registry.ErrForbidden.Hint()
	case errors.Is(e, registry.ErrUnauthorized):
		return registry.ErrUnauthorized.Hint()
	}
	return ""
}

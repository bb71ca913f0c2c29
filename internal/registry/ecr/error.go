package ecr

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
)

// failure is an error with what it means and what helps.
type failure struct {
	error
	kind *registry.Kind // nil: that of the error itself
	hint string
}

// Is reports whether target is the kind.
func (f *failure) Is(target error) bool { return f.kind != nil && target == f.kind }
func (f *failure) Unwrap() error        { return f.error }

// Hint returns what helps.
func (f *failure) Hint() string { return f.hint }

func withHint(err error, hint string) error { return &failure{error: err, hint: hint} }

// meanings are what AWS's error codes mean, whatever service sends them. The first code that fits counts
// (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html).
var meanings = []struct {
	codes []string
	kind  *registry.Kind
	text  string // before the answer itself; "" where that says enough
	hint  string // "" is the hint of the credentials' source
}{
	{[]string{"ExpiredTokenException", "ExpiredToken", "RequestExpired"}, registry.ErrUnauthorized, "the AWS credentials have expired", ""},
	{[]string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}, registry.ErrUnauthorized, "AWS does not know the access key", ""},
	{
		[]string{"InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignatureException", "MissingAuthenticationTokenException"},
		registry.ErrUnauthorized, "AWS does not accept the signature", "check AWS_SECRET_ACCESS_KEY, and the clock of this machine, which may be at most five minutes off",
	},
	{[]string{"RepositoryNotFoundException"}, registry.ErrUnknownRepository, "", "check the account, the region and the name: a push does not create a repository in Amazon ECR"},
}

// codesOfRights are those by which AWS says that credentials lack a right.
var codesOfRights = []string{"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "AuthorizationError"}

// explained says what a failed call of ECR's API means. renew is what helps against bad credentials.
func explained(action, renew string, err error) error {
	var answer *registry.Error
	if !errors.As(err, &answer) {
		return fmt.Errorf("%s: %w", action, err)
	}
	err = fmt.Errorf("%s: %w", action, err)
	if answer.Limited {
		return &failure{err, nil, registry.ErrLimited.Advice}
	}
	if slices.Contains(codesOfRights, answer.Code) {
		return &failure{err, registry.ErrForbidden, fmt.Sprintf("allow ecr:%s on this repository in the IAM policy of the role or user, and do not deny it in the repository's own policy", action)}
	}
	for _, m := range meanings {
		if !slices.Contains(m.codes, answer.Code) {
			continue
		}
		if m.text != "" {
			err = fmt.Errorf("%s: %w", m.text, err)
		}
		if m.hint == "" {
			m.hint = renew
		}
		return &failure{err, m.kind, m.hint}
	}
	return err
}

// expired reports whether AWS calls the credentials of a request expired.
func expired(err error) bool {
	var answer *registry.Error
	return errors.As(err, &answer) && slices.Contains(meanings[0].codes, answer.Code)
}

// withKind says of an answer that it has given no keys: an answer below 500 means the login.
func withKind(err error, kind *registry.Kind) error {
	var answer *registry.Error
	if errors.As(err, &answer) && !answer.Limited && answer.Status < http.StatusInternalServerError {
		return registry.Mark(err, kind)
	}
	return err
}

// explainJSON reads an error of the JSON protocol, whose code can have a namespace
// (https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html, "Operation error serialization").
func explainJSON(header http.Header, body []byte) (code, message string) {
	var e struct {
		Type    string `json:"__type"`
		Code    string
		Message string
	}
	_ = json.Unmarshal(body, &e) // what does not parse is not AWS's, and has neither
	code = e.Type
	for _, other := range []string{e.Code, header.Get("X-Amzn-ErrorType")} {
		if code == "" {
			code = other
		}
	}
	if _, local, ok := strings.Cut(code, "#"); ok {
		code = local
	}
	code, _, _ = strings.Cut(code, ":")
	return code, e.Message
}

// codesOfLimits are those by which AWS says that there are too many requests, with the status 400.
var codesOfLimits = []string{"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException"}

// limited returns a function that recognizes these.
func limited(explain func(http.Header, []byte) (code, message string)) func(int, http.Header, []byte) (time.Duration, bool) {
	return func(status int, header http.Header, body []byte) (time.Duration, bool) {
		code, _ := explain(header, body)
		return 0, status == http.StatusTooManyRequests || slices.Contains(codesOfLimits, code)
	}
}

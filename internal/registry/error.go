package registry

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Error is a registry's answer that is not a success. The URL has neither query nor user in it, because both can hold
// secrets: redirects to object storage are signed in the query.
type Error struct {
	Method     string
	URL        string
	Status     int
	Code       string        // the first error code of the body, such as MANIFEST_UNKNOWN; "" without one
	Message    string        // the first message of the body
	Detail     string        // the JSON of what the body says in addition; it is not part of the text
	RetryAfter time.Duration // what a Retry-After header asks for; 0 without one
	Challenge  string        // the scheme of a WWW-Authenticate header, such as Bearer
	Scope      string        // the scope that it names, such as "repository:team/app:delete"
	ReadOnly   bool          // a 405 whose Allow header offers reads alone: distribution in maintenance mode
	Foreign    bool          // the body is not a registry's: something in between has answered
	Limited    bool          // the login has asked for too much, whatever the status is
	Lacks      bool          // a 401 to a login that may read: it lacks the right for this request
}

// Error returns one line: what is wrong where that is known, else the request, the status and what the registry said.
func (e *Error) Error() string {
	answer := fmt.Sprintf("%s %s: %s", e.Method, e.URL, e.Answer())
	switch kind := e.kind(); {
	case kind == ErrReadOnly, kind == ErrDeletionDisabled:
		return fmt.Sprintf("%s (%s)", kind.Text, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.Code)))
	case kind == ErrIntercepted:
		return answer + ": " + kind.Text
	case e.Lacks:
		return fmt.Sprintf("this login may not %s: %s", e.right(), answer)
	}
	return answer
}

// Answer returns the status and what the registry said.
func (e *Error) Answer() string {
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
	case e.Limited:
		return nil
	case e.Lacks:
		return ErrForbidden
	case e.Status == http.StatusUnauthorized:
		return ErrUnauthorized
	case e.Foreign && slices.Contains([]int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented}, e.Status):
		return ErrIntercepted
	case e.Status == http.StatusForbidden:
		return ErrForbidden
	case e.Status == http.StatusNotFound && slices.Contains(codesOfAbsence, e.Code) && !e.blamesRequest():
		return ErrNotFound
	case e.Status != http.StatusMethodNotAllowed, e.refusal() != nil:
		return nil
	case e.ReadOnly:
		return ErrReadOnly
	case e.Method == http.MethodDelete:
		return ErrDeletionDisabled
	}
	return ErrNotAllowed
}

const codeDenied = "DENIED"

// codesOfAbsence are the codes by which a registry says that it does not have something (OCI distribution-spec v1.1,
// "Error Codes"; NOT_FOUND is Harbor's, TAG_EXPIRED is Quay's word of a tag that was deleted). A 404 without one may be a proxy's, and an image that a proxy hides is not gone.
var codesOfAbsence = []string{"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND", "TAG_EXPIRED"}

// otherCauses are what an answer of 404 says when the registry has what was asked for and does not hand it out: of the
// Accept header ("OCI index found, but accept header does not support OCI indexes", handlers/manifests.go of distribution
// 2.8), of the login, and of permissions.
var otherCauses = []string{
	"accept header", "does not support", "not supported", "not acceptable", "authenticat", "authoriz", "authoris", "permission", "access denied", "forbidden",
	"insufficient", "log in", "login",
}

// blamesRequest reports whether the text of the answer names another cause than absence. The names that were asked for are
// not a part of that text, because a repository can be called login.
func (e *Error) blamesRequest() bool {
	text := strings.ToLower(e.Message + " " + e.Detail)
	_, path, _ := strings.Cut(strings.ToLower(e.URL), "/v2/")
	for name := range strings.SplitSeq(path, "/") {
		if name != "" {
			text = regexp.MustCompile(`(^|[^a-z])`+regexp.QuoteMeta(name)+`([^a-z]|$)`).ReplaceAllString(text, "$1$2")
		}
	}
	return slices.ContainsFunc(otherCauses, func(cause string) bool { return strings.Contains(text, cause) })
}

// refusals are the answers to a deletion that are about the manifest alone. The first row that fits tells what they mean.
// A 403 says only that the login may not.
var refusals = []struct {
	status     int
	code, text string // "" is any; text is in lower case
	kind       *Kind
}{
	// Azure: locked against deletion or writing (https://github.com/Azure/acr-cli/issues/70).
	{http.StatusMethodNotAllowed, "REGISTRY_DISALLOWED_OPERATION", "", ErrRetained},
	{http.StatusMethodNotAllowed, codeDenied, "", ErrInUse},       // zot
	{http.StatusConflict, "TAG_IMMUTABLE", "", ErrRetained},       // Quay
	{http.StatusPreconditionFailed, "", "immutable", ErrRetained}, // Harbor: PRECONDITION, "the tag v1 configured as immutable, cannot be deleted"
	{http.StatusPreconditionFailed, "", "", ErrInUse},             // Harbor: "the deleting artifact is referenced by others"
	{http.StatusConflict, "", "", ErrInUse},                       // GitLab: MANIFEST_REFERENCED
	// Google: a tag, an index or a referrer.
	{http.StatusBadRequest, "GOOGLE_MANIFEST_DANGLING_TAG", "", ErrInUse},
	{http.StatusBadRequest, "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", "", ErrInUse},
	{http.StatusBadRequest, "GOOGLE_MANIFEST_REFERRING_MANIFEST", "", ErrInUse},
}

// refusal is what the answer says of the manifest alone; nil when it says nothing of it.
func (e *Error) refusal() *Kind {
	for _, r := range refusals {
		if e.Status == r.status && (r.code == "" || r.code == e.Code) && strings.Contains(strings.ToLower(e.Message), r.text) {
			return r.kind
		}
	}
	return nil
}

// codesOfUse are the codes by which a registry says itself that something refers to a manifest: GitLab's with 409, Harbor's
// with 412.
var codesOfUse = []string{"MANIFEST_REFERENCED", "VIOLATE_FOREIGN_KEY_CONSTRAINT", "PRECONDITION"}

// Vague reports whether an answer that is [ErrInUse] is so by its status alone, 409 or 412 without a code that says it.
// Anything may be wrong then. That is enough to leave a part of something that is deleted, and not to pass over an image.
func (e *Error) Vague() bool {
	return (e.Status == http.StatusConflict || e.Status == http.StatusPreconditionFailed) && !slices.Contains(codesOfUse, e.Code)
}

// Is reports whether the answer is of a kind. Registries say in different ways that they keep a manifest, see refusals.
func (e *Error) Is(target error) bool {
	if target == ErrLimited {
		return e.Limited
	}
	if target != ErrInUse && target != ErrRetained {
		kind := e.kind()
		if kind == ErrIntercepted && (target == ErrForbidden || target == ErrNotAllowed) { // what the status says all the same
			return (target == ErrForbidden) == (e.Status == http.StatusForbidden)
		}
		return kind != nil && target == kind
	}
	refusal := e.refusal()
	return refusal != nil && target == refusal
}

// Hint returns what helps against the answer; "" when that is not known.
func (e *Error) Hint() string {
	switch kind := e.kind(); {
	case e.Lacks:
		return e.lacks()
	case kind == ErrForbidden && (e.Method == http.MethodPost || e.Method == http.MethodPut):
		return "--delete-by retag pushes to the registry, and the login may not; --delete-by auto does without"
	case kind == ErrForbidden && e.Method != http.MethodDelete:
		return "the login is valid but may not read this; it needs the right to pull, and for a prune the right to delete"
	case kind != nil:
		return kind.Hint()
	case e.Status == http.StatusInternalServerError && e.Code == "UNKNOWN" && strings.Contains(e.URL, "/manifests/") && e.Method != http.MethodDelete:
		return "the registry cannot read this, and its log says why; if that does not change, push the tag again or delete it in the registry"
	case e.Status == http.StatusBadRequest && e.Code == "", e.Status >= 300 && e.Status < 400:
		return "if the registry speaks https, leave --plain-http out"
	}
	return ""
}

// schema1Unknown is what distribution 3.x says of a manifest in docker's first form, with status 500
// (registry/storage/manifeststore.go, "unrecognized manifest schema version").
const schema1Unknown = "unrecognized manifest schema version 1"

// SameAgain reports whether the registry fails in the same way whenever it is asked: it does not know the format of
// what it has.
func (e *Error) SameAgain() bool {
	return e.Status == http.StatusInternalServerError && strings.Contains(e.Detail, schema1Unknown)
}

// right is what a request needs the right to do.
func (e *Error) right() string {
	if e.Method == http.MethodDelete {
		return "delete"
	}
	return "push"
}

// lacks says which right a login lacks, as far as the registry tells. Some answer 401 where others answer 403, and name no
// scope. What the right is called there, the kind says.
func (e *Error) lacks() string {
	scope := ""
	if e.Scope != "" {
		scope = fmt.Sprintf(" (the registry asks for the scope %s)", e.Scope)
	}
	return fmt.Sprintf("the login is valid and may read; give it the right to %s in this repository%s", e.right(), scope)
}

// MediaTypeError is returned for a manifest of a kind that is not understood.
type MediaTypeError struct{ MediaType string }

// Error names the media type.
func (e *MediaTypeError) Error() string {
	return fmt.Sprintf("its media type %q is not understood, so neither is what it depends on", e.MediaType)
}

// Hint says how the repository can be pruned again.
func (e *MediaTypeError) Hint() string {
	return "no image of this repository is deleted while one of them cannot be understood; delete that tag, or push it again with a current tool"
}

package ghcr

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
)

// problem is an error of a kind with advice that is about GitHub.
type problem struct {
	error
	kind *registry.Kind // nil is that of the error
	hint string
}

// Is reports whether target is the kind.
func (p *problem) Is(target error) bool { return p.kind != nil && target == p.kind }
func (p *problem) Unwrap() error        { return p.error }

// Hint says what to do.
func (p *problem) Hint() string { return p.hint }

// The rights that a token needs, by the names that GitHub gives to them
// (https://docs.github.com/packages/learn-github-packages/about-permissions-for-github-packages).
const (
	hintLogin = "log in to the registry with a token that is valid: in a workflow GITHUB_TOKEN with permissions: packages: write, " +
		"else a classic personal access token with the scopes read:packages and delete:packages"
	hintDelete = "in a workflow, set permissions: packages: write and give the repository the Admin role on the package " +
		"(Package settings, Manage Actions access); a classic personal access token needs the scope delete:packages, and its owner the Admin role"
	hintRead = "in a workflow, set permissions: packages: write and give the repository a role on the package " +
		"(Package settings, Manage Actions access); a classic personal access token needs the scope read:packages"
	hintUnknown = "check the name, OWNER/PACKAGE; GitHub answers the same where the token may not see the package: " + hintRead
	hintRenamed = "the owner has perhaps been renamed: use the new name of the image"
)

// explain gives an answer of the API its kind and advice. doing is what the request was for.
func (a *api) explain(doing string, err error) error {
	var answer *registry.Error
	if err == nil || !errors.As(err, &answer) || answer.Limited || answer.Foreign {
		return wrap(doing, err)
	}
	text := strings.ToLower(answer.Message)
	switch status := answer.Status; {
	case status == http.StatusUnauthorized:
		return &problem{wrap(doing, err), registry.ErrUnauthorized, hintLogin}
	case status == http.StatusForbidden && strings.Contains(text, "scope"):
		return &problem{wrap(doing, err), registry.ErrForbidden, a.scopeHint("read:packages")}
	case status == http.StatusForbidden && doing == doingDelete:
		return &problem{wrap(doing, err), registry.ErrForbidden, hintDelete}
	case status == http.StatusForbidden:
		return &problem{wrap(doing, err), registry.ErrForbidden, hintRead}
	case status == http.StatusBadRequest && retained(text):
		return &problem{wrap(doing, err), registry.ErrRetained, ""}
	case status == http.StatusBadRequest:
		return &problem{wrap(doing, err), nil, ""}
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return &problem{wrap(doing, err), nil, hintRenamed}
	}
	return wrap(doing, err)
}

// What requests are for.
const (
	doingList    = "list the versions"
	doingDelete  = "delete the version"
	doingConfirm = "look for the version"
)

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// retained reports whether a refusal with 400 is about the version alone. Both are in no document: "You cannot delete the
// last tagged version of a package." (https://github.com/actions/delete-package-versions/issues/231) and "Publicly
// visible package versions with more than 5000 downloads cannot be deleted."
// (https://github.com/chizkiyahu/delete-untagged-ghcr-action/issues/40).
func retained(text string) bool {
	return strings.Contains(text, "cannot delete the last") || strings.Contains(text, "downloads cannot be deleted")
}

// scopeHint names a scope that the token lacks, and those that it has, as far as GitHub has said so.
func (a *api) scopeHint(scope string) string {
	hint := "give the classic personal access token the scope " + scope + " (Settings, Developer settings, Tokens (classic))"
	if scopes := a.scopesOf(); len(scopes) > 0 {
		hint += "; it has " + strings.Join(scopes, ", ")
	}
	return hint
}

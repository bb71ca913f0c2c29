package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
)

// explain says an error in the words of somebody who wants to know what is wrong, not which request failed.
func explain(err error) string {
	var answer *registry.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled: " + err.Error()
	case !errors.As(err, &answer):
		return err.Error()
	case answer.ReadOnly:
		return "the registry is in read-only mode (405)"
	case deletionDisabled(answer):
		return fmt.Sprintf("deletion is disabled there (405 %s)", answer.Code)
	}
	return err.Error()
}

// hint returns what helps against an error, or "".
func hint(err error) string {
	var answer *registry.Error
	var authority x509.UnknownAuthorityError
	var verify *tls.CertificateVerificationError
	var none *ci.NoImageError
	var mediaType *registry.MediaTypeError
	var file *policy.FileError
	var unmatched *policy.NoEntryError
	switch {
	case errors.Is(err, errNoTarget):
		return "for example --gc-via docker://registry, or ssh://user@host with --gc-stop and --gc-start (docs/garbage-collection.md)"
	case errors.Is(err, errShardCollects):
		return "collect once, by regsweep gc in a job after these; --shard 1/1 says that this job prunes all"
	case errors.As(err, &unmatched):
		return unmatched.Hint()
	case errors.As(err, &file):
		return file.Hint()
	case errors.Is(err, retain.ErrNoKeepRule):
		return "say what to keep, for example --keep-last 5 or --keep-younger-than 30d"
	case errors.As(err, &none):
		return "name it, as in regsweep registry.example.com/team/app --keep-last 5; looked at " + strings.Join(none.Looked, ", ")
	case errors.Is(err, oci.ErrReference):
		return "an image is host[:port]/path[:tag][@digest], as docker push prints it"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "the registry speaks http: --plain-http says that this is meant"
	case errors.As(err, &authority), errors.As(err, &verify):
		return "trust the registry's certificate authority with --ca-file FILE, or put it where docker looks, /etc/docker/certs.d/HOST/ca.crt"
	case errors.As(err, &mediaType):
		return "no image of this repository is deleted while one of them cannot be understood; delete or push that tag again with a current tool"
	case errors.Is(err, registry.ErrUnknownRepository):
		return "check the name; the registry must have seen a push to it"
	case errors.Is(err, registry.ErrUnauthorized):
		return "looked for a login in docker's configuration (DOCKER_CONFIG or HOME), REGISTRY_AUTH_FILE, --username with --password-file or REGSWEEP_PASSWORD, and the CI's own; docker login makes one"
	case errors.Is(err, prune.ErrNoTagDeletion):
		return "--delete-by auto deletes by digest there; --delete-by retag is faster and pushes a placeholder to the registry"
	case errors.Is(err, prune.ErrTagDeletion):
		return "--delete-by auto or tags-first does there what retag is for, and writes nothing"
	case errors.Is(err, prune.ErrNoJournal):
		return "name a folder that can be written to with --state-dir, or leave --delete-by out"
	case errors.As(err, &answer):
		return answerHint(answer)
	}
	return ""
}

func deletionDisabled(e *registry.Error) bool {
	return e.Method == http.MethodDelete && e.Status == http.StatusMethodNotAllowed
}

func answerHint(e *registry.Error) string {
	switch {
	case e.ReadOnly:
		return "in the registry's config.yml set storage.maintenance.readonly.enabled: false and restart it"
	case deletionDisabled(e):
		return "in the registry's config.yml set storage.delete.enabled: true and restart it (or REGISTRY_STORAGE_DELETE_ENABLED=true in its environment)"
	case e.Status == http.StatusForbidden && (e.Method == http.MethodPost || e.Method == http.MethodPut):
		return "--delete-by retag pushes to the registry, and the login may not; --delete-by auto does without"
	case e.Status == http.StatusForbidden:
		return "the login is known but may not do this; on the registry it needs the right to delete"
	case e.Status == http.StatusBadRequest && e.Code == "", e.Status >= 300 && e.Status < 400:
		return "if the registry speaks https, leave --plain-http out"
	}
	return ""
}

// explained is an error in the words of [explain], with its [hint].
type explained struct{ error }

func (e explained) Error() string { return explain(e.error) }
func (e explained) Hint() string  { return hint(e.error) }
func (e explained) Unwrap() error { return e.error }

package registry

import "errors"

// Kind is a kind of failure. Errors of this program's registry packages match theirs by [errors.Is], whatever their
// text is, and the error that is nearest to the cause knows what helps.
type Kind struct {
	// Text says what is wrong.
	Text string
	// Advice says what the user can do about it; "" when nothing general helps.
	Advice string
}

// Error returns the text.
func (k *Kind) Error() string { return k.Text }

// Hint returns the advice. It returns "" if no advice helps.
func (k *Kind) Hint() string { return k.Advice }

// The kinds of failure that callers tell apart.
var (
	// ErrUnknownRepository marks a repository that the registry does not know.
	ErrUnknownRepository = &Kind{"the registry knows no such repository", "check the name; a registry knows a repository only after the first push to it"}
	// ErrNotFound marks the registry's own word that it does not have something. A 404 of a proxy is not.
	ErrNotFound = &Kind{"the registry does not have it", ""}
	// ErrIncomplete marks content that was read and is not understood, contradicts itself or has no end. What depends on
	// what is then not known, and nothing may be deleted.
	ErrIncomplete = &Kind{"the repository is not completely known", ""}
	// ErrUnauthorized marks a missing or wrong login.
	ErrUnauthorized = &Kind{
		"the registry does not accept the login",
		"run docker login, or give --username with --password-file or REGSWEEP_PASSWORD; regsweep looked for a login in docker's configuration (DOCKER_CONFIG or HOME), REGISTRY_AUTH_FILE, these inputs and the CI's own variables",
	}
	// ErrNoToken marks a token server that gives no token, so that no request is answered.
	ErrNoToken = &Kind{"the token server gives no token", ""}
	// ErrForbidden marks a request that the login may not make.
	ErrForbidden = &Kind{"the login may not do this", "the registry knows the login but does not let it do this; give the login the right to delete on the registry"}
	// ErrDeletionDisabled marks a registry whose configuration allows no deletion.
	ErrDeletionDisabled = &Kind{
		"deletion is disabled there",
		"in the registry's config.yml set storage.delete.enabled: true and restart it (or REGISTRY_STORAGE_DELETE_ENABLED=true in its environment)",
	}
	// ErrReadOnly marks a registry in maintenance mode.
	ErrReadOnly = &Kind{"the registry is in read-only mode", "in the registry's config.yml set storage.maintenance.readonly.enabled: false and restart it"}
	// ErrNotAllowed marks a method other than DELETE that the registry answers with 405.
	ErrNotAllowed = &Kind{"the registry does not allow this request", ""}
	// ErrIntercepted marks an answer that something between this program and the registry has given.
	ErrIntercepted = &Kind{
		"refused on the way, by something that is not the registry",
		"a proxy, a firewall or a web server in front of the registry refuses the request; let its method pass there, or name the registry by an address that does not lead through it",
	}
	// ErrRealm marks a token server to which a login is not sent.
	ErrRealm = &Kind{
		"the login is not sent to the token server that the registry names",
		"correct the address of the token server in the registry's configuration (auth.token.realm): it must be an http or https URL, with https if the registry has it, and a host that is not a loopback or link-local address unless the registry's is",
	}
	// ErrInUse marks a manifest that the registry keeps because something still refers to it.
	ErrInUse = &Kind{"the registry says that it is still referred to", ""}
	// ErrRetained marks a manifest that the registry protects: locked, immutable, or the last one of its kind. No order of
	// deletions changes that.
	ErrRetained = &Kind{"the registry itself keeps it", ""}
	// ErrLimited marks a registry that lets this login ask for nothing more for some time.
	ErrLimited = &Kind{"the registry allows no more requests for now", "let the run go on later: the next run deletes what this one has left"}
	// ErrNotSent marks a request that was cancelled before it was sent.
	ErrNotSent = &Kind{"the request was not sent", ""}
	// ErrNotAnswered marks a deletion that was sent and not answered in time. The registry is stuck, and another client
	// that hangs up on it may leave tags that point at nothing.
	ErrNotAnswered = &Kind{"the registry does not answer", ""}
	// ErrUnsettled marks a request that would change something, was sent, and was not answered with a refusal: nobody
	// knows whether the registry has done it.
	ErrUnsettled = &Kind{"it is not known whether the registry has done it", ""}
	// ErrTagDeletionUnclear marks an answer that does not tell whether the registry removes tags. Deletion by digest is
	// not in doubt.
	ErrTagDeletionUnclear = &Kind{"it is not clear whether the registry removes tags", "--delete-by digest works without removing tags"}
	// ErrRightUnknown marks a registry that does not tell without a deletion whether this login may delete.
	ErrRightUnknown = &Kind{"the registry does not say whether this login may delete", "a first prune shows it: what it may not delete, it reports"}
	// ErrNoCatalog marks a registry that does not list its repositories to this login.
	ErrNoCatalog = &Kind{
		"the registry does not list its repositories",
		"the registry does not list its repositories to this login: name them one by one; rank also reads a log that you make next to the registry, by registry garbage-collect --dry-run CONFIG > gc.log and --from gc.log",
	}
	// ErrPlainHTTP marks a registry that speaks http where https was expected.
	ErrPlainHTTP = &Kind{"the registry speaks http", "the registry speaks http; --plain-http allows that"}
	// ErrCertificate marks a certificate that is not trusted.
	ErrCertificate = &Kind{
		"the registry's certificate is not trusted",
		"trust the registry's certificate authority with --ca-file FILE, or put it where docker looks, /etc/docker/certs.d/HOST/ca.crt",
	}
)

// marked is an error of a kind, with the error's own text.
type marked struct {
	error
	kind *Kind
}

// Mark gives an error a kind without changing its text. A nil error stays nil.
func Mark(err error, kind *Kind) error {
	if err == nil {
		return nil
	}
	return marked{err, kind}
}

// Is reports whether target is the kind.
func (m marked) Is(target error) bool { return target == m.kind }
func (m marked) Unwrap() error        { return m.error }

// Hint returns the kind's advice, else that of the error itself.
func (m marked) Hint() string {
	var inner interface{ Hint() string }
	if m.kind.Advice == "" && errors.As(m.error, &inner) {
		return inner.Hint()
	}
	return m.kind.Advice
}

package vendors

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// serveRegistry is /v2 and /acr/v1 with the login in front of them.
func (f *ACR) serveRegistry(w http.ResponseWriter, r *http.Request, next http.Handler) {
	path, _, rest, ok := splitKinds(r.URL.Path)
	api := strings.HasPrefix(r.URL.Path, "/acr/v1/")
	if api {
		path, _, rest, ok = splitACR(r.URL.Path)
	}
	refuse := func(status int, code, message string) {
		if r.Method == http.MethodDelete && ok {
			f.addRefusal(refusalOf(path, rest, status, code))
		}
		answerOCI(w, status, code, message)
	}
	action := acrAction(r.Method, api)
	if reason, good := f.allowed(r, path, action); !good {
		challenge := fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="%s"`, origin(r), r.Host)
		if path != "" {
			challenge += fmt.Sprintf(`,scope="repository:%s:%s"`, path, action)
		}
		if reason != "" {
			challenge += fmt.Sprintf(`,error="%s"`, reason)
		}
		w.Header().Set("WWW-Authenticate", challenge)
		refuse(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.")
		return
	}
	if !f.answer(w, r, refuse) {
		next.ServeHTTP(w, r)
	}
}

// acrAction is the action that a request needs. That a list below /acr/v1 needs metadata_read is documented, the others of
// that API are unverified.
func acrAction(method string, api bool) string {
	switch {
	case method == http.MethodDelete:
		return "delete"
	case method == http.MethodPatch && api:
		return "metadata_write"
	case api:
		return "metadata_read"
	case method == http.MethodGet || method == http.MethodHead:
		return "pull"
	}
	return "push"
}

// answer answers what the registry in memory does not know or may not do, and returns whether it did.
func (f *ACR) answer(w http.ResponseWriter, r *http.Request, refuse refusal) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodDelete && f.limited > 0 {
		f.limited--
		w.Header().Set("Retry-After", "1")
		refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many requests")
		return true
	}
	if strings.HasPrefix(r.URL.Path, "/acr/v1/") {
		f.serveV1(w, r, refuse)
		return true
	}
	path, kind, rest, _ := splitKinds(r.URL.Path)
	switch {
	case kind == "referrers" && r.Method == http.MethodGet:
		answerReferrers(w, r, storedManifests(f.Registry, path), oci.Digest(rest))
	case kind == "manifests" && r.Method == http.MethodDelete:
		f.deleteManifest(w, path, rest, refuse)
	case kind == "manifests" && r.Method == http.MethodPut && f.locks[acrKey{path, rest}].NoWrite:
		refuse(http.StatusMethodNotAllowed, acrDisallowed, acrDisallowedText)
	default:
		return false
	}
	return true
}

// The answer about something that is locked (https://github.com/Azure/acr-cli/issues/70).
const (
	acrDisallowed     = "REGISTRY_DISALLOWED_OPERATION"
	acrDisallowedText = "The operation is disallowed on this registry, repository or image. " +
		"View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation"
)

// deleteManifest deletes a manifest with its tags and, by default, its referrers. Nothing protects the child of an index
// (unverified). A tag is not deleted here: the code for it is unverified.
func (f *ACR) deleteManifest(w http.ResponseWriter, path, ref string, refuse refusal) {
	if !strings.Contains(ref, ":") {
		refuse(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		return
	}
	s, ok := find(storedManifests(f.Registry, path), oci.Digest(ref))
	switch {
	case !ok:
		answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest "+ref+" is not found")
	case f.isLocked(path, s):
		refuse(http.StatusMethodNotAllowed, acrDisallowed, acrDisallowedText)
	default:
		f.remove(path, s)
		w.WriteHeader(http.StatusAccepted)
	}
}

// isLocked counts the locks of a manifest and of its tags. That a tag's lock holds its manifest is unverified.
func (f *ACR) isLocked(path string, s stored) bool {
	return slices.ContainsFunc(append([]string{s.Digest.String()}, s.Tags...), func(ref string) bool {
		lock := f.locks[acrKey{path, ref}]
		return lock.NoDelete || lock.NoWrite
	})
}

// remove takes the referrers with a subject, except for those that are locked.
func (f *ACR) remove(path string, s stored) {
	if f.opts.SoftDelete {
		f.trash = append(f.trash, f.book(path, s))
	}
	f.Remove(path, s.Digest)
	f.addDeletion(Deletion{Path: path, Digest: s.Digest, Tags: s.Tags})
	if f.opts.KeepsReferrers {
		return
	}
	all := storedManifests(f.Registry, path)
	for _, d := range referrers(all, s.Digest) {
		if r, ok := find(all, d); ok && !f.isLocked(path, r) {
			f.remove(path, r)
		}
	}
}

// deleteTag removes a tag and leaves the manifest.
func (f *ACR) deleteTag(w http.ResponseWriter, path, tag string, refuse refusal) {
	d, ok := f.Tags(path)[tag]
	lock := f.locks[acrKey{path, tag}]
	switch {
	case !ok:
		answerOCI(w, http.StatusNotFound, "TAG_UNKNOWN", "the specified tag does not exist")
	case lock.NoDelete || lock.NoWrite:
		refuse(http.StatusMethodNotAllowed, acrDisallowed, acrDisallowedText)
	default:
		f.Untag(path, tag)
		f.changed[acrKey{path, d.String()}] = f.opts.Now()
		f.addDeletion(Deletion{Path: path, Digest: d, Tags: []string{tag}, TagOnly: true})
		w.WriteHeader(http.StatusAccepted)
	}
}

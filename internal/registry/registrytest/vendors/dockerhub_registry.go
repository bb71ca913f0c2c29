package vendors

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
)

// serveRegistry answers the distribution API. It has no referrers (https://github.com/docker/roadmap/issues/724).
func (f *DockerHub) serveRegistry(w http.ResponseWriter, r *http.Request, next http.Handler) {
	name, rest := splitV2(r.URL.Path)
	if !f.admit(w, r, name, rest) {
		return
	}
	ref, isManifest := strings.CutPrefix(rest, "manifests/")
	if isManifest {
		f.finish(name, ref)
	}
	switch {
	case rest == "":
		next.ServeHTTP(w, r)
	case strings.HasPrefix(rest, "referrers/"):
		answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	case r.Method == http.MethodDelete && isManifest:
		f.deleteManifest(w, name, ref)
	case r.Method == http.MethodDelete:
		answerOCI(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
	case r.Method == http.MethodPut && isManifest && f.immutable(name, ref):
		answerOCI(w, http.StatusForbidden, "DENIED", "the tag is immutable") // unverified
	case r.Method == http.MethodGet && isManifest && !f.pull(w, r):
		answerOCI(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "You have reached your pull rate limit.")
	case r.Method == http.MethodGet && strings.HasPrefix(rest, "blobs/sha256:"):
		f.blobs.redirect(w, r, next)
	default:
		next.ServeHTTP(w, r)
	}
}

// admit lets a request pass whose bearer grants what it does, or answers 401 with the challenge. A deletion asks for the
// scope "delete".
func (f *DockerHub) admit(w http.ResponseWriter, r *http.Request, name, rest string) bool {
	scope, action := "", "pull"
	switch {
	case rest == "_catalog":
		scope = "registry:catalog:*"
	case name == "":
		action = ""
	case r.Method == http.MethodDelete:
		scope, action = "repository:"+name+":delete", "delete"
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		scope = "repository:" + name + ":pull"
	default:
		scope, action = "repository:"+name+":pull,push", "push"
	}
	b := f.bearer(r)
	if b != nil && (action == "" || slices.Contains(b.grants[name], action)) {
		return true
	}
	challenge := fmt.Sprintf(`Bearer realm="https://%s/token",service="registry.docker.io"`, hubAuth)
	if isLoopback(r.Host) {
		challenge = strings.Replace(challenge, "https://"+hubAuth, origin(r), 1)
	}
	if scope != "" {
		challenge += fmt.Sprintf(`,scope="%s"`, scope)
	}
	if b != nil {
		challenge += `,error="insufficient_scope"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	if r.Method == http.MethodDelete {
		f.addRefusal(refusalOf(name, rest, http.StatusUnauthorized, "UNAUTHORIZED"))
	}
	answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	return false
}

func (f *DockerHub) bearer(r *http.Request) *hubBearer {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.bearers[secret]; ok && b != nil && f.opts.Now().Before(b.expires) {
		return b
	}
	return nil
}

// immutable reports whether a tag that is there can be neither deleted nor overwritten.
func (f *DockerHub) immutable(path, tag string) bool {
	_, there := f.Tags(path)[tag]
	return there && slices.Contains(f.opts.Immutable, tag)
}

// deleteManifest deletes a manifest that nothing uses, or, where that is set, a tag.
func (f *DockerHub) deleteManifest(w http.ResponseWriter, path, ref string) {
	f.mu.Lock()
	status, code, message := f.tryDelete(path, ref)
	f.mu.Unlock()
	if status == http.StatusAccepted {
		w.WriteHeader(status)
		return
	}
	f.addRefusal(refusalOf(path, "manifests/"+ref, status, code))
	answerOCI(w, status, code, message)
}

// tryDelete does what deleteManifest answers. The texts, and the answers for a tag, are unverified. A deletion that
// answers 500 enters the books as refused, and as deleted when it has finished. The caller holds f.mu.
func (f *DockerHub) tryDelete(path, ref string) (status int, code, message string) {
	d, err := digest.Parse(ref)
	m, there := f.Manifest(path, d)
	switch {
	case f.opts.NoManifestDeletes, err != nil && !f.opts.RegistryTagDeletes:
		return http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported."
	case err != nil && f.immutable(path, ref):
		return http.StatusForbidden, "DENIED", "the tag is immutable"
	case err != nil:
		if !f.removeTag(path, ref) {
			return http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown"
		}
		return http.StatusAccepted, "", ""
	case !there || m.MediaType == "":
		return http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown"
	}
	if by := f.used(path, d); by != "" {
		return http.StatusForbidden, "DENIED", "the manifest is referenced by " + by
	}
	_, slow := f.slow[hubManifest{path, d}]
	if !slow && f.slowed < f.opts.SlowDeletes {
		f.slowed++
		f.slow[hubManifest{path, d}], slow = f.opts.SlowReads, true
	}
	if slow { // asking again does not help
		return http.StatusInternalServerError, "UNKNOWN", "unknown error"
	}
	f.drop(path, d)
	return http.StatusAccepted, "", ""
}

func (f *DockerHub) drop(path string, d oci.Digest) {
	f.Remove(path, d)
	delete(f.slow, hubManifest{path, d})
	f.addDeletion(Deletion{Path: path, Digest: d})
}

// finish counts a request for a manifest, and ends its slow deletion when it has lasted long enough. A manifest that was
// tagged meanwhile stays.
func (f *DockerHub) finish(path, ref string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := hubManifest{path, oci.Digest(ref)}
	left, slow := f.slow[key]
	switch {
	case slow && left > 0:
		f.slow[key]--
	case slow && f.used(path, key.d) == "":
		f.drop(path, key.d)
	case slow:
		delete(f.slow, key)
	}
}

// removeTag removes a tag and leaves its manifest. The caller holds f.mu.
func (f *DockerHub) removeTag(path, tag string) bool {
	d, there := f.Tags(path)[tag]
	if !there {
		return false
	}
	if f.opts.StaleReads > 0 {
		f.stale = append(f.stale, &hubStale{path, f.describe(path, tag, d), f.opts.StaleReads})
	}
	f.Untag(path, tag)
	f.addDeletion(Deletion{Path: path, Digest: d, Tags: []string{tag}, TagOnly: true})
	return true
}

package vendors

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
)

// deleteTag removes a tag and leaves its manifest. Without the slash at the end it redirects, which turns the DELETE of
// a client that follows into a GET (unverified).
func (f *DockerHub) deleteTag(w http.ResponseWriter, r *http.Request, login *hubJWT, repo, rest string) {
	tag := strings.Trim(rest, "/")
	switch {
	case login == nil:
		f.refuse(w, r, http.StatusUnauthorized, "Authentication credentials were not provided.")
	case tag == "":
		f.refuse(w, r, http.StatusMethodNotAllowed, `Method "DELETE" not allowed.`)
	case !strings.HasSuffix(rest, "/"):
		w.Header().Set("Location", r.URL.EscapedPath()+"/")
		f.refuse(w, r, http.StatusMovedPermanently, "Moved Permanently")
	case login.tok.isToken() && (login.old || f.opts.NoTokenTagDeletes):
		f.refuse(w, r, http.StatusForbidden, "access to the resource is forbidden with personal access token")
	case !login.tok.may(repo, "delete"):
		f.refuse(w, r, cmp.Or(f.opts.DeniedStatus, http.StatusForbidden), "access to the resource is forbidden")
	case f.immutable(repo, tag):
		f.refuse(w, r, http.StatusForbidden, "the tag is immutable") // unverified
	default:
		f.mu.Lock()
		failing := f.failed < f.opts.TagFailures
		if failing {
			f.failed++
		}
		removed := !failing && f.removeTag(repo, tag)
		f.mu.Unlock()
		switch {
		case failing:
			f.refuse(w, r, http.StatusInternalServerError, `{"detail":"unauthorized","status":401}`)
		case !removed:
			f.refuse(w, r, http.StatusNotFound, "object not found")
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}
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

package vendors

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// GitLabOptions say how GitLab and its registry are set up. The zero value is a registry with the metadata database
// that needs no login.
type GitLabOptions struct {
	// Logins are the accounts; without any, no login is needed. [JobToken] and [DeployToken] make two usual ones.
	Logins []Login
	// Public lets requests without a login pull.
	Public bool
	// NoDatabase is a registry that keeps everything in files, as CNCF distribution does: it refuses nothing and has no
	// listing of its own.
	NoDatabase bool
	// NoPublished leaves published_at out of the listing and ignores sort, as registries before 2023 do.
	NoPublished bool
	// ProtectedTags are regular expressions of tags that the login may not delete, and ImmutableTags of tags that nobody may.
	// GitLab takes at most five a project. Where there is one, nothing can be deleted by digest.
	ProtectedTags, ImmutableTags []string
	// PushProtected are repositories for which a token that would push is refused altogether.
	PushProtected []string
	// TokenLife is how long a token is good for; 0 is five minutes (unverified).
	TokenLife time.Duration
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// JobToken is the login of a CI job. It may delete only in the registry of its own project
// (ContainerRegistryAuthenticationService in GitLab's sources).
func JobToken(project, secret string) Login {
	return Login{User: "gitlab-ci-token", Password: secret, Actions: []string{"pull", "push", "delete"}, Under: project}
}

// DeployToken is the login of a deploy token, which may never delete (the same source).
func DeployToken(user, secret string) Login {
	return Login{User: user, Password: secret, Actions: []string{"pull", "push"}}
}

// GitLab is a fake of GitLab's registry with the metadata database, and of the token server of GitLab itself. What it
// refuses was seen at a registry of version 4.39.0; the rest comes from the sources and the API document of older ones.
type GitLab struct {
	*selfHosted
	opts      GitLabOptions
	protected []*regexp.Regexp
}

const gitlabVersion = "4.39.0-gitlab"

// NewGitLab starts a fake that stops when the test ends.
func NewGitLab(t testing.TB, o GitLabOptions) *GitLab {
	t.Helper()
	f := &GitLab{opts: o, selfHosted: &selfHosted{Routes: newRoutes(t, "registry.gitlab.com", "gitlab.com")}}
	for _, p := range slices.Concat(o.ProtectedTags, o.ImmutableTags) {
		f.protected = append(f.protected, regexp.MustCompile(p))
	}
	d := &desk{logins: o.Logins, life: cmp.Or(o.TokenLife, 5*time.Minute), meta: f.meta}
	if o.Public {
		d.anonymous = []string{"pull"}
	}
	f.start(t, registrytest.Options{Now: o.Now}, d, f.front)
	return f
}

func (f *GitLab) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	path, kind, ref := route(r.URL.Path)
	switch {
	case r.URL.Path == "/jwt/auth":
		f.serveToken(w, r)
	case strings.HasPrefix(r.URL.Path, "/gitlab/v1/"):
		f.serveV1(w, r)
	case !f.admit(w, r, path, ref):
	case r.URL.Path == "/v2/":
		w.Header().Set("Gitlab-Container-Registry-Version", gitlabVersion)
		w.Header().Set("Gitlab-Container-Registry-Features", "tag_delete")
		w.Header().Set("Gitlab-Container-Registry-Database-Enabled", fmt.Sprint(!f.opts.NoDatabase))
		next.ServeHTTP(w, r)
	case kind == "manifests" && r.Method == http.MethodDelete:
		f.delete(w, path, ref)
	case kind == "tags" && r.URL.Query().Get("n") == "": // pages of 100 unless the client asks for another size
		q := r.URL.Query()
		q.Set("n", "100")
		paged := r.Clone(r.Context())
		paged.URL.RawQuery = q.Encode()
		next.ServeHTTP(w, paged)
	default:
		next.ServeHTTP(w, r)
	}
}

// admit lets a request pass or answers 401. The challenge names exactly what the request needs.
func (f *GitLab) admit(w http.ResponseWriter, r *http.Request, path, ref string) bool {
	actions := actionsOf(r.Method)
	problem, ok := f.check(r, path, actions)
	if ok {
		return true
	}
	realm := origin(r)
	if r.Host == "registry.gitlab.com" {
		realm = "https://gitlab.com"
	}
	challenge := fmt.Sprintf(`Bearer realm="%s/jwt/auth",service="container_registry"`, realm)
	if path != "" {
		challenge += fmt.Sprintf(`,scope="repository:%s:%s"`, path, strings.Join(actions, ","))
	}
	if problem != "" {
		challenge += fmt.Sprintf(`,error="%s"`, problem)
	}
	w.Header().Set("WWW-Authenticate", challenge)
	if r.Method == http.MethodDelete {
		f.addRefusal(f.refusal(path, ref, http.StatusUnauthorized, "UNAUTHORIZED"))
	}
	answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	return false
}

// serveToken is GitLab's side. What a login may not do is left out of the token without a word; only a request of which
// nothing is left, and that nobody signed, is refused.
func (f *GitLab) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("service") != "container_registry" {
		answerJSON(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
		return
	}
	login, ok := f.identify(r)
	claims := f.allowed(login, scopesOf(r))
	protected := slices.ContainsFunc(claims, func(c claim) bool {
		return slices.Contains(c.Actions, "push") && slices.Contains(f.opts.PushProtected, c.Name)
	})
	denied := protected || len(claims) == 0 && login.User == ""
	f.note(r, ok && !denied)
	switch {
	case !ok:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "HTTP Basic: Access denied.")
	case denied:
		answerOCI(w, http.StatusForbidden, "DENIED", "access forbidden")
	default:
		answerJSON(w, http.StatusOK, map[string]string{"token": f.issue("container_registry", login, claims)})
	}
}

// meta is what GitLab tells its registry of a repository, the protected tags among it.
func (f *GitLab) meta(path string) any {
	meta := map[string]any{"project_path": path}
	if len(f.opts.ProtectedTags) > 0 {
		meta["tag_deny_access_patterns"] = map[string][]string{"delete": f.opts.ProtectedTags}
	}
	if len(f.opts.ImmutableTags) > 0 {
		meta["tag_immutable_patterns"] = f.opts.ImmutableTags
	}
	return meta
}

// delete deletes a manifest or removes a tag.
func (f *GitLab) delete(w http.ResponseWriter, path, ref string) {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	all, tags := f.holdings(path), f.Tags(path)
	d := oci.Digest(ref)
	isDigest := strings.Contains(ref, ":")
	if !isDigest {
		d = tags[ref]
	}
	switch {
	case isDigest && d.Validate() != nil:
		f.refuse(w, f.refusal(path, ref, http.StatusBadRequest, "DIGEST_INVALID"), "provided digest did not match uploaded content")
		return
	case isDigest && len(f.protected) > 0:
		// Whatever tags the manifest has, and whether it exists (validateManifestDeleteRestriction of the registry's sources,
		// and TestManifestAPI_Delete_ProtectedTags_ByDigest for the status). The code is unverified, here and below.
		f.refuse(w, f.refusal(path, ref, http.StatusUnauthorized, "PROTECTED_MANIFEST"), "manifest is protected")
		return
	case all[d] == nil:
		f.refuse(w, f.refusal(path, ref, http.StatusNotFound, "MANIFEST_UNKNOWN"), "manifest unknown")
		return
	case !isDigest && f.isProtected(ref):
		f.refuse(w, f.refusal(path, ref, http.StatusUnauthorized, "PROTECTED_TAG"), "tag is protected")
		return
	}
	if !isDigest {
		f.dropTag(path, ref)
	} else if status, code, message := f.needed(all, d); status != 0 {
		f.refuse(w, f.refusal(path, ref, status, code), message)
		return
	} else {
		f.drop(path, d)
	}
	w.WriteHeader(http.StatusAccepted)
}

func (f *GitLab) isProtected(tag string) bool {
	return slices.ContainsFunc(f.protected, func(p *regexp.Regexp) bool { return p.MatchString(tag) })
}

// needed is what the database answers for a manifest that another row points at, and 0 when nothing does. The database
// deletes referrers along with their subject: that fails with 409 when an index lists one of them, and with 500, for the
// sake of the garbage collector's queue, when none does.
func (f *GitLab) needed(all map[oci.Digest]*holding, d oci.Digest) (status int, code, message string) {
	if f.opts.NoDatabase {
		return 0, "", ""
	}
	referrers := referrersOf(all, d)
	for _, r := range append(referrers, d) {
		if len(listedBy(all, r)) > 0 {
			return http.StatusConflict, "MANIFEST_REFERENCED", "manifest referenced by a manifest list"
		}
	}
	if len(referrers) > 0 {
		return http.StatusInternalServerError, "UNKNOWN", "unknown error"
	}
	return 0, "", ""
}

// CollectGarbage does what the registry's own collector does a day after a change: it deletes the manifests that have no
// tag and that no index lists, a referrer without a tag among them although its subject is kept. The books have only
// the client's deletions.
func (f *GitLab) CollectGarbage(path string) {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	for again := !f.opts.NoDatabase; again; {
		again = false
		all := f.holdings(path)
		for d, h := range all {
			if len(h.tags)+len(listedBy(all, d))+len(referrersOf(all, d)) == 0 {
				f.Remove(path, d)
				again = true
			}
		}
	}
}

package vendors

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

func decodesTo(encoded, text string) bool {
	b, err := base64.StdEncoding.DecodeString(encoded)
	return err == nil && string(b) == text
}

// serveToken hands out a token of the registry for a login.
func (f *GAR) serveToken(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok || !f.loginGood(user, password) {
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication failed")
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{"token": f.issueToken("AJAD"), "expires_in": 3600, "issued_at": f.opts.Now().UTC()})
}

// serveRegistry is /v2. It takes a token of its own, an access token as a bearer, and a login as user and password.
func (f *GAR) serveRegistry(w http.ResponseWriter, r *http.Request, next http.Handler) {
	path, kind, rest, ok := splitKinds(r.URL.Path)
	refuse := func(status int, code, message string) {
		if r.Method == http.MethodDelete && kind == "manifests" {
			f.addRefusal(refusalOf(path, rest, status, code))
		}
		answerOCI(w, status, code, message)
	}
	user, password, basic := r.BasicAuth()
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !(basic && f.loginGood(user, password) || bearer && f.good(token)) {
		scope := ""
		if ok {
			scope = `,scope="repository:` + path + ":" + garScope(r.Method) + `"`
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/v2/token",service="%s"%s`, origin(r), r.Host, scope))
		refuse(http.StatusUnauthorized, "UNAUTHORIZED", "authentication failed")
		return
	}
	if !ok {
		next.ServeHTTP(w, r)
		return
	}
	if !f.answer(w, r, refuse) {
		next.ServeHTTP(w, r)
	}
}

func garScope(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead:
		return "pull"
	case http.MethodDelete:
		return "delete" // unverified
	}
	return "push,pull"
}

// answer answers what the registry in memory does not know or may not do, and returns whether it did.
func (f *GAR) answer(w http.ResponseWriter, r *http.Request, refuse refusal) bool {
	path, kind, rest, _ := splitKinds(r.URL.Path)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case kind == "tags" && rest == "list" && r.Method == http.MethodGet:
		f.listTags(w, path)
	case kind == "referrers" && r.Method == http.MethodGet:
		answerReferrers(w, r, storedManifests(f.Registry, path), oci.Digest(rest))
	case kind == "manifests" && r.Method == http.MethodDelete && f.opts.ReadWrite:
		refuse(http.StatusForbidden, "DENIED",
			`Permission "artifactregistry.repositories.deleteArtifacts" denied on resource "`+path+`" (or it may not exist)`)
	case kind == "manifests" && r.Method == http.MethodDelete:
		f.deleteV2(w, path, rest, refuse)
	case kind == "manifests" && r.Method == http.MethodPut && f.opts.ImmutableTags && f.Tags(path)[rest] != "":
		refuse(http.StatusBadRequest, "DENIED", "manifest invalid: cannot update tag "+rest+". The repository has enabled tag immutability")
	default:
		return false
	}
	return true
}

// garManifest is an entry of the map in tags/list
// (https://github.com/google/go-containerregistry/blob/main/pkg/v1/google/list.go).
type garManifest struct {
	ImageSizeBytes string   `json:"imageSizeBytes"`
	LayerID        string   `json:"layerId"`
	MediaType      string   `json:"mediaType"`
	Tag            []string `json:"tag"`
	TimeCreatedMs  any      `json:"timeCreatedMs"`
	TimeUploadedMs any      `json:"timeUploadedMs"`
}

// listTags answers with all tags, whatever n says, and with all manifests. child has the repositories one level below.
func (f *GAR) listTags(w http.ResponseWriter, path string) {
	manifests, tags := map[oci.Digest]garManifest{}, []string{}
	all := storedManifests(f.Registry, path)
	for _, s := range all {
		created := f.created(path, s)
		manifests[s.Digest] = garManifest{
			strconv.FormatInt(s.size(), 10), "", s.MediaType, append([]string{}, s.Tags...),
			f.milliseconds(created), f.milliseconds(s.Pushed.UnixMilli()),
		}
		tags = append(tags, s.Tags...)
	}
	slices.Sort(tags)
	children := []string{}
	for _, other := range f.Repositories() {
		if rest, ok := strings.CutPrefix(other, path+"/"); ok {
			child, _, _ := strings.Cut(rest, "/")
			if !slices.Contains(children, child) {
				children = append(children, child)
			}
		}
	}
	if len(all) == 0 && len(children) == 0 {
		answerOCI(w, http.StatusNotFound, "NAME_UNKNOWN", "Repository \""+path+"\" not found")
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{"child": children, "manifest": manifests, "name": path, "tags": tags})
}

// created is the time of the build in the config, in milliseconds, or 0.
func (f *GAR) created(path string, s stored) int64 {
	if f.opts.ZeroCreated || s.Config == nil {
		return 0
	}
	body, _ := f.Blob(path, s.Config.Digest)
	var config struct{ Created time.Time }
	if json.Unmarshal(body, &config) != nil || config.Created.IsZero() {
		return 0
	}
	return config.Created.UnixMilli()
}

func (f *GAR) milliseconds(ms int64) any {
	if f.opts.NumberTimes {
		return ms
	}
	return strconv.FormatInt(ms, 10)
}

// deleteV2 removes a tag, or a manifest that nothing points to.
func (f *GAR) deleteV2(w http.ResponseWriter, path, ref string, refuse refusal) {
	all := storedManifests(f.Registry, path)
	if strings.Contains(ref, ":") {
		s, ok := find(all, oci.Digest(ref))
		if !ok {
			answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "Failed to fetch \""+ref+"\"")
			return
		}
		if code, message := f.held(path, all, s); code != "" {
			refuse(http.StatusBadRequest, code, message)
			return
		}
		f.remove(path, s)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	d, ok := f.Tags(path)[ref]
	switch {
	case !ok:
		answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "Failed to fetch \""+ref+"\"")
	case f.opts.ImmutableTags:
		refuse(http.StatusBadRequest, "FAILED_PRECONDITION", garImmutable)
	default:
		f.Untag(path, ref)
		f.addDeletion(Deletion{Path: path, Digest: d, Tags: []string{ref}, TagOnly: true})
		w.WriteHeader(http.StatusAccepted)
	}
}

// garImmutable is unverified.
const garImmutable = "Tags cannot be deleted: the repository has enabled tag immutability"

// held returns why a manifest cannot be deleted. It counts as the child of an index as well when it is the subject of a
// referrer, and also when the index is one that the service keeps for itself. The last two are unverified.
func (f *GAR) held(path string, all []stored, s stored) (code, message string) {
	over := parents(all, s.Digest)
	switch refs := referrers(all, s.Digest); {
	case len(s.Tags) > 0:
		return "GOOGLE_MANIFEST_DANGLING_TAG", "Manifest is still referenced by tag: " + s.Tags[0]
	case s.Subject != nil && len(over) > 0:
		return "GOOGLE_MANIFEST_REFERRING_MANIFEST", "Manifest is still referenced by manifest: " + over[0].String()
	case len(over) > 0:
		return "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", "Manifest is still referenced by parent: " + over[0].String()
	case len(refs) > 0:
		return "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", "Manifest is still referenced by parent: " + refs[0].String()
	}
	if parent, ok := f.unseen[path][s.Digest]; ok {
		return "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", "Manifest is still referenced by parent: " + parent.String()
	}
	return "", ""
}

func (f *GAR) remove(path string, s stored) {
	f.Remove(path, s.Digest)
	delete(f.unseen[path], s.Digest)
	f.addDeletion(Deletion{Path: path, Digest: s.Digest, Tags: s.Tags})
}

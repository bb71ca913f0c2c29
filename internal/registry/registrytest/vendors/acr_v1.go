package vendors

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// acrTime is the form of times in the API.
const acrTime = "2006-01-02T15:04:05.9999999Z"

type acrAttributes struct {
	DeleteEnabled bool `json:"deleteEnabled"`
	WriteEnabled  bool `json:"writeEnabled"`
	ReadEnabled   bool `json:"readEnabled"`
	ListEnabled   bool `json:"listEnabled"`
}

// acrManifest is a manifest in _manifests (https://github.com/Azure/acr-cli/blob/main/acr/models.go).
type acrManifest struct {
	Digest               oci.Digest    `json:"digest"`
	ImageSize            int64         `json:"imageSize"`
	CreatedTime          string        `json:"createdTime"`
	LastUpdateTime       string        `json:"lastUpdateTime"`
	Architecture         string        `json:"architecture,omitempty"`
	OS                   string        `json:"os,omitempty"`
	MediaType            string        `json:"mediaType"`
	ConfigMediaType      string        `json:"configMediaType,omitempty"`
	Tags                 []string      `json:"tags,omitempty"`
	ChangeableAttributes acrAttributes `json:"changeableAttributes"`
}

type acrTag struct {
	Name                 string        `json:"name"`
	Digest               oci.Digest    `json:"digest"`
	CreatedTime          string        `json:"createdTime"`
	LastUpdateTime       string        `json:"lastUpdateTime"`
	Signed               bool          `json:"signed"`
	ChangeableAttributes acrAttributes `json:"changeableAttributes"`
}

// splitACR parts a path below /acr/v1/ into the repository, the kind ("_manifests", "_tags", or the two lists of soft
// deletion) and what follows.
func splitACR(path string) (name, kind, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, "/acr/v1/")
	if !ok {
		return "", "", "", false
	}
	if name, found := strings.CutPrefix(path, "_deleted/"); found { // unverified
		i := strings.LastIndex(name, "/")
		return name[:max(i, 0)], "_deleted", name[i+1:], i > 0
	}
	for _, kind := range []string{"_manifests", "_tags"} {
		if i := strings.LastIndex(path, "/"+kind); i > 0 {
			return path[:i], kind, strings.TrimPrefix(path[i+len(kind)+1:], "/"), true
		}
	}
	return "", "", "", false
}

// serveV1 answers the API. It wants the lock, and a caller who may.
func (f *ACR) serveV1(w http.ResponseWriter, r *http.Request, refuse refusal) {
	path, kind, rest, ok := splitACR(r.URL.Path)
	switch {
	case !ok:
		answerOCI(w, http.StatusNotFound, "NOT_FOUND", "page not found")
	case !hasRepository(f.Registry, path):
		refuse(http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
	case kind == "_manifests" && rest == "" && r.Method == http.MethodGet:
		f.listManifests(w, r, path)
	case kind == "_tags" && rest == "" && r.Method == http.MethodGet:
		f.listTags(w, r, path)
	case kind == "_deleted" && rest == "_manifests" && r.Method == http.MethodGet:
		f.listTrash(w, path)
	case kind == "_manifests" && r.Method == http.MethodPatch:
		f.patch(w, r, path, rest)
	case kind == "_tags" && rest != "" && r.Method == http.MethodDelete:
		f.deleteTag(w, path, rest, refuse)
	default:
		answerOCI(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
	}
}

// attributes are what a list says of a lock.
func (f *ACR) attributes(key acrKey) acrAttributes {
	lock := f.locks[key]
	if f.opts.StaleLocks {
		lock = ACRLock{}
	}
	return acrAttributes{!lock.NoDelete, !lock.NoWrite, true, true}
}

// updated is when a manifest was last pushed or lost a tag.
func (f *ACR) updated(path string, s stored) time.Time {
	if at := f.changed[acrKey{path, s.Digest.String()}]; at.After(s.Pushed) {
		return at
	}
	return s.Pushed
}

// listManifests lists by digest, or by the time of the last change with orderby.
func (f *ACR) listManifests(w http.ResponseWriter, r *http.Request, path string) {
	all := storedManifests(f.Registry, path)
	byTime := func(a, b stored) int { return f.updated(path, a).Compare(f.updated(path, b)) }
	switch r.URL.Query().Get("orderby") {
	case "timeasc":
		slices.SortStableFunc(all, byTime)
	case "timedesc":
		slices.SortStableFunc(all, func(a, b stored) int { return byTime(b, a) })
	}
	list, ok := acrPage(w, r, all, func(s stored) string { return s.Digest.String() })
	if !ok {
		return
	}
	manifests := []acrManifest{}
	for _, s := range list {
		m := acrManifest{
			Digest: s.Digest, ImageSize: s.size(), MediaType: s.MediaType, Tags: s.Tags,
			CreatedTime: s.Pushed.UTC().Format(acrTime), LastUpdateTime: f.updated(path, s).UTC().Format(acrTime),
			ChangeableAttributes: f.attributes(acrKey{path, s.Digest.String()}),
		}
		if s.Config != nil {
			m.ConfigMediaType = s.Config.MediaType
			m.OS, m.Architecture = f.platform(path, s.Config.Digest)
		}
		manifests = append(manifests, m)
	}
	answerJSON(w, http.StatusOK, map[string]any{"registry": f.RegistryHost(), "imageName": path, "manifests": manifests})
}

func (f *ACR) platform(path string, config oci.Digest) (system, architecture string) {
	body, _ := f.Blob(path, config)
	var c struct{ OS, Architecture string }
	_ = json.Unmarshal(body, &c) // the config of an artifact has no platform
	return c.OS, c.Architecture
}

// listTags lists by name, or by the time of the manifest with orderby.
func (f *ACR) listTags(w http.ResponseWriter, r *http.Request, path string) {
	var all []acrTag
	for _, s := range storedManifests(f.Registry, path) {
		for _, tag := range s.Tags {
			at := s.Pushed.UTC().Format(acrTime)
			all = append(all, acrTag{tag, s.Digest, at, at, false, f.attributes(acrKey{path, tag})})
		}
	}
	slices.SortFunc(all, func(a, b acrTag) int { return strings.Compare(a.Name, b.Name) })
	byTime := func(a, b acrTag) int { return strings.Compare(a.LastUpdateTime, b.LastUpdateTime) }
	switch r.URL.Query().Get("orderby") {
	case "timeasc":
		slices.SortStableFunc(all, byTime)
	case "timedesc":
		slices.SortStableFunc(all, func(a, b acrTag) int { return byTime(b, a) })
	}
	if d := r.URL.Query().Get("digest"); d != "" {
		all = slices.DeleteFunc(all, func(tag acrTag) bool { return tag.Digest.String() != d })
	}
	if list, ok := acrPage(w, r, all, func(tag acrTag) string { return tag.Name }); ok {
		answerJSON(w, http.StatusOK, map[string]any{"registry": f.RegistryHost(), "imageName": path, "tags": append([]acrTag{}, list...)})
	}
}

// acrPage cuts out at most n entries after the last one that the client has. A list by name goes on after a last that is not
// there any more, one by time starts again (unverified).
func acrPage[T any](w http.ResponseWriter, r *http.Request, all []T, key func(T) string) (cut []T, ok bool) {
	n, query := 100, r.URL.Query()
	if text := query.Get("n"); text != "" {
		asked, err := strconv.Atoi(text)
		if err != nil || asked < 1 {
			answerOCI(w, http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
			return nil, false
		}
		n = min(asked, 1000)
	}
	if last := query.Get("last"); last != "" {
		i := slices.IndexFunc(all, func(v T) bool { return key(v) == last })
		if i < 0 && query.Get("orderby") == "" {
			i = len(all) - 1
			if after := slices.IndexFunc(all, func(v T) bool { return key(v) > last }); after >= 0 {
				i = after - 1
			}
		}
		all = all[i+1:]
	}
	if len(all) > n {
		all = all[:n]
		next := url.Values{"n": {strconv.Itoa(n)}, "last": {key(all[n-1])}}
		if by := query.Get("orderby"); by != "" {
			next.Set("orderby", by)
		}
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), next.Encode()))
	}
	return all, true
}

// listTrash lists what soft deletion keeps (unverified).
func (f *ACR) listTrash(w http.ResponseWriter, path string) {
	if !f.opts.SoftDelete {
		answerOCI(w, http.StatusNotFound, "NOT_FOUND", "soft delete is not enabled")
		return
	}
	list := []map[string]any{}
	for _, m := range f.trash {
		if m.Path == path {
			list = append(list, map[string]any{"digest": m.Digest, "tags": m.Tags})
		}
	}
	answerJSON(w, http.StatusOK, map[string]any{"registry": f.RegistryHost(), "imageName": path, "manifests": list})
}

// patch changes the lock of a manifest.
func (f *ACR) patch(w http.ResponseWriter, r *http.Request, path, ref string) {
	var asked struct{ DeleteEnabled, WriteEnabled *bool }
	if json.NewDecoder(r.Body).Decode(&asked) != nil {
		answerOCI(w, http.StatusBadRequest, "UNSUPPORTED", "the body is not JSON")
		return
	}
	if _, ok := find(storedManifests(f.Registry, path), oci.Digest(ref)); !ok {
		answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest "+ref+" is not found")
		return
	}
	lock := f.locks[acrKey{path, ref}]
	if asked.DeleteEnabled != nil {
		lock.NoDelete = !*asked.DeleteEnabled
	}
	if asked.WriteEnabled != nil {
		lock.NoWrite = !*asked.WriteEnabled
	}
	f.locks[acrKey{path, ref}] = lock
	w.WriteHeader(http.StatusOK)
}

package vendors

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// garCut cuts a page out of manifests that are sorted by digest. A page has at most 1000, and 100 when the client does not
// say (the last number is unverified).
func garCut(w http.ResponseWriter, r *http.Request, all []stored) (cut []stored, next string, ok bool) {
	n := 100
	if text := r.URL.Query().Get("pageSize"); text != "" {
		asked, err := strconv.Atoi(text)
		if err != nil || asked < 0 {
			garFail(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid page size")
			return nil, "", false
		}
		if asked > 0 {
			n = min(asked, 1000)
		}
	}
	after, err := base64.URLEncoding.DecodeString(r.URL.Query().Get("pageToken"))
	if err != nil || len(after) > 0 && !strings.HasPrefix(string(after), "sha256:") {
		garFail(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid page token")
		return nil, "", false
	}
	for _, s := range all {
		if s.Digest.String() > string(after) {
			cut = append(cut, s)
		}
	}
	if len(cut) > n {
		cut = cut[:n]
		next = base64.URLEncoding.EncodeToString([]byte(cut[n-1].Digest))
	}
	return cut, next, true
}

// maxRelatedTags is how many tags a version is listed with.
const maxRelatedTags = 100

// listVersions has tags and metadata with view=FULL alone.
func (f *GAR) listVersions(w http.ResponseWriter, r *http.Request, n garName) {
	cut, next, ok := garCut(w, r, storedManifests(f.Registry, n.path))
	if !ok {
		return
	}
	list := []map[string]any{}
	for _, s := range cut {
		v := map[string]any{
			"name":       n.parent + "/versions/" + s.Digest.String(),
			"createTime": s.Pushed.UTC().Format(time.RFC3339Nano), "updateTime": s.Pushed.UTC().Format(time.RFC3339Nano),
		}
		if r.URL.Query().Get("view") == "FULL" {
			tags := []map[string]string{}
			for _, tag := range s.Tags[:min(len(s.Tags), maxRelatedTags)] {
				tags = append(tags, map[string]string{"name": n.parent + "/tags/" + tag, "version": n.parent + "/versions/" + s.Digest.String()})
			}
			v["metadata"] = f.metadata(n, s)
			if len(tags) > 0 {
				v["relatedTags"] = tags
			}
		}
		list = append(list, v)
	}
	answer := map[string]any{"versions": list}
	if next != "" {
		answer["nextPageToken"] = next
	}
	answerJSON(w, http.StatusOK, answer)
}

func (f *GAR) metadata(n garName, s stored) map[string]any {
	_, image, _ := strings.Cut(n.parent, "/packages/")
	m := map[string]any{
		"name":           n.repository + "/dockerImages/" + image + "@" + s.Digest.String(),
		"imageSizeBytes": strconv.FormatInt(s.size(), 10), "mediaType": s.MediaType,
	}
	if ms := f.created(n.path, s); ms != 0 {
		m["buildTime"] = time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
	}
	return m
}

// listDockerImages lists the images of all packages, with the children of an index.
func (f *GAR) listDockerImages(w http.ResponseWriter, r *http.Request, n garName) {
	var all []stored
	paths := map[oci.Digest]string{}
	for _, path := range f.Repositories() {
		if strings.HasPrefix(path, n.path+"/") {
			for _, s := range storedManifests(f.Registry, path) {
				all = append(all, s)
				paths[s.Digest] = path
			}
		}
	}
	slices.SortFunc(all, func(a, b stored) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	cut, next, ok := garCut(w, r, all)
	if !ok {
		return
	}
	list := []map[string]any{}
	for _, s := range cut {
		image := strings.TrimPrefix(paths[s.Digest], n.path+"/")
		v := map[string]any{
			"name": n.repository + "/dockerImages/" + url.PathEscape(image) + "@" + s.Digest.String(),
			"uri":  f.RegistryHost() + "/" + paths[s.Digest] + "@" + s.Digest.String(), "tags": s.Tags,
			"imageSizeBytes": strconv.FormatInt(s.size(), 10), "mediaType": s.MediaType,
			"uploadTime": s.Pushed.UTC().Format(time.RFC3339Nano), "updateTime": s.Pushed.UTC().Format(time.RFC3339Nano),
		}
		var children []map[string]any
		for _, c := range s.Manifests {
			children = append(children, map[string]any{"digest": c.Digest, "mediaType": c.MediaType})
		}
		if len(children) > 0 {
			v["imageManifests"] = children
		}
		list = append(list, v)
	}
	answer := map[string]any{"dockerImages": list}
	if next != "" {
		answer["nextPageToken"] = next
	}
	answerJSON(w, http.StatusOK, answer)
}

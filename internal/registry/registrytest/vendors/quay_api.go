package vendors

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// quayTag is a tag in the API's listing.
type quayTag struct {
	Name                   string              `json:"name"`
	Reversion              bool                `json:"reversion"`
	StartTS                int64               `json:"start_ts"`
	EndTS                  int64               `json:"end_ts,omitempty"`
	ManifestDigest         oci.Digest          `json:"manifest_digest"`
	IsManifestList         bool                `json:"is_manifest_list"`
	Size                   *int64              `json:"size"`
	LastModified           string              `json:"last_modified"`
	Immutable              bool                `json:"immutable"`
	ChildManifestCount     int                 `json:"child_manifest_count,omitempty"`
	PresentChildCount      int                 `json:"present_child_count,omitempty"`
	ChildManifestsPresence map[oci.Digest]bool `json:"child_manifests_presence,omitempty"`
}

// serveAPI answers the list of tags of /api/v1. It wants an OAuth token unless the repository is public.
func (f *Quay) serveAPI(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/api/v1/repository/"), "/tag/")
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || r.Method != http.MethodGet:
		f.failAPI(w, http.StatusNotFound, "not_found", "Not Found")
	case !f.open() && !f.opts.Public && !slices.Contains(f.opts.APITokens, token):
		f.failAPI(w, http.StatusUnauthorized, "invalid_token", "Requires authentication")
	case !slices.Contains(f.Repositories(), path):
		f.failAPI(w, http.StatusNotFound, "not_found", "Not Found")
	default:
		f.listAPI(w, r, path)
	}
}

// failAPI answers with the API's own error.
func (f *Quay) failAPI(w http.ResponseWriter, status int, kind, detail string) {
	answerJSON(w, status, map[string]any{"detail": detail, "error_message": detail, "error_type": kind, "title": kind, "status": status})
}

// listAPI sends the newest tags first, at most 100 a page. Without onlyActiveTags those of the time machine are among
// them.
func (f *Quay) listAPI(w http.ResponseWriter, r *http.Request, path string) {
	q := r.URL.Query()
	page, limit := 1, 50 // unverified
	for key, to := range map[string]*int{"page": &page, "limit": &limit} {
		if text := q.Get(key); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				f.failAPI(w, http.StatusBadRequest, "invalid_request", "invalid value of "+key)
				return
			}
			*to = max(1, n)
		}
	}
	limit = min(limit, 100)
	rows := slices.Collect(maps.Values(f.tagRows(path)))
	if q.Get("onlyActiveTags") != "true" {
		f.mu.Lock()
		rows = append(rows, f.expired[path]...)
		f.mu.Unlock()
	}
	slices.SortFunc(rows, func(a, b quayTag) int {
		return cmp.Or(cmp.Compare(b.StartTS, a.StartTS), cmp.Compare(a.Name, b.Name))
	})
	from := min((page-1)*limit, len(rows))
	to := min(from+limit, len(rows))
	answerJSON(w, http.StatusOK, map[string]any{
		"tags": append([]quayTag{}, rows[from:to]...), "page": page, "has_additional": to < len(rows),
	})
}

// tagRows are the tags that a repository has now, by name.
func (f *Quay) tagRows(path string) map[string]quayTag {
	all, times, rows := f.holdings(path), f.TagTimes(path), map[string]quayTag{}
	for tag, d := range f.Tags(path) {
		h := all[d]
		if h == nil {
			continue
		}
		start := times[tag].Created
		if !times[tag].Switched.IsZero() {
			start = times[tag].Switched
		}
		row := quayTag{
			Name: tag, StartTS: start.Unix(), ManifestDigest: d, Immutable: f.isImmutable(tag),
			LastModified: start.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0000"),
		}
		if h.children == nil {
			size := h.size - h.length // of the layers and the config (unverified)
			row.Size = &size
		} else {
			row.IsManifestList, row.ChildManifestCount = true, len(h.children)
			row.ChildManifestsPresence = map[oci.Digest]bool{}
			for _, c := range h.children {
				row.ChildManifestsPresence[c] = all[c] != nil
				if all[c] != nil {
					row.PresentChildCount++
				}
			}
		}
		rows[tag] = row
	}
	return rows
}

// CollectGarbage empties the time machine, as happens two weeks after a deletion by default: what no client can reach is
// deleted.
func (f *Quay) CollectGarbage(path string) {
	f.deleting.Lock()
	defer f.deleting.Unlock()
	alive := f.alive(path)
	f.mu.Lock()
	delete(f.expired, path)
	f.mu.Unlock()
	for d := range f.holdings(path) {
		if alive[d] == nil {
			f.Remove(path, d)
		}
	}
}

// Expired returns the tags that the time machine of a repository has, with the time of their deletion.
func (f *Quay) Expired(path string) map[string]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	expired := map[string]time.Time{}
	for _, r := range f.expired[path] {
		expired[r.Name] = time.Unix(r.EndTS, 0)
	}
	return expired
}

package vendors

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// stored is a manifest that a fake has, with what it points to.
type stored struct {
	Digest    oci.Digest
	MediaType string
	Body      []byte
	Tags      []string // sorted
	Pushed    time.Time
	manifestBody
}

// manifestBody is what the fakes read of a manifest.
type manifestBody struct {
	ArtifactType string
	Config       *storedRef
	Layers       []storedRef
	Manifests    []storedRef
	Subject      *storedRef
	Annotations  map[string]string
}

type storedRef struct {
	MediaType string
	Digest    oci.Digest
	Size      int64
}

// storedManifests returns the manifests of a repository, in the order of their digests: no service promises that of the
// time.
func storedManifests(reg *registrytest.Registry, path string) []stored {
	tags := map[oci.Digest][]string{}
	for tag, d := range reg.Tags(path) {
		tags[d] = append(tags[d], tag)
	}
	var all []stored
	for _, d := range reg.Manifests(path) {
		m, ok := reg.Manifest(path, d)
		if !ok {
			continue // deleted since
		}
		slices.Sort(tags[d])
		s := stored{Digest: d, MediaType: m.MediaType, Body: m.Body, Tags: tags[d], Pushed: m.Pushed}
		s.manifestBody = parseManifest(d, m.Body)
		all = append(all, s)
	}
	return all
}

// parsed has the manifests that were read before, by digest: what a digest names does not change.
var parsed sync.Map

func parseManifest(d oci.Digest, body []byte) (m manifestBody) {
	if known, ok := parsed.Load(d); ok {
		return known.(manifestBody)
	}
	_ = json.Unmarshal(body, &m) // what does not parse points to nothing
	parsed.Store(d, m)
	return m
}

// find returns the manifest of that digest.
func find(all []stored, d oci.Digest) (stored, bool) {
	i := slices.IndexFunc(all, func(s stored) bool { return s.Digest == d })
	if i < 0 {
		return stored{}, false
	}
	return all[i], true
}

// parents returns the indexes that list the manifest.
func parents(all []stored, d oci.Digest) []oci.Digest {
	return storedDigests(all, func(s stored) bool {
		return slices.ContainsFunc(s.Manifests, func(c storedRef) bool { return c.Digest == d })
	})
}

// referrers returns the manifests whose subject is d.
func referrers(all []stored, d oci.Digest) []oci.Digest {
	return storedDigests(all, func(s stored) bool { return s.Subject != nil && s.Subject.Digest == d })
}

func storedDigests(all []stored, match func(stored) bool) []oci.Digest {
	var found []oci.Digest
	for _, s := range all {
		if match(s) {
			found = append(found, s.Digest)
		}
	}
	return found
}

// size is the sum of config and layers in bytes. An index has none of its own.
func (s stored) size() int64 {
	var n int64
	if s.Config != nil {
		n = s.Config.Size
	}
	for _, l := range s.Layers {
		n += l.Size
	}
	return n
}

// artifactType is that of the manifest, or the media type of its config (OCI distribution-spec v1.1, "Listing Referrers").
func (s stored) artifactType() string {
	if s.ArtifactType == "" && s.Config != nil {
		return s.Config.MediaType
	}
	return s.ArtifactType
}

// splitKinds parts a path below /v2/ into the repository, the kind ("manifests", "tags", "referrers", "blobs") and what
// follows. ok is false for other paths, /v2/ itself among them.
func splitKinds(path string) (repository, kind, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, "/v2/")
	if !ok {
		return "", "", "", false
	}
	for _, kind := range []string{"blobs/uploads", "blobs", "manifests", "referrers", "tags"} {
		if i := strings.LastIndex(path, "/"+kind+"/"); i > 0 {
			return path[:i], kind, path[i+len(kind)+2:], true
		}
	}
	return "", "", "", false
}

// answerReferrers answers the referrers API (OCI distribution-spec v1.1, "Listing Referrers"), in one page.
func answerReferrers(w http.ResponseWriter, r *http.Request, all []stored, subject oci.Digest) {
	type descriptor struct {
		MediaType    string            `json:"mediaType"`
		Digest       oci.Digest        `json:"digest"`
		Size         int               `json:"size"`
		ArtifactType string            `json:"artifactType,omitempty"`
		Annotations  map[string]string `json:"annotations,omitempty"`
	}
	list, filter := []descriptor{}, r.URL.Query().Get("artifactType")
	for _, d := range referrers(all, subject) {
		s, _ := find(all, d)
		if filter == "" || filter == s.artifactType() {
			list = append(list, descriptor{s.MediaType, s.Digest, len(s.Body), s.artifactType(), s.Annotations})
		}
	}
	if filter != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	body, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": fixture.OCIIndex, "manifests": list})
	if err != nil {
		panic(err) // strings always encode
	}
	w.Header().Set("Content-Type", fixture.OCIIndex)
	_, _ = w.Write(body)
}

// clock returns the option's clock, or the real one.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// hasRepository returns whether somebody has pushed into the repository.
func hasRepository(reg *registrytest.Registry, path string) bool {
	return slices.Contains(reg.Repositories(), path)
}

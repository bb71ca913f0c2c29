package vendors

import (
	"cmp"
	"net/http"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// answerReferrersAPI answers the referrers API, which has an answer for every digest (OCI distribution-spec v1.1, "Listing
// Referrers"). all are the manifests that can be reached.
func answerReferrersAPI(w http.ResponseWriter, r *http.Request, all map[oci.Digest]*holding, subject oci.Digest) {
	if subject.Validate() != nil {
		answerOCI(w, http.StatusBadRequest, "DIGEST_INVALID", "invalid digest")
		return
	}
	type descriptor struct {
		MediaType    string     `json:"mediaType"`
		Digest       oci.Digest `json:"digest"`
		Size         int64      `json:"size"`
		ArtifactType string     `json:"artifactType,omitempty"`
	}
	list := []descriptor{}
	wanted := r.URL.Query().Get("artifactType")
	for _, d := range referrersOf(all, subject) {
		h := all[d]
		kind := cmp.Or(h.artifactType, h.configType)
		if wanted == "" || wanted == kind {
			list = append(list, descriptor{h.mediaType, d, h.length, kind})
		}
	}
	if wanted != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	answerJSONAs(w, http.StatusOK, fixture.OCIIndex, map[string]any{
		"schemaVersion": 2, "mediaType": fixture.OCIIndex, "manifests": list,
	})
}

package report

import (
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

type (
	// jsonExplained is what speaks for and against one image.
	jsonExplained struct {
		Repository string         `json:"repository"`
		Digest     oci.Digest     `json:"digest"`
		Tags       []string       `json:"tags"`
		Verdict    retain.Verdict `json:"verdict"`
		For        []jsonReason   `json:"for"`
		Against    []jsonReason   `json:"against"`
		Places     []jsonPlace    `json:"places"`
		Relatives  []jsonRelative `json:"relatives"`
		Changes    []jsonChange   `json:"changes"`
	}
	jsonPlace struct {
		Group string      `json:"group"`
		Sort  retain.Sort `json:"sort"`
		Place int         `json:"place"`
		Of    int         `json:"of"`
	}
	jsonRelative struct {
		Digest  oci.Digest     `json:"digest"`
		Tags    []string       `json:"tags"`
		How     string         `json:"how"`
		Verdict retain.Verdict `json:"verdict"`
	}
	jsonChange struct {
		Text   string `json:"text"`
		Others int    `json:"others"`
	}
)

// explainedJSON is nil, and left out of the report, where nothing was to be explained.
func explainedJSON(explained []Explained) []jsonExplained {
	var out []jsonExplained
	for _, e := range explained {
		i := e.Decision.Image
		x := jsonExplained{
			Repository: e.Repository.String(), Digest: i.Digest, Tags: some(i.Tags), Verdict: e.Decision.Verdict,
			For: []jsonReason{}, Against: []jsonReason{}, Places: []jsonPlace{}, Relatives: []jsonRelative{}, Changes: []jsonChange{},
		}
		for _, r := range e.For {
			x.For = append(x.For, jsonReason(r))
		}
		for _, r := range e.Against {
			x.Against = append(x.Against, jsonReason(r))
		}
		for _, p := range e.Places {
			x.Places = append(x.Places, jsonPlace(p))
		}
		for _, r := range e.Relatives {
			x.Relatives = append(x.Relatives, jsonRelative{r.Image.Digest, some(r.Image.Tags), r.How, r.Verdict})
		}
		for _, c := range e.Changes {
			x.Changes = append(x.Changes, jsonChange(c))
		}
		out = append(out, x)
	}
	return out
}

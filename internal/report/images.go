package report

import (
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// ImageOutcome is what became of one image, for a program.
type ImageOutcome struct {
	Repository string
	Digest     string
	Tags       []string // never nil
	// Outcome is "kept", or a [prune.Status].
	Outcome string
}

// Images returns what became of each image of the repositories that were read.
func (s Summary) Images() []ImageOutcome {
	var out []ImageOutcome
	for _, r := range s.Repositories {
		if r.Plan == nil {
			continue
		}
		for _, d := range r.Plan.Decisions {
			i := ImageOutcome{r.Name.String(), d.Image.Digest.String(), d.Image.Tags, "kept"}
			if i.Tags == nil {
				i.Tags = []string{}
			}
			if d.Verdict == retain.Delete {
				i.Outcome = string(prune.Skipped) // a deletion without an outcome was not tried
				if o, ok := r.Outcomes[d.Image.Digest]; ok {
					i.Outcome = string(o.Status)
				}
			}
			out = append(out, i)
		}
	}
	return out
}

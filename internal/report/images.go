package report

import "cmp"

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
			outcome := string(cmp.Or(r.status(&d), "kept"))
			out = append(out, ImageOutcome{r.Name.String(), d.Image.Digest.String(), some(d.Image.Tags), outcome})
		}
	}
	return out
}

package run

import (
	"errors"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/state"
)

// journal is the journal of a repository; a nil journal is empty and cannot be written.
type journal struct {
	*state.Journal
	// foreign are deletions that another run has left unfinished since this run made its plan, which does not know them:
	// they stay in the journal.
	foreign []oci.Image
}

// openJournal opens the journal of a repository. If it cannot, it returns nil and a warning; the run then deletes by
// digest. So does a run that comes while another one works on the repository, with a journal of its own.
func openJournal(dir *state.Dir, name oci.Repository) (*journal, []string) {
	if dir == nil {
		return nil, nil
	}
	j, err := dir.Journal(name)
	switch {
	case errors.Is(err, state.ErrBusy):
		return nil, []string{fmt.Sprintf("%v; this run deletes by digest", err)}
	case err != nil:
		return nil, []string{fmt.Sprintf("the journal of an earlier run stays as it is, and this run deletes by digest: %v; "+
			"no listing may show the digests in it any more: run the version that wrote it, or remove the file to forget them", err)}
	}
	if j.Second() {
		return &journal{Journal: j}, []string{fmt.Sprintf("%v; this run deletes by digest", state.ErrBusy)}
	}
	return &journal{Journal: j}, nil
}

// Unfinished returns the manifests whose deletion an earlier run started and did not finish.
func (j *journal) Unfinished() []oci.Digest {
	if j == nil {
		return nil
	}
	return j.Journal.Left()
}

// Begun returns the tags of those manifests, and what they pointed at when that run began.
func (j *journal) Begun() map[string]oci.Digest {
	if j == nil {
		return nil
	}
	return j.Journal.Begun()
}

// ofPrune returns the journal for the execution of a plan; nil if there is none.
func (j *journal) ofPrune() prune.Journal {
	if j == nil {
		return nil
	}
	return j
}

// Write replaces the list of manifests, see [prune.Journal].
func (j *journal) Write(begun []oci.Image) error {
	return j.Journal.Write(append(slices.Clone(begun), j.foreign...))
}

// keepForeign has the journal keep what it lists and a plan, which knows what was unfinished, does not.
func (j *journal) keepForeign(known []oci.Digest) {
	for _, d := range j.Unfinished() {
		if slices.Contains(known, d) {
			continue
		}
		i := oci.Image{Digest: d}
		for t, of := range j.Begun() {
			if of == d {
				i.Tags = append(i.Tags, t)
			}
		}
		j.foreign = append(j.foreign, i)
	}
}

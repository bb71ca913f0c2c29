package run

import (
	"errors"
	"fmt"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/state"
)

// journal is the journal of a repository; nil is one that is not to be had, and knows of nothing.
type journal struct{ *state.Journal }

// openJournal opens the journal of a repository, and says why where there is none: a run without one deletes by digest.
func openJournal(dir *state.Dir, name oci.Repository) (*journal, []string) {
	if dir == nil {
		return nil, nil
	}
	j, err := dir.Journal(name)
	switch {
	case errors.Is(err, state.ErrBusy):
		return nil, []string{fmt.Sprintf("%v; this one deletes by digest", err)}
	case err != nil:
		return nil, []string{fmt.Sprintf("the journal of an earlier run is left alone, and this one deletes by digest: %v; "+
			"the digests that it lists may be in no listing any more: run the version that wrote it, or remove the file to forget them", err)}
	}
	return &journal{j}, nil
}

// Unfinished returns the manifests whose deletion an earlier run has begun and not finished.
func (j *journal) Unfinished() []oci.Digest {
	if j == nil {
		return nil
	}
	return j.Journal.Left()
}

// ofPrune is the journal as the execution of a plan takes it: nil where there is none.
func (j *journal) ofPrune() prune.Journal {
	if j == nil {
		return nil
	}
	return j.Journal
}

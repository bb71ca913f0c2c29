package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/state"
)

// memo is what a run leaves for the next one, as far as there is a folder for it.
type memo struct {
	dir state.Dir
	err error // why there is none; nil when there is
	say talk
}

var errNoFolder = errors.New("there is no cache folder: neither XDG_CACHE_HOME nor HOME is set")

// openState opens the folder of state. One that was asked for must be there; without the usual one a run only takes
// longer.
func openState(dir string, getenv func(string) string, say talk) (memo, error) {
	asked := dir != ""
	if !asked {
		dir = cacheFolder(getenv)
	}
	m := memo{say: say, err: errNoFolder}
	if dir != "" {
		m.dir, m.err = state.Open(dir)
	}
	if asked && m.err != nil {
		return m, fmt.Errorf("--state-dir: %w", m.err)
	}
	return m, nil
}

// cacheFolder is where the system wants what can be made again; "" when the environment does not say.
func cacheFolder(getenv func(string) string) string {
	join := func(variable string, below ...string) string {
		if base := getenv(variable); filepath.IsAbs(base) {
			return filepath.Join(append([]string{base}, below...)...)
		}
		return ""
	}
	switch {
	case runtime.GOOS == "windows":
		return join("LocalAppData", "regsweep")
	case join("XDG_CACHE_HOME") != "":
		return join("XDG_CACHE_HOME", "regsweep")
	case runtime.GOOS == "darwin":
		return join("HOME", "Library", "Caches", "regsweep")
	}
	return join("HOME", ".cache", "regsweep")
}

// Load returns what earlier runs have read of a repository.
func (m memo) Load(name oci.Repository) []byte {
	if m.err != nil {
		return nil
	}
	return state.Memory{Dir: m.dir}.Load(name)
}

// Save keeps what was read. Without it the next run only reads it again.
func (m memo) Save(name oci.Repository, content []byte) {
	if m.err != nil {
		return
	}
	if err := (state.Memory{Dir: m.dir}).Save(name, content); err != nil {
		m.say.warningf("%s: %v", name, err)
	}
}

// journal opens the journal of a repository, nil when there is none to be had. A run without one deletes by digest.
func (m memo) journal(name oci.Repository) *state.Journal {
	if m.err != nil {
		return nil
	}
	j, err := m.dir.Journal(name)
	switch {
	case errors.Is(err, state.ErrBusy):
		m.say.warningf("%s: %v; this one deletes by digest", name, err)
	case err != nil:
		m.say.warningf("%s: the journal of an earlier run is left alone, and this one deletes by digest: %v", name, err)
		m.say.hintf("the digests that it lists may be in no listing any more; run the version that wrote it, or remove the file to forget them")
	}
	return j
}

// journalOf is the journal as the execution sees it: none, when there is none.
func journalOf(j *state.Journal) prune.Journal {
	if j == nil {
		return nil
	}
	return j
}

// begun marks what an earlier run has begun to delete.
func begun(s oci.Snapshot, digests []oci.Digest) {
	left := map[oci.Digest]bool{}
	for _, d := range digests {
		left[d] = true
	}
	for i := range s.Images {
		s.Images[i].Begun = left[s.Images[i].Digest]
	}
}

// forget drops what is not there any more from what the next run remembers.
func forget(r registry.Repository, p retain.Plan, result prune.Result) {
	digests, tags := map[oci.Digest]bool{}, map[string]bool{}
	for _, d := range p.Deletions() {
		if s := result.Outcomes[d.Image.Digest].Status; s == prune.Deleted || s == prune.Gone {
			digests[d.Image.Digest] = true
			for _, t := range d.Image.Tags {
				tags[t] = true
			}
		}
	}
	if cache, has := r.(registry.Cache); has && len(digests) > 0 {
		cache.Forget(digests, tags)
	}
}

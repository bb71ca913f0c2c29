package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/state"
)

var errNoFolder = errors.New("there is no cache folder: neither XDG_CACHE_HOME nor HOME is set")

// openState opens the state folder, or returns why a run has to do without it. It is an error if the folder of --state-dir cannot be
// used. Without the default folder, a run only takes longer.
func openState(dir string, getenv func(string) string) (opened *state.Dir, without, err error) {
	dir, asked := stateFolder(dir, getenv)
	if dir == "" {
		return nil, errNoFolder, nil
	}
	d, err := state.Open(dir)
	switch {
	case err == nil:
		return &d, nil, nil
	case asked:
		return nil, err, fmt.Errorf("--state-dir: %w", err)
	}
	return nil, err, nil
}

// stateFolder is the folder of --state-dir, which the user asked for, or else the default; "" if the environment names no cache folder.
func stateFolder(dir string, getenv func(string) string) (path string, asked bool) {
	if dir != "" {
		return dir, true
	}
	return cacheFolder(getenv), false
}

// cacheFolder is regsweep's folder in the user's cache folder; "" if the environment does not name one.
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

// memory keeps what was read from registries for the next run. Without it, that run reads everything again.
type memory struct {
	state.Memory
	console *publish.Console
}

// remembered returns the memory in a folder; nil without a folder.
func remembered(dir *state.Dir, console *publish.Console) registry.Store {
	if dir == nil {
		return nil
	}
	return memory{state.Memory{Dir: *dir}, console}
}

// readOnly is a memory that a command does not change.
type readOnly struct{ state.Memory }

// Save stores nothing.
func (readOnly) Save(oci.Repository, []byte) {}

// Save stores what was read from a repository.
func (m memory) Save(name oci.Repository, content []byte) {
	if err := m.Memory.Save(name, content); err != nil {
		m.console.Warningf("%s: %v", name, err)
	}
}
